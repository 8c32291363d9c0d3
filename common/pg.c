/* One connection to PostgreSQL on an event loop.
 *
 * Down -> dialing -> setting up -> up, and from anywhere back to down through lost(), the
 * one place where a connection ends. Dialing happens on a thread of its own
 * (common/pg_dialer.h). One timer serves whichever wait is on: the pause before the next
 * attempt, the set-up's deadline, or the running statement's. */
#include "common/pg.h"

#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_conninfo.h"
#include "common/pg_priv.h"

#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 5000u
#define DEFAULT_TIMEOUT_MS 5000u
/* The server's own limits should speak first: their error is more exact than our hanging
 * up. */
#define SERVER_GRACE_MS 500u
/* A session that lasted so long was a good one: its end is the first of its kind. */
#define LASTED_US (BACKOFF_MAX_MS * UINT64_C(1000))
#define READ_ONLY_STATE "25006"
static void timer_in(struct pg_conn *c, uint32_t ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	CHECK(event_add(c->timer, &tv) == 0);
}

/* Half of the delay is fixed, half is chance: nodes that lost one server don't return as
 * one. */
static uint32_t next_delay_ms(struct pg_conn *c)
{
	uint32_t half = c->backoff_ms / 2, chance;

	evutil_secure_rng_get_bytes(&chance, sizeof chance);
	c->backoff_ms =
		c->backoff_ms < BACKOFF_MAX_MS / 2 ? c->backoff_ms * 2 : BACKOFF_MAX_MS;
	return half + chance % (half + 1);
}

static void drop_events(struct pg_conn *c)
{
	if (c->readable)
		event_free(c->readable);
	if (c->writable)
		event_free(c->writable);
	c->readable = c->writable = NULL;
	event_del(c->timer);
}

static void close_session(struct pg_conn *c)
{
	drop_events(c);
	pg_dialer_drop(&c->dialer);
	pg_canceller_drop(&c->canceller);
	PQclear(c->last);
	c->last = NULL;
	/* Writes a good-bye if the socket takes it; never waits in this mode. */
	PQfinish(c->pg);
	c->pg = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->broken = c->flushing = false;
	c->farewell[0] = c->farewell_state[0] = '\0';
}

static void enter(struct pg_conn *c)
{
	OBJ_CHECK(c, PG_CONN_MAGIC);
	c->depth++;
}

static void leave(struct pg_conn *c)
{
	CHECK(c->depth > 0);
	if (--c->depth > 0 || !c->dying)
		return;
	event_free(c->timer);
	event_free(c->told);
	close(c->told_fd);
	OPENSSL_cleanse((char *)c->o.conninfo, strlen(c->o.conninfo));
	free((char *)c->o.conninfo);
	free((char *)c->o.application_name);
	free((char *)c->o.listen);
	c->magic = 0;
	free(c);
}

/* Ends the running statement; its callback may already start the next. */
static void finish(struct pg_conn *c, const struct pg_reply *reply)
{
	void (*done)(void *, const struct pg_reply *) = c->done;
	PGresult *last = c->last;

	c->busy = false;
	c->copy = PG_COPY_NONE;
	c->done = NULL;
	c->more = NULL;
	c->last = NULL;
	if (c->state == PG_UP)
		event_del(c->timer);
	if (!c->dying)
		done(c->done_ctx, reply);
	PQclear(last);
}

/* True: the outage begins. */
static bool note_outage(struct pg_conn *c, const char *why)
{
	bool begins = c->outage.since_us == 0;

	if (trouble_note(&c->outage, 0, clock_mono_us()))
		log_warn("%s: no database: %s; trying again", c->o.application_name, why);
	return begins;
}

static void note_back(struct pg_conn *c)
{
	uint64_t lasted_s;

	if (trouble_over(&c->outage, clock_mono_us(), &lasted_s))
		log_info("%s: the database is back, after %llu s", c->o.application_name,
			 (unsigned long long)lasted_s);
}

static void tell_down(struct pg_conn *c, bool begins, const char *why)
{
	if (begins && c->o.on_state && !c->dying)
		c->o.on_state(c->o.ctx, false, why);
	if (c->o.on_trouble && !c->dying)
		c->o.on_trouble(c->o.ctx, why);
}

