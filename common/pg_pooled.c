/* Statements to PostgreSQL, or to a pooler in its place. */
#include "common/check.h"
#include "common/log.h"
#include "common/pg_conninfo.h"
#include "common/pg_inline.h"
#include "common/pg_priv.h"
#include "common/pg_value.h"

#define POOLED_SQL_MAX (256u << 20)

/* As one message: a pooler gives other sessions to other messages, unless a transaction
 * is open. */
static int send_pooled(struct pg_conn *c, const char *sql, struct pg_params p)
{
	char settings[PG_SESSION_SQL_MAX];
	struct sbuf text;
	int sent = 0;

	sbuf_init(&text, POOLED_SQL_MAX);
	if (PQtransactionStatus(c->pg) == PQTRANS_IDLE) {
		pg_transaction_sql(settings, PQserverVersion(c->pg), c->o.timeout_ms);
		sbuf_str(&text, str_of(settings));
	}
	if (pg_inline(c->pg, sql, p.values, p.n, &text) && !text.overflow)
		sent = PQsendQuery(c->pg, sbuf_text(&text));
	sbuf_fini(&text);
	return sent;
}

static int send_direct(struct pg_conn *c, const char *sql, struct pg_params p)
{
	return p.n == 0 ? PQsendQuery(c->pg, sql)
			: PQsendQueryParams(c->pg, sql, p.n, NULL, p.values, NULL, NULL,
					    0);
}

void pg_send(struct pg_conn *c, const char *sql, struct pg_params p)
{
	if (c->pooled ? send_pooled(c, sql, p) : send_direct(c, sql, p))
		pg_flush(c);
	else
		pg_mark_broken(c);
}

void pg_cancel(struct pg_conn *c)
{
	OBJ_CHECK(c, PG_CONN_MAGIC);
	if (c->busy && c->state == PG_UP && !c->broken && c->canceller == NULL)
		c->canceller = pg_canceller_start(c->pg, c->told_fd);
}

static bool is_of_another(const struct pg_conn *c, const PGresult *r)
{
	return PQntuples(r) == 1 && pg_value_int(r, 0, 0) != PQbackendPID(c->pg);
}

/* Whoever waits for notices hears none where transactions are pooled. */
static void tell_pooled(struct pg_conn *c)
{
	if (!c->pooled || c->o.listen == NULL || c->pooled_told)
		return;
	c->pooled_told = true;
	log_warn(
		"%s: a pooler stands before PostgreSQL: if it pools transactions, no notice of changed keys comes through, and revoking takes up to tokens.poll_s; an address that is direct, or of a pool of sessions, cures that",
		c->o.application_name);
}

void pg_judge_pooler(struct pg_conn *c, const PGresult *r)
{
	c->pooled = is_of_another(c, r);
	tell_pooled(c);
}

bool pg_is_pooled(const struct pg_conn *c)
{
	return c->pooled;
}
