/* The asynchronous connection against a server that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/pg_conninfo.h"
#include "common/pg_inline.h"

#include "test/unit/fake_postgres.c"

#define PATIENCE_S 20
#define TIMEOUT_MS 300

struct fixture {
	struct fake_postgres server;
	struct event_base *base;
	struct event *patience;
	struct pg_conn *conn;
	char conninfo[128];
	/* what the callbacks heard */
	int ups, downs, replies, notified;
	char why[256], payload[32];
	enum pg_outcome outcome;
	char sqlstate[6], message[256], value[32], field[32];
	bool up_when_replied;
	/* what they do */
	const char *next_sql;
	bool free_when_up, free_when_replied, stop_when_notified, writes;
	size_t put, to_put, most_at_once;
	bool give_up_copy;
	bool is_patient; /* no limit on time is what the test is about */
};

static void stop_loop(struct fixture *f)
{
	event_base_loopbreak(f->base);
}

static void on_state(void *ctx, bool up, const char *why)
{
	struct fixture *f = ctx;

	if (up) {
		f->ups++;
		assert_null(why);
	} else {
		f->downs++;
		snprintf(f->why, sizeof f->why, "%s", why);
	}
	if (up && f->free_when_up)
		pg_conn_free(&f->conn);
	stop_loop(f);
}

static void on_notify(void *ctx, const char *payload)
{
	struct fixture *f = ctx;

	f->notified++;
	snprintf(f->payload, sizeof f->payload, "%s", payload);
	if (f->stop_when_notified)
		stop_loop(f);
}