/* The one end of a connection, whatever the cause. sqlstate: "" where there is none. */
static void lost_with(struct pg_conn *c, const char *why, const char *sqlstate)
{
	struct pg_reply reply = {.outcome = PG_LOST, .message = why};
	bool tell;

	snprintf(reply.sqlstate, sizeof reply.sqlstate, "%s", sqlstate);
	if (c->state == PG_UP && clock_mono_us() - c->up_since_us > LASTED_US)
		c->backoff_ms = BACKOFF_MIN_MS;

	enter(c);
	/* A server that took the connection and no session: the next may do better. */
	if (c->state == PG_SETTING_UP)
		c->place.past = true;
	close_session(c);
	c->state = PG_DOWN;
	timer_in(c, next_delay_ms(c));
	tell = note_outage(c, why);
	if (c->busy)
		finish(c, &reply);
	tell_down(c, tell, why);
	leave(c);
}

static void lost(struct pg_conn *c, const char *why)
{
	lost_with(c, why, "");
}

/* The server's last word, where there was one, tells more than "closed unexpectedly",
 * which is libpq's own and has no SQLSTATE. */
static void lost_by_libpq(struct pg_conn *c)
{
	char line[PG_MESSAGE_MAX], code[6] = "";

	if (PQstatus(c->pg) == CONNECTION_BAD)
		pg_hear_out(c);
	if (c->last && pg_result_is_error(c->last))
		pg_sqlstate(code, c->last);
	if (code[0] != '\0') {
		pg_clean_result(line, c->last, true);
	} else if (c->farewell[0] != '\0') {
		memcpy(code, c->farewell_state, sizeof code);
		memcpy(line, c->farewell, sizeof line);
	} else {
		pg_clean(line, sizeof line, PQerrorMessage(c->pg), PG_FIRST_LINE);
	}
	lost_with(c, line, code);
}

/* The session's end, where its server may not be what it was: the next one first. */
static void lost_its_use(struct pg_conn *c, const char *why, const char *sqlstate)
{
	c->place.past = true;
	lost_with(c, why, sqlstate);
}

/* The statement's last result is in. */
static void complete(struct pg_conn *c)
{
	struct pg_reply reply = {.outcome = PG_OK, .result = c->last};
	char line[PG_MESSAGE_MAX];

	CHECK(c->last != NULL);
	if (pg_result_is_error(c->last)) {
		reply.outcome = PG_ERROR;
		reply.result = NULL;
		pg_sqlstate(reply.sqlstate, c->last);
		reply.message = pg_clean_result(line, c->last, false);
		reply.field = PQresultErrorField(c->last, PG_DIAG_COLUMN_NAME);
		reply.constraint = PQresultErrorField(c->last, PG_DIAG_CONSTRAINT_NAME);
		if (PQstatus(c->pg) == CONNECTION_BAD || pg_result_is_fatal(c->last) ||
		    reply.sqlstate[0] == '\0') {
			lost_by_libpq(c);
			return;
		}
		if (pg_sqlstate_is_of_session(reply.sqlstate)) {
			lost_its_use(c, pg_clean_result(line, c->last, true),
				     reply.sqlstate);
			return;
		}
	} else if (c->state == PG_UP) {
		c->backoff_ms = BACKOFF_MIN_MS;
	}
	finish(c, &reply);
}

void pg_mark_broken(struct pg_conn *c)
{
	c->broken = true;
	timer_in(c, 0);
}

bool pg_flush(struct pg_conn *c)
{
	int r = PQflush(c->pg);

	c->flushing = r > 0;
	if (r < 0)
		pg_mark_broken(c);
	else if (r > 0)
		CHECK(event_add(c->writable, NULL) == 0);
	return r == 0;
}

static void hear(struct pg_conn *c)
{
	PGnotify *n;

	while (c->pg && !c->dying && (n = PQnotifies(c->pg)) != NULL) {
		if (c->o.on_notify)
			c->o.on_notify(c->o.ctx, n->extra);
		PQfreemem(n);
	}
}

/* Takes every result that is complete. */
static void take_results(struct pg_conn *c)
{
	while (c->pg && c->busy && !c->dying && !PQisBusy(c->pg)) {
		PGresult *r;

		if (c->copy == PG_COPY_FEEDING)
			return; /* PQgetResult would say COPY_IN for ever */
		r = PQgetResult(c->pg);
		if (r == NULL) {
			if (c->canceller)
				return; /* it would hit the next statement */
			complete(c);
			continue;
		}
		if (PQresultStatus(r) == PGRES_COPY_IN && c->copy == PG_COPY_ASKED) {
			PQclear(r);
			c->copy = PG_COPY_FEEDING;
			pg_feed(c);
			continue;
		}
		pg_keep_result(c, r);
		if (PQresultStatus(r) == PGRES_COPY_IN ||
		    PQresultStatus(r) == PGRES_COPY_OUT)
			lost(c, "COPY where none was expected");
	}
}

