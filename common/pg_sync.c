/* PostgreSQL for commands that may wait. */
#include "common/pg_sync.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_conninfo.h"

#define CONNECT_TIMEOUT_MS 10000

struct pg_sync {
	PGconn *pg;
	char sqlstate[6];
};

static const char session_sql[] =
	"SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; "
	"SET search_path = public, pg_temp; SET standard_conforming_strings = on; "
	"SET client_min_messages = warning; SET lock_timeout = '10s'; SET "
	"statement_timeout = 0";

/* Notices are not for the reader of a command's output. */
static void on_notice(void *ctx, const char *message)
{
	(void)ctx;
	(void)message;
}

/* libpq ends its messages with a line break and may use several lines. */
static void add_lines(struct sbuf *error, const char *text)
{
	struct str s = str_of(text);

	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	sbuf_str(error, s);
}

static void add_field(struct sbuf *error, const char *before, const PGresult *r,
		      int field)
{
	const char *text = PQresultErrorField(r, field);

	if (text == NULL)
		return;
	sbuf_str(error, str_of(before));
	add_lines(error, text);
}

struct pg_sync *pg_sync_open(const char *conninfo, const char *application_name,
			     struct sbuf *error)
{
	struct pg_sync *s;
	struct pg_parameters p;
	const char *why;

	if (!pg_conninfo_check(conninfo, &why)) {
		sbuf_str(error, str_of(why));
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	pg_parameters_fill(&p, conninfo, application_name, CONNECT_TIMEOUT_MS);
	s->pg = PQconnectdbParams(p.keywords, p.values, 1);
	CHECK(s->pg != NULL);
	PQsetNoticeProcessor(s->pg, on_notice, NULL);
	if (PQstatus(s->pg) != CONNECTION_OK) {
		add_lines(error, PQerrorMessage(s->pg));
		pg_sync_close(&s);
	} else if (!pg_sync_run(s, session_sql, error)) {
		pg_sync_close(&s);
	}
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

PGresult *pg_sync_query(struct pg_sync *s, const char *sql, const char *const *values,
			int n, struct sbuf *error)
{
	PGresult *r = n == 0 ? PQexec(s->pg, sql)
			     : PQexecParams(s->pg, sql, n, NULL, values, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(r);
	const char *code;

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return r;
	code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	snprintf(s->sqlstate, sizeof s->sqlstate, "%s", code ? code : "");
	if (code) {
		add_field(error, "", r, PG_DIAG_MESSAGE_PRIMARY);
		add_field(error, "\n  detail: ", r, PG_DIAG_MESSAGE_DETAIL);
		add_field(error, "\n  hint: ", r, PG_DIAG_MESSAGE_HINT);
	} else {
		add_lines(error, PQerrorMessage(s->pg));
	}
	PQclear(r);
	return NULL;
}

bool pg_sync_run(struct pg_sync *s, const char *sql, struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, NULL, 0, error);

	PQclear(r);
	return r != NULL;
}

const char *pg_sync_sqlstate(const struct pg_sync *s)
{
	return s->sqlstate;
}

PGconn *pg_sync_conn(struct pg_sync *s)
{
	return s->pg;
}
