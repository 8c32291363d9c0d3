/* PostgreSQL for commands that may wait. */
#include "common/pg_sync.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_dial.h"
#include "common/pg_error.h"

#define CONNECT_MS 5000  /* for the last or only address */
#define SILENCE_MS 10000 /* unanswered TCP data */
#define COPY_PIECE (1 << 20)

struct pg_sync {
	PGconn *pg;
	char sqlstate[6];
};

static const char session_sql[] =
	"SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET search_path = public, "
	"pg_temp; SET standard_conforming_strings = on; SET client_min_messages = "
	"warning; SET lock_timeout = '10s'; SET statement_timeout = 0; SET "
	"idle_in_transaction_session_timeout = 0";

/* Notices are not for the reader of a command's output. */
static void on_notice(void *ctx, const char *message)
{
	(void)ctx;
	(void)message;
}

static void add_field(struct sbuf *error, const char *before, const PGresult *r,
		      int field)
{
	const char *text = PQresultErrorField(r, field);

	if (text == NULL)
		return;
	sbuf_str(error, str_of(before));
	pg_clean_add(error, text, PG_ALL_LINES);
}

/* What a command waits for, a person or a file, is no fault of its session. */
static bool set_up(struct pg_sync *s, struct sbuf *error)
{
	int version = PQserverVersion(s->pg);

	return pg_sync_run(s, session_sql, error) &&
	       (version < 140000 ||
		pg_sync_run(s, "SET idle_session_timeout = 0", error)) &&
	       (version < 170000 || pg_sync_run(s, "SET transaction_timeout = 0", error));
}

struct pg_sync *pg_sync_open(const char *conninfo, const char *application_name,
			     struct sbuf *error)
{
	struct pg_dial_options o = {
		.conninfo = conninfo,
		.application_name = application_name,
		.limit_ms = CONNECT_MS,
		.timeout_ms = SILENCE_MS,
		.stop_fd = -1,
	};
	struct pg_place place = {0};
	struct pg_sync *s;
	PGconn *pg = pg_dial(&o, &place, error);

	if (pg == NULL)
		return NULL;
	s = xcalloc(1, sizeof *s);
	s->pg = pg;
	PQsetNoticeProcessor(s->pg, on_notice, NULL);
	if (!set_up(s, error))
		pg_sync_close(&s);
	return s;
}

void pg_sync_close(struct pg_sync **s)
{
	if (*s == NULL)
		return;
	PQfinish((*s)->pg);
	free(*s);
	*s = NULL;
}

static void tell_failure(struct pg_sync *s, const PGresult *r, struct sbuf *error)
{
	pg_sqlstate(s->sqlstate, r);
	if (s->sqlstate[0] != '\0') {
		sbuf_printf(error, "%s ", s->sqlstate);
		add_field(error, "", r, PG_DIAG_MESSAGE_PRIMARY);
		add_field(error, "\n  detail: ", r, PG_DIAG_MESSAGE_DETAIL);
		add_field(error, "\n  hint: ", r, PG_DIAG_MESSAGE_HINT);
	} else {
		pg_clean_add(error, PQerrorMessage(s->pg), PG_ALL_LINES);
	}
}

PGresult *pg_sync_query(struct pg_sync *s, const char *sql, const char *const *values,
			int n, struct sbuf *error)
{
	PGresult *r = n == 0 ? PQexec(s->pg, sql)
			     : PQexecParams(s->pg, sql, n, NULL, values, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return r;
	tell_failure(s, r, error);
	PQclear(r);
	return NULL;
}

bool pg_sync_run(struct pg_sync *s, const char *sql, struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, NULL, 0, error);

	PQclear(r);
	return r != NULL;
}

bool pg_sync_copy_begin(struct pg_sync *s, const char *sql, struct sbuf *error)
{
	PGresult *r = PQexec(s->pg, sql);
	bool ok = PQresultStatus(r) == PGRES_COPY_IN;

	if (!ok)
		tell_failure(s, r, error);
	PQclear(r);
	return ok;
}

bool pg_sync_copy_put(struct pg_sync *s, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		int piece = n < COPY_PIECE ? (int)n : COPY_PIECE;

		if (PQputCopyData(s->pg, p, piece) != 1)
			return false;
		p += piece;
		n -= (size_t)piece;
	}
	return true;
}

/* After the end there is one result for the COPY, and none behind it. */
bool pg_sync_copy_end(struct pg_sync *s, struct sbuf *error)
{
	bool ok = PQputCopyEnd(s->pg, NULL) == 1;
	PGresult *r = PQgetResult(s->pg);

	ok = PQresultStatus(r) == PGRES_COMMAND_OK && ok;
	if (!ok)
		tell_failure(s, r, error);
	for (; r != NULL; r = PQgetResult(s->pg))
		PQclear(r);
	return ok;
}

const char *pg_sync_sqlstate(const struct pg_sync *s)
{
	return s->sqlstate;
}

PGconn *pg_sync_conn(struct pg_sync *s)
{
	return s->pg;
}
