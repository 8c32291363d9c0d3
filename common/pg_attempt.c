/* One attempt to get a session of PostgreSQL, at one address. */
#include "common/pg_attempt.h"

#include <poll.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/pg_conninfo.h"
#include "common/pg_error.h"

/* A session that is ended as soon as it begins: libpq takes that for a notice. */
static void on_notice(void *ctx, const PGresult *r)
{
	char *farewell = ctx;

	if (pg_result_is_fatal(r))
		pg_clean_result(farewell, r, true);
}

/* Until its owner has one of its own. */
static void ignore_notice(void *ctx, const char *message)
{
	(void)ctx;
	(void)message;
}

/* farewell: of PG_MESSAGE_MAX. */
static PGconn *begin(const struct pg_target *t, char *farewell,
		     PQnoticeReceiver *receiver)
{
	struct pg_parameters p;
	PGconn *pg;

	pg_parameters_fill(&p, t->conninfo, t->application_name, t->timeout_ms);
	pg_parameters_set(&p, "host", t->host);
	pg_parameters_set(&p, "hostaddr", t->hostaddr);
	pg_parameters_set(&p, "port", t->port);
	pg_parameters_set(&p, "target_session_attrs", t->target_session_attrs);
	pg = PQconnectStartParams(p.keywords, p.values, 1);
	CHECK(pg != NULL);
	PQsetNoticeProcessor(pg, ignore_notice, NULL);
	*receiver = PQsetNoticeReceiver(pg, on_notice, farewell);
	/* The first line has the SQLSTATE then. */
	PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
	return pg;
}

/* Waits for what libpq waits for. PG_ATTEMPT_UP: it is there. */
static enum pg_attempt_end wait_for(const struct pg_target *t, PGconn *pg,
				    PostgresPollingStatusType what, uint64_t until_us)
{
	struct pollfd fds[] = {
		{.fd = PQsocket(pg),
		 .events = what == PGRES_POLLING_READING ? POLLIN : POLLOUT},
		{.fd = t->stop_fd, .events = POLLIN}, /* -1 is passed over */
	};
	uint64_t now = clock_mono_us();

	if (now >= until_us)
		return PG_ATTEMPT_SILENT;
	/* A signal looks like the end of the wait: both are looked at again. */
	if (poll(fds, ARRAY_LEN(fds), (int)((until_us - now) / 1000) + 1) <= 0)
		return clock_mono_us() >= until_us ? PG_ATTEMPT_SILENT : PG_ATTEMPT_UP;
	return fds[1].revents ? PG_ATTEMPT_STOPPED : PG_ATTEMPT_UP;
}

static enum pg_attempt_end run(const struct pg_target *t, PGconn *pg, uint64_t until_us)
{
	PostgresPollingStatusType what = PGRES_POLLING_WRITING;
	enum pg_attempt_end end;

	if (PQstatus(pg) == CONNECTION_BAD)
		return PG_ATTEMPT_FAILED;
	for (;;) {
		end = wait_for(t, pg, what, until_us);
		if (end != PG_ATTEMPT_UP)
			return end;
		what = PQconnectPoll(pg);
		if (what == PGRES_POLLING_OK)
			return PG_ATTEMPT_UP;
		if (what == PGRES_POLLING_FAILED)
			return PG_ATTEMPT_FAILED;
	}
}

/* Where it has an address, libpq's message leaves the host out. (An empty one of several
 * is given twice, see pg_dial.c.) */
static void tell_failure(const struct pg_target *t, const PGconn *pg, struct sbuf *why)
{
	if (t->hostaddr != NULL && t->host != NULL && strchr(t->host, ',') == NULL &&
	    strcmp(t->host, t->hostaddr) != 0)
		sbuf_printf(why, "%s: ", t->host);
	pg_clean_add(why, PQerrorMessage(pg), PG_FIRST_LINE);
}

PGconn *pg_attempt(const struct pg_target *t, enum pg_attempt_end *end, struct sbuf *why)
{
	uint64_t until_us = clock_mono_us() + t->limit_ms * UINT64_C(1000);
	char farewell[PG_MESSAGE_MAX] = "";
	PQnoticeReceiver receiver;
	PGconn *pg = begin(t, farewell, &receiver);

	*end = run(t, pg, until_us);
	if (*end == PG_ATTEMPT_UP && farewell[0] != '\0')
		*end = PG_ATTEMPT_FAILED;
	switch (*end) {
	case PG_ATTEMPT_UP:
		PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
		PQsetNoticeReceiver(pg, receiver, NULL);
		return pg;
	case PG_ATTEMPT_FAILED:
		if (farewell[0] != '\0')
			sbuf_str(why, str_of(farewell));
		else
			tell_failure(t, pg, why);
		break;
	case PG_ATTEMPT_SILENT:
		sbuf_printf(why, "connecting to %s took too long (%g s)", t->shown,
			    t->limit_ms / 1000.0);
		break;
	case PG_ATTEMPT_STOPPED:
		break;
	}
	PQfinish(pg);
	return NULL;
}