static void on_reply(void *ctx, const struct pg_reply *r)
{
	struct fixture *f = ctx;
	const char *next = f->next_sql;

	f->replies++;
	f->outcome = r->outcome;
	f->up_when_replied = pg_is_up(f->conn);
	assert_false(f->up_when_replied && pg_is_busy(f->conn));
	snprintf(f->sqlstate, sizeof f->sqlstate, "%s", r->sqlstate);
	snprintf(f->message, sizeof f->message, "%s", r->message ? r->message : "");
	snprintf(f->value, sizeof f->value, "%s",
		 r->result && PQntuples(r->result) ? PQgetvalue(r->result, 0, 0) : "");
	snprintf(f->field, sizeof f->field, "%s", r->field ? r->field : "-");
	f->next_sql = NULL;
	if (f->free_when_replied)
		pg_conn_free(&f->conn);
	else if (next && r->outcome != PG_LOST)
		assert_true(pg_query(f->conn, next, (struct pg_params){0}, on_reply, f));
	stop_loop(f);
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("nothing happened in %d s", PATIENCE_S);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct timeval tv = {PATIENCE_S, 0};

	log_set_level(LOG_ERROR);
	fake_postgres_start(&f->server);
	f->base = event_base_new();
	f->patience = event_new(f->base, -1, 0, on_patience, f);
	event_add(f->patience, &tv);
	snprintf(f->conninfo, sizeof f->conninfo,
		 "host=127.0.0.1 port=%d user=u dbname=d sslmode=disable "
		 "gssencmode=disable",
		 f->server.port);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	pg_conn_free(&f->conn);
	fake_postgres_stop(&f->server);
	event_free(f->patience);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void begin(struct fixture *f)
{
	struct pg_options o = {
		.conninfo = f->conninfo,
		.application_name = "test \"pg\"",
		.timeout_ms = f->is_patient ? PATIENCE_S * 1000 : TIMEOUT_MS,
		.listen = "channel",
		.writes = f->writes,
		.on_state = on_state,
		.on_notify = on_notify,
		.ctx = f,
	};

	f->conn = pg_conn_new(f->base, &o);
}

/* Turns the loop until *counter has reached n. */
static void until(struct fixture *f, const int *counter, int n)
{
	while (*counter < n)
		assert_int_not_equal(event_base_dispatch(f->base), -1);
}

static void begin_up(struct fixture *f)
{
	begin(f);
	until(f, &f->ups, 1);
}

static void ask(struct fixture *f, const char *sql)
{
	int before = f->replies;

	assert_true(pg_query(f->conn, sql, (struct pg_params){0}, on_reply, f));
	assert_true(pg_is_busy(f->conn));
	until(f, &f->replies, before + 1);
}

static void test_session_is_set_up(void **state)
{
	static const char *const wanted[] = {
		"'TimeZone', 'UTC'",
		"'search_path', 'public, pg_temp'",
		"'jit', 'off'",
		"'statement_timeout', '300'",
		"'lock_timeout', '150'",
		"'idle_in_transaction_session_timeout', '300'",
		"'tcp_user_timeout', '300'",
		"LISTEN channel",
	};
	struct fixture *f = *state;

	begin_up(f);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_non_null(strstr(f->server.first_sql, wanted[i]));
	assert_string_equal(f->server.application_name, "test \"pg\"");
	assert_int_equal(f->downs, 0);
}

static void test_answers(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	ask(f, "ping");
	assert_int_equal(f->outcome, PG_OK);
	assert_string_equal(f->value, "pong");
	ask(f, "fail");
	assert_int_equal(f->outcome, PG_ERROR);
	assert_string_equal(f->sqlstate, "22012");
	assert_string_equal(f->message, "division by zero");
	assert_true(f->up_when_replied);
	assert_string_equal(f->field, "-");
	ask(f, "column");
	assert_string_equal(f->sqlstate, "TG400");
	assert_string_equal(f->field, "name");
	ask(f, "two"); /* an error counts, whatever came before it */
	assert_int_equal(f->outcome, PG_ERROR);
	assert_string_equal(f->sqlstate, "42P01");
	ask(f, "ping");
	assert_int_equal(f->outcome, PG_OK);
	assert_int_equal(f->server.sessions, 1);
}

static void test_the_callback_may_ask_again(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	f->next_sql = "fail";
	assert_true(pg_query(f->conn, "ping", (struct pg_params){0}, on_reply, f));
	until(f, &f->replies, 2);
	assert_int_equal(f->outcome, PG_ERROR);
}

static void test_notification(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	ask(f, "notify");
	assert_int_equal(f->notified, 1);
	assert_string_equal(f->payload, "7");
	assert_string_equal(f->value, "pong");
}

/* In one piece with the answer, and nothing else comes by which it would be found. */
static void test_notification_with_an_answer(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	ask(f, "late");
	assert_string_equal(f->value, "pong");
	until(f, &f->notified, 1);
	assert_string_equal(f->payload, "8");
}

static void lose(struct fixture *f, const char *sql, const char *why)
{
	begin_up(f);
	ask(f, sql);
	assert_int_equal(f->outcome, PG_LOST);
	assert_false(f->up_when_replied);
	assert_non_null(strstr(f->message, why));
	assert_int_equal(f->downs, 1);
	assert_false(pg_query(f->conn, "ping", (struct pg_params){0}, on_reply, f));
	until(f, &f->ups, 2);
	ask(f, "ping");
	assert_int_equal(f->outcome, PG_OK);
}

static void test_server_dies_in_a_statement(void **state)
{
	lose(*state, "die", "closed the connection");
}

static void test_server_ends_the_session(void **state)
{
	struct fixture *f = *state;

	lose(f, "fatal", "57P01 terminating connection");
}

/* Nothing was asked: what the server said is what the log tells, not that it closed. */
static void test_a_farewell_between_statements(void **state)
{
	struct fixture *f = *state;

	f->is_patient = true;
	begin_up(f);
	ask(f, "leave");
	assert_int_equal(f->outcome, PG_OK);
	until(f, &f->downs, 1);
	assert_string_equal(f->why,
			    "57P05 terminating connection due to idle-session timeout");
}

/* It has said why it ends, and is gone: what libpq cannot send tells that, be it one
 * message or several. */
static void test_a_farewell_before_a_statement(void **state)
{
	static char sql[20000], value[20000];
	static const char *const values[] = {value, value, value};
	struct fixture *f = *state;

	memset(sql, ' ', sizeof sql - 1);
	memset(value, 'x', sizeof value - 1);
	memcpy(sql, "ping", strlen("ping"));
	f->is_patient = true;
	begin_up(f);
	for (int n = 0; n <= 3; n++) {
		int closed = atomic_load(&f->server.closed), replies = f->replies;

		atomic_store(&f->server.ends, false);
		ask(f, "last");
		atomic_store(&f->server.ends, true);
		while (atomic_load(&f->server.closed) == closed)
			poll(NULL, 0, 1);
		assert_true(pg_query(f->conn, sql, (struct pg_params){values, n},
				     on_reply, f));
		until(f, &f->replies, replies + 2);
		assert_int_equal(f->outcome, PG_LOST);
		assert_string_equal(f->message, "57P01 terminating connection");
		assert_string_equal(f->sqlstate, "57P01");
		until(f, &f->ups, n + 2);
	}
}

/* It was heard between two statements, of which the second is sent before the end of the
 * connection shows: libpq has no other word for that than its own. */
static void test_a_farewell_then_a_statement(void **state)
{
	struct fixture *f = *state;

	f->is_patient = true;
	begin_up(f);
	f->next_sql = "ping";
	ask(f, "leave");
	until(f, &f->replies, 2);
	assert_int_equal(f->outcome, PG_LOST);
	assert_string_equal(f->message,
			    "57P05 terminating connection due to idle-session timeout");
	assert_string_equal(f->sqlstate, "57P05");
}

/* libpq has heard it before the session was anybody's. */
static void test_a_farewell_at_once(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.ends_at_once, true);
	f->is_patient = true;
	begin(f);
	until(f, &f->downs, 1);
	assert_string_equal(f->why, "57P01 terminating connection");
	atomic_store(&f->server.ends_at_once, false);
	until(f, &f->ups, 1);
}

