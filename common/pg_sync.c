/* PostgreSQL for commands that may wait. */
#include "common/pg_sync.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_dial.h"
#include "common/pg_error.h"
#include "common/pg_value.h"

#define CONNECT_MS 5000  /* for the last or only address */
#define SILENCE_MS 10000 /* unanswered TCP data */
#define COPY_PIECE (1 << 20)

struct pg_sync {
	PGconn *pg;
	char sqlstate[6];
	bool pooled;
	struct sbuf each; /* what each transaction begins with, behind its BEGIN */
};

#define EACH_MAX 8192

static const char settings_sql[] =
	"; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL "
	"search_path = public, pg_temp; SET LOCAL standard_conforming_strings = on; SET "
	"LOCAL jit = off; SET LOCAL client_min_messages = warning; SET LOCAL "
	"lock_timeout = '10s'; SET LOCAL statement_timeout = 0; SET LOCAL "
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

/* What a command waits for, a person or a file, is no fault of its session. That is all
 * that is set for a session, and not where a pooler's answers. */
static bool set_up(struct pg_sync *s, struct sbuf *error)
{
	int version = PQserverVersion(s->pg);
	char sql[192];
	PGresult *r;

	snprintf(sql, sizeof sql, "SELECT pg_backend_pid() <> %d", PQbackendPID(s->pg));
	if (version >= 140000)
		snprintf(sql, sizeof sql,
			 "SELECT p, set_config('idle_session_timeout', '0', p) FROM "
			 "(SELECT pg_backend_pid() <> %d AS p) AS v",
			 PQbackendPID(s->pg));
	r = pg_sync_query(s, sql, NULL, 0, error);
	if (r == NULL)
		return false;
	s->pooled = pg_value_bool(r, 0, 0);
	PQclear(r);
	if (version >= 170000)
		pg_sync_each(s, "SET LOCAL transaction_timeout = 0");
	return true;
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
	sbuf_init(&s->each, EACH_MAX);
	sbuf_str(&s->each, STR(settings_sql));
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
	sbuf_fini(&(*s)->each);
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

void pg_sync_each(struct pg_sync *s, const char *sql)
{
	sbuf_lit(&s->each, "; ");
	sbuf_str(&s->each, str_of(sql));
	CHECK(!s->each.overflow);
}

bool pg_sync_is_pooled(const struct pg_sync *s)
{
	return s->pooled;
}

static bool is_fine(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* NULL: it was refused, as error tells. */
static PGresult *take(struct pg_sync *s, PGresult *r, struct sbuf *error)
{
	if (is_fine(r))
		return r;
	tell_failure(s, r, error);
	PQclear(r);
	return NULL;
}

/* "BEGIN" or "BEGIN ISOLATION LEVEL ...", our settings, and what follows in sql. */
static PGresult *begin(struct pg_sync *s, struct str head, const char *rest,
		       struct sbuf *error)
{
	struct sbuf sql;
	PGresult *r;

	sbuf_init(&sql, head.n + s->each.n + strlen(rest) + 1);
	sbuf_str(&sql, head);
	sbuf_str(&sql, sbuf_view(&s->each));
	sbuf_str(&sql, str_of(rest));
	r = take(s, PQexec(s->pg, sbuf_text(&sql)), error);
	sbuf_fini(&sql);
	return r;
}

static PGresult *run(struct pg_sync *s, const char *sql, const char *const *values, int n,
		     struct sbuf *error)
{
	return take(s,
		    n == 0 ? PQexec(s->pg, sql)
			   : PQexecParams(s->pg, sql, n, NULL, values, NULL, NULL, 0),
		    error);
}

/* What is left open of a transaction of our own making ends. */
static PGresult *end(struct pg_sync *s, PGresult *r, struct sbuf *error)
{
	bool ok = true;

	switch (PQtransactionStatus(s->pg)) {
	case PQTRANS_INTRANS:
		ok = pg_sync_bare(s, "COMMIT", error);
		break;
	case PQTRANS_INERROR:
		PQclear(PQexec(s->pg, "ROLLBACK"));
		break;
	case PQTRANS_IDLE:
	case PQTRANS_ACTIVE:
	case PQTRANS_UNKNOWN:
		break;
	}
	if (ok)
		return r;
	PQclear(r);
	return NULL;
}

PGresult *pg_sync_query(struct pg_sync *s, const char *sql, const char *const *values,
			int n, struct sbuf *error)
{
	PGresult *r;
	size_t head;

	if (PQtransactionStatus(s->pg) != PQTRANS_IDLE)
		return run(s, sql, values, n, error);
	if (strncmp(sql, "BEGIN", 5) == 0) {
		head = strcspn(sql, ";");
		return begin(s, (struct str){sql, head}, sql + head, error);
	}
	r = begin(s, STR("BEGIN"), "", error);
	if (r != NULL) {
		PQclear(r);
		r = run(s, sql, values, n, error);
	}
	return end(s, r, error);
}

bool pg_sync_bare(struct pg_sync *s, const char *sql, struct sbuf *error)
{
	PGresult *r = run(s, sql, NULL, 0, error);

	PQclear(r);
	return r != NULL;
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