/* OpenSSL may hold the rest of a record that libpq had no room for: no event would
 * tell. */
static bool consume(struct pg_conn *c)
{
	SSL *ssl = PQsslStruct(c->pg, "OpenSSL");

	do
		if (!PQconsumeInput(c->pg))
			return false;
	while (ssl && SSL_pending(ssl) > 0);
	return true;
}

/* Whoever was let in while it was read-only stays; from then on it is a change. */
static void watch_role(struct pg_conn *c)
{
	bool read_only = pg_reports_read_only(c->pg);

	if (read_only && !c->read_only)
		lost_its_use(c, "the server has become read-only", READ_ONLY_STATE);
	else
		c->read_only = read_only;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;
	bool open;

	(void)fd;
	(void)what;
	enter(c);
	open = consume(c);
	take_results(c);
	/* Behind it: a notification that came in one piece with an answer is found by
	 * taking that, and nothing would be read until the next. */
	hear(c);
	if (c->pg && !open)
		lost_by_libpq(c);
	else if (c->state == PG_UP)
		watch_role(c);
	leave(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;

	(void)fd;
	(void)what;
	enter(c);
	if (pg_flush(c))
		pg_feed(c);
	leave(c);
}

void pg_statement_time(struct pg_conn *c)
{
	timer_in(c, c->o.timeout_ms + SERVER_GRACE_MS);
}

static void start_statement(struct pg_conn *c,
			    void (*done)(void *ctx, const struct pg_reply *reply),
			    void *ctx)
{
	c->busy = true;
	c->done = done;
	c->done_ctx = ctx;
	pg_statement_time(c);
}

static void on_session_ready(void *ctx, const struct pg_reply *reply)
{
	struct pg_conn *c = ctx;
	char why[PG_MESSAGE_MAX];

	if (reply->outcome == PG_LOST)
		return;
	if (reply->outcome == PG_ERROR) {
		snprintf(why, sizeof why, "%s %s", reply->sqlstate, reply->message);
		lost_with(c, why, reply->sqlstate);
		return;
	}
	if (c->o.writes && pg_says_on(reply->result)) {
		lost_with(c,
			  "the server is read-only: a standby, or one with "
			  "default_transaction_read_only",
			  READ_ONLY_STATE);
		return;
	}
	pg_judge_pooler(c, reply->result);
	event_del(c->timer);
	c->state = PG_UP;
	c->up_since_us = clock_mono_us();
	c->read_only = pg_reports_read_only(c->pg);
	note_back(c);
	if (c->o.on_state)
		c->o.on_state(c->o.ctx, true, NULL);
}

/* Connected: from here on the socket is one and the same. */
static void set_up_session(struct pg_conn *c)
{
	/* Asked and not only heard: a pooler reports what was so when it connected. */
	static const char ask[] = " SELECT pg_backend_pid(), "
				  "current_setting('transaction_read_only')";
	char sql[PG_SESSION_SQL_MAX + sizeof ask];

	c->fd = fcntl(PQsocket(c->pg), F_DUPFD_CLOEXEC, 0);
	if (c->fd < 0) {
		lost(c, "no file descriptor is left");
		return;
	}
	c->state = PG_SETTING_UP;
	timer_in(c, c->o.timeout_ms);
	CHECK(PQsetnonblocking(c->pg, 1) == 0);
	c->readable = event_new(c->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(c->base, c->fd, EV_WRITE, on_writable, c);
	CHECK(c->readable && c->writable && event_add(c->readable, NULL) == 0);
	pg_session_sql(sql, PQserverVersion(c->pg), c->o.timeout_ms, c->o.listen,
		       PQbackendPID(c->pg));
	memcpy(sql + strlen(sql), ask, sizeof ask);
	c->pooled = false;
	c->busy = true;
	c->done = on_session_ready;
	c->done_ctx = c;
	pg_send(c, sql, (struct pg_params){0});
}

/* Beside a statement, an error is the session's end. */
static void on_notice(void *ctx, const PGresult *r)
{
	struct pg_conn *c = ctx;
	char line[PG_MESSAGE_MAX];

	if (pg_result_is_fatal(r)) {
		pg_sqlstate(c->farewell_state, r);
		pg_clean_result(c->farewell, r, true);
	} else {
		log_debug("%s: %s", c->o.application_name,
			  pg_clean_result(line, r, true));
	}
}

static void on_dialed(struct pg_conn *c)
{
	struct pg_dialed dialed;

	if (!pg_dialer_take(&c->dialer, &dialed))
		return;
	c->place = dialed.place;
	c->pg = dialed.pg;
	if (c->pg == NULL) {
		lost(c, dialed.why);
	} else {
		PQsetNoticeReceiver(c->pg, on_notice, c);
		set_up_session(c);
	}
}

/* A thread of ours is done; or one was that has been dropped. */
static void on_told(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof count) < 0)
		return;
	enter(c);
	if (c->dialer != NULL)
		on_dialed(c);
	else if (pg_canceller_take(&c->canceller))
		take_results(c);
	leave(c);
}