/* An error of the session, or of the server that it reached: no statement will fare
 * better there. */
static void test_a_standby_is_no_session_to_go_on_with(void **state)
{
	struct fixture *f = *state;

	lose(f, "standby", "25006 cannot execute in a read-only transaction");
}

static void test_the_first_refusal_is_clean(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.refuse_login, "Passwort f\xfcr \x1b[31m\xbb");
	begin(f);
	until(f, &f->downs, 1);
	assert_non_null(strstr(f->why, "FATAL:  28P01: Passwort f\xef\xbf\xbdr  [31m"
				       "\xef\xbf\xbd"));
	atomic_store(&f->server.refuse_login, NULL);
	until(f, &f->ups, 1);
}

/* Who writes takes no session of a server that takes no writes, and asks again. */
static void test_read_only(void **state)
{
	struct fixture *f = *state;

	f->writes = true;
	atomic_store(&f->server.read_only, true);
	begin(f);
	until(f, &f->downs, 1);
	assert_int_equal(f->ups, 0);
	assert_non_null(strstr(f->why, "read-only"));
	atomic_store(&f->server.read_only, false);
	until(f, &f->ups, 1);
}

static void test_server_never_answers(void **state)
{
	uint64_t before = clock_mono_us();

	lose(*state, "hang", "time limit");
	assert_true(clock_mono_us() - before >= TIMEOUT_MS * 1000);
}

static void test_drop(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	assert_true(pg_query(f->conn, "hang", (struct pg_params){0}, on_reply, f));
	pg_drop(f->conn, "enough");
	assert_int_equal(f->replies, 1);
	assert_int_equal(f->outcome, PG_LOST);
	assert_string_equal(f->message, "enough");
	assert_int_equal(f->downs, 1);
	until(f, &f->ups, 2);
}

static void begin_cancel(struct fixture *f)
{
	f->stop_when_notified = true;
	begin_up(f);
	pg_cancel(f->conn); /* nothing runs */
	assert_true(pg_query(f->conn, "wait", (struct pg_params){0}, on_reply, f));
	pg_cancel(f->conn);
	pg_cancel(f->conn); /* on its way */
	until(f, &f->notified, 1);
}

/* The answer is there before the request is known to be through: until then it could hit
 * what is asked next. */
static void test_cancel(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.hold_cancel, true);
	begin_cancel(f);
	assert_int_equal(f->replies, 0);
	assert_true(pg_is_busy(f->conn));
	atomic_store(&f->server.hold_cancel, false);
	until(f, &f->replies, 1);
	assert_int_equal(f->outcome, PG_ERROR);
	assert_string_equal(f->sqlstate, "57014");
	assert_int_equal(f->server.cancels, 1);
	ask(f, "ping");
	assert_int_equal(f->outcome, PG_OK);
	assert_int_equal(f->server.sessions, 1);
}

/* A request that never gets through: the statement's time ends the session. */
static void test_cancel_without_an_end(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.hold_cancel, true);
	begin_cancel(f);
	until(f, &f->replies, 1);
	assert_int_equal(f->outcome, PG_LOST);
	atomic_store(&f->server.hold_cancel, false);
	until(f, &f->ups, 2);
	ask(f, "ping");
	assert_int_equal(f->outcome, PG_OK);
}

static void test_freed_while_cancelling(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.hold_cancel, true);
	begin_cancel(f);
	pg_conn_free(&f->conn);
	assert_int_equal(f->replies, 0);
	atomic_store(&f->server.hold_cancel, false);
}

static void test_reconnects_until_it_is_let_in(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.refuse, 3);
	begin(f);
	until(f, &f->ups, 1);
	assert_int_equal(f->downs, 1); /* told once an outage */
	ask(f, "ping");
	assert_int_equal(f->outcome, PG_OK);
}

static void test_a_refused_set_up_is_no_session(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->server.refuse_set_up, true);
	begin(f);
	until(f, &f->downs, 1);
	assert_int_equal(f->ups, 0);
	assert_string_equal(f->why, "22023 set-up refused");
	atomic_store(&f->server.refuse_set_up, false);
	until(f, &f->ups, 1);
}