static void dial(struct pg_conn *c)
{
	struct pg_dial_options o = {
		.conninfo = c->o.conninfo,
		.application_name = c->o.application_name,
		.limit_ms = c->o.timeout_ms,
		.timeout_ms = c->o.timeout_ms,
		.resolver = c->o.resolver,
	};

	c->dialer = pg_dialer_start(&o, &c->place, c->told_fd);
	if (c->dialer == NULL) {
		lost(c, "no thread or file descriptor is left to connect with");
		return;
	}
	c->state = PG_DIALING;
	timer_in(c, c->o.timeout_ms + SERVER_GRACE_MS);
}

/* It goes on: whatever it is stuck in, a second thread would be as well. */
static void tell_slow(struct pg_conn *c)
{
	char doing[PG_MESSAGE_MAX], why[PG_MESSAGE_MAX];

	pg_dialer_doing(c->dialer, doing, sizeof doing);
	snprintf(why, sizeof why, "no session yet, still %s", doing);
	tell_down(c, note_outage(c, why), why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pg_conn *c = arg;

	(void)fd;
	(void)what;
	enter(c);
	if (c->state == PG_DOWN)
		dial(c);
	else if (c->state == PG_DIALING)
		tell_slow(c);
	else if (c->broken)
		lost_by_libpq(c);
	else if (c->state == PG_UP)
		lost(c, "no answer within the time limit");
	else
		lost(c, "setting up the session took too long");
	leave(c);
}

struct pg_conn *pg_conn_new(struct event_base *base, const struct pg_options *options)
{
	struct pg_conn *c = xcalloc(1, sizeof *c);

	c->magic = PG_CONN_MAGIC;
	c->fd = -1;
	c->base = base;
	c->o = *options;
	c->o.conninfo = xstrdup(options->conninfo ? options->conninfo : "");
	c->o.application_name = xstrdup(options->application_name);
	c->o.listen = options->listen ? xstrdup(options->listen) : NULL;
	if (c->o.timeout_ms == 0)
		c->o.timeout_ms = DEFAULT_TIMEOUT_MS;
	c->backoff_ms = BACKOFF_MIN_MS;
	c->timer = event_new(base, -1, 0, on_timer, c);
	c->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(c->timer != NULL && c->told_fd >= 0);
	c->told = event_new(base, c->told_fd, EV_READ | EV_PERSIST, on_told, c);
	CHECK(c->told != NULL && event_add(c->told, NULL) == 0);
	timer_in(c, 0);
	return c;
}

void pg_conn_free(struct pg_conn **conn)
{
	struct pg_conn *c = *conn;

	*conn = NULL;
	if (c == NULL)
		return;
	enter(c);
	c->dying = true;
	close_session(c);
	c->state = PG_DOWN;
	c->busy = false;
	leave(c);
}

bool pg_is_up(const struct pg_conn *c)
{
	return c->state == PG_UP && !c->broken;
}

bool pg_is_busy(const struct pg_conn *c)
{
	return c->busy;
}

bool pg_query(struct pg_conn *c, const char *sql, struct pg_params params,
	      void (*done)(void *ctx, const struct pg_reply *reply), void *ctx)
{
	OBJ_CHECK(c, PG_CONN_MAGIC);
	CHECK(done != NULL && !(c->busy && c->state == PG_UP));
	if (!pg_is_up(c))
		return false;
	start_statement(c, done, ctx);
	pg_send(c, sql, params);
	return true;
}

void pg_drop(struct pg_conn *c, const char *why)
{
	OBJ_CHECK(c, PG_CONN_MAGIC);
	if (c->state == PG_DOWN || c->state == PG_DIALING)
		return;
	c->place.past = true;
	lost(c, why);
}