/* A listener that nobody serves: TCP connects, then nothing comes. */
static void test_black_hole(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof sa;
	int hole = socket(AF_INET, SOCK_STREAM, 0);
	uint64_t before = clock_mono_us();

	assert_int_equal(bind(hole, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(hole, 1), 0);
	assert_int_equal(getsockname(hole, (struct sockaddr *)&sa, &n), 0);
	snprintf(f->conninfo, sizeof f->conninfo,
		 "host=127.0.0.1 port=%d sslmode=disable", ntohs(sa.sin_port));
	begin(f);
	until(f, &f->downs, 1);
	assert_non_null(strstr(f->why, "took too long"));
	assert_true(clock_mono_us() - before >= TIMEOUT_MS * 1000);
	pg_conn_free(&f->conn);
	close(hole);
}

static void test_nobody_listens(void **state)
{
	struct fixture *f = *state;

	snprintf(f->conninfo, sizeof f->conninfo, "host=127.0.0.1 port=1");
	begin(f);
	until(f, &f->downs, 1);
	assert_non_null(strstr(f->why, "refused"));
}

/* Two servers: what takes no session, or is dropped, is not asked first again. */
static void test_the_next_server_first(void **state)
{
	struct fixture *f = *state;
	struct fake_postgres other;

	fake_postgres_start(&other);
	snprintf(f->conninfo, sizeof f->conninfo,
		 "host=127.0.0.1,127.0.0.1 port=%d,%d user=u dbname=d sslmode=disable "
		 "gssencmode=disable",
		 f->server.port, other.port);
	atomic_store(&f->server.refuse_set_up, true);
	begin(f);
	until(f, &f->ups, 1);
	assert_int_equal(f->downs, 1);
	assert_int_equal(other.sessions, 1);
	ask(f, "die"); /* the server ends it: there once more */
	until(f, &f->ups, 2);
	assert_int_equal(other.sessions, 2);
	atomic_store(&f->server.refuse_set_up, false);
	pg_drop(f->conn, "read-only");
	until(f, &f->ups, 3);
	assert_int_equal(other.sessions, 2);
	pg_conn_free(&f->conn);
	fake_postgres_stop(&other);
}

/* Files that block: the loop goes on, hears of it, and may end. */
static void test_stuck_while_connecting(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/tollgate-test-XXXXXX";

	close(mkstemp(path));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	setenv("PGSERVICEFILE", path, 1);
	snprintf(f->conninfo, sizeof f->conninfo, "service=x");
	begin(f);
	until(f, &f->downs, 1);
	assert_string_equal(f->why, "no session yet, still reading its settings");
	pg_drop(f->conn, "nothing to drop");
	pg_conn_free(&f->conn);
	close(open(path, O_WRONLY));
	unsetenv("PGSERVICEFILE");
	unlink(path);
}

static void test_freed_in_each_callback(void **state)
{
	struct fixture *f = *state;

	f->free_when_up = true;
	begin_up(f);
	assert_null(f->conn);
	f->free_when_up = false;
	f->free_when_replied = true;
	begin(f);
	until(f, &f->ups, 2);
	ask(f, "ping");
	assert_null(f->conn);
	begin(f);
	until(f, &f->ups, 3);
	ask(f, "die");
	assert_int_equal(f->outcome, PG_LOST);
	assert_null(f->conn);
}

static void test_freed_while_a_statement_runs(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	assert_true(pg_query(f->conn, "hang", (struct pg_params){0}, on_reply, f));
	pg_conn_free(&f->conn);
	assert_int_equal(f->replies, 0);
}

static void more(void *ctx)
{
	static const char bytes[1000];
	struct fixture *f = ctx;
	size_t before = f->put;

	while (f->put < f->to_put) {
		f->put += sizeof bytes;
		if (!pg_copy_put(f->conn, bytes, sizeof bytes))
			break;
	}
	if (f->put - before > f->most_at_once)
		f->most_at_once = f->put - before;
	if (f->put >= f->to_put)
		pg_copy_end(f->conn, f->give_up_copy ? "not today" : NULL);
	atomic_store(&f->server.slow_reader, false);
}

static void copy(struct fixture *f, size_t bytes)
{
	f->put = 0;
	f->to_put = bytes;
	assert_true(pg_copy_begin(f->conn, "copy", more, on_reply, f));
	until(f, &f->replies, f->replies + 1);
}

static void test_copy(void **state)
{
	struct fixture *f = *state;

	f->is_patient = true;
	begin_up(f);
	copy(f, 0);
	assert_int_equal(f->outcome, PG_OK);
	assert_int_equal(f->server.copied, 0);
	/* The reader starts late: what is put stays bounded by what the socket takes. */
	atomic_store(&f->server.slow_reader, true);
	copy(f, 8000000);
	assert_int_equal(f->outcome, PG_OK);
	assert_int_equal(f->server.copied, 8000000);
	assert_true(f->most_at_once < 6000000);
	f->give_up_copy = true;
	copy(f, 5000);
	assert_int_equal(f->outcome, PG_ERROR);
	assert_string_equal(f->sqlstate, "57014");
	assert_true(f->up_when_replied);
}

/* The server's word lies behind what libpq reads while it is fed. */
static void test_a_farewell_in_a_copy(void **state)
{
	struct fixture *f = *state;

	f->is_patient = true;
	begin_up(f);
	atomic_store(&f->server.leave_in_copy, true);
	copy(f, 50000000);
	assert_int_equal(f->outcome, PG_LOST);
	assert_string_equal(f->message, "57P01 terminating connection");
	assert_string_equal(f->sqlstate, "57P01");
}

static void test_copy_may_be_refused_or_be_none(void **state)
{
	struct fixture *f = *state;

	begin_up(f);
	assert_true(pg_copy_begin(f->conn, "fail", more, on_reply, f));
	until(f, &f->replies, 1);
	assert_int_equal(f->outcome, PG_ERROR);
	assert_int_equal(f->put, 0);
	/* COPY where pg_query was asked: nobody would feed it. */
	ask(f, "copy");
	assert_int_equal(f->outcome, PG_LOST);
}

static void test_session_statements(void **state)
{
	char sql[PG_SESSION_SQL_MAX];

	(void)state;
	pg_session_sql(sql, 130000, 5000, NULL, 77);
	assert_non_null(strstr(sql, "SELECT set_config('TimeZone', 'UTC', p),"));
	assert_non_null(strstr(sql, "'statement_timeout', '5000', p), set_config("
				    "'lock_timeout', '2500', p)"));
	assert_non_null(strstr(sql, "FROM (SELECT pg_backend_pid() <> 77 AS p)"));
	assert_null(strstr(sql, "client_connection_check_interval")); /* new in 14 */
	assert_null(strstr(sql, "idle_session_timeout"));
	assert_null(strstr(sql, "transaction_timeout"));
	assert_null(strstr(sql, "LISTEN"));
	pg_session_sql(sql, 140000, UINT32_MAX, "token_generation", 77);
	assert_non_null(strstr(sql, "'client_connection_check_interval', '4294967295'"));
	assert_non_null(strstr(sql, "LISTEN token_generation;"));
	assert_non_null(strstr(sql, "'idle_session_timeout', '0'"));
	assert_null(strstr(sql, "'transaction_timeout'")); /* new in 17 */
	pg_session_sql(sql, 170000, UINT32_MAX, "token_generation", 77);
	assert_non_null(strstr(sql, "'transaction_timeout', '0'"));
	pg_transaction_sql(sql, 170000, 5000);
	assert_string_equal(sql,
			    "SET LOCAL TimeZone = 'UTC'; "
			    "SET LOCAL DateStyle = ISO, YMD; "
			    "SET LOCAL search_path = public, pg_temp; "
			    "SET LOCAL standard_conforming_strings = 'on'; "
			    "SET LOCAL jit = 'off'; "
			    "SET LOCAL statement_timeout = '5000'; "
			    "SET LOCAL lock_timeout = '2500'; "
			    "SET LOCAL idle_in_transaction_session_timeout = '5000'; "
			    "SET LOCAL transaction_timeout = '0'; ");
	pg_transaction_sql(sql, 130000, 1);
	assert_non_null(strstr(sql, "SET LOCAL lock_timeout = '1'; "));
	assert_null(strstr(sql, "transaction_timeout = '0'"));
}

static void test_inline(void **state)
{
	static const char *const values[] = {"it's", NULL, "\\ $1", "3", "4", "5",
					     "6",    "7",  "8",     "9", "10"};
	PGconn *pg = PQconnectStart("host=127.0.0.1 port=1 sslmode=disable");
	struct sbuf out;

	(void)state;
	sbuf_init(&out, 4096);
	assert_true(pg_inline(pg, "SELECT $1, $2::text, $3 || $11, '$', $1x", values, 11,
			      &out));
	assert_non_null(strstr(sbuf_text(&out), "'it''s', NULL::text, "));
	assert_non_null(strstr(sbuf_text(&out), " || '10', '$', 'it''s'x"));
	assert_non_null(strstr(sbuf_text(&out), "$1' || '10'")); /* not again */
	sbuf_fini(&out);
	PQfinish(pg);
}

static void test_parameters(void **state)
{
	struct pg_parameters p;
	bool before_dbname = true;
	size_t i;

	(void)state;
	pg_parameters_fill(&p, "host=h", "me", 1001);
	pg_parameters_set(&p, "host", NULL);
	pg_parameters_set(&p, "port", "7");
	for (i = 0; p.keywords[i]; i++) {
		assert_string_not_equal(p.keywords[i], "host");
		if (strcmp(p.keywords[i], "dbname") == 0)
			before_dbname = false;
		if (strcmp(p.keywords[i], "tcp_user_timeout") == 0) {
			assert_string_equal(p.values[i], "1001");
			assert_true(before_dbname); /* the conninfo's own wins */
		}
		if (strcmp(p.keywords[i], "application_name") == 0 ||
		    strcmp(p.keywords[i], "port") == 0)
			assert_false(before_dbname); /* ours wins */
	}
	assert_null(p.values[i]);
	assert_false(before_dbname);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_session_is_set_up),
		TEST(test_answers),
		TEST(test_the_callback_may_ask_again),
		TEST(test_notification),
		TEST(test_notification_with_an_answer),
		TEST(test_server_dies_in_a_statement),
		TEST(test_server_ends_the_session),
		TEST(test_a_farewell_between_statements),
		TEST(test_a_farewell_before_a_statement),
		TEST(test_a_farewell_then_a_statement),
		TEST(test_a_farewell_at_once),
		TEST(test_a_standby_is_no_session_to_go_on_with),
		TEST(test_the_first_refusal_is_clean),
		TEST(test_read_only),
		TEST(test_server_never_answers),
		TEST(test_drop),
		TEST(test_cancel),
		TEST(test_cancel_without_an_end),
		TEST(test_freed_while_cancelling),
		TEST(test_reconnects_until_it_is_let_in),
		TEST(test_a_refused_set_up_is_no_session),
		TEST(test_black_hole),
		TEST(test_nobody_listens),
		TEST(test_the_next_server_first),
		TEST(test_stuck_while_connecting),
		TEST(test_freed_in_each_callback),
		TEST(test_freed_while_a_statement_runs),
		TEST(test_copy),
		TEST(test_a_farewell_in_a_copy),
		TEST(test_copy_may_be_refused_or_be_none),
		cmocka_unit_test(test_session_statements),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
