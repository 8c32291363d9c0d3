/* Rows into a connection: COPY ... FROM STDIN, as fast as the socket takes them. */
#include "common/check.h"
#include "common/pg_priv.h"

/* COPY data goes to the socket in pieces of about this size. */
#define COPY_FLUSH_BYTES 16384u

void pg_feed(struct pg_conn *c)
{
	while (c->copy == PG_COPY_FEEDING && !c->flushing && !c->broken && !c->dying) {
		c->copy_moved = false;
		/* The socket took bytes: our limit is on silence, the server's on the
		 * whole. */
		pg_statement_time(c);
		c->more(c->done_ctx);
		CHECK(c->copy_moved || c->dying || c->copy != PG_COPY_FEEDING);
	}
}

bool pg_copy_begin(struct pg_conn *c, const char *sql, void (*more)(void *ctx),
		   void (*done)(void *ctx, const struct pg_reply *reply), void *ctx)
{
	CHECK(more != NULL);
	if (!pg_query(c, sql, (struct pg_params){0}, done, ctx))
		return false;
	c->copy = PG_COPY_ASKED;
	c->copy_unsent = 0;
	c->more = more;
	return true;
}

bool pg_copy_put(struct pg_conn *c, const void *bytes, size_t n)
{
	CHECK(c->copy == PG_COPY_FEEDING && n <= INT32_MAX);
	c->copy_moved = true;
	if (c->broken)
		return false;
	if (PQputCopyData(c->pg, bytes, (int)n) != 1) {
		pg_mark_broken(c);
		return false;
	}
	c->copy_unsent += n;
	if (c->copy_unsent < COPY_FLUSH_BYTES)
		return true;
	c->copy_unsent = 0;
	return pg_flush(c);
}

void pg_copy_end(struct pg_conn *c, const char *failure)
{
	CHECK(c->copy == PG_COPY_FEEDING);
	c->copy_moved = true;
	c->copy = PG_COPY_ENDED;
	if (c->broken)
		return;
	if (PQputCopyEnd(c->pg, failure) == 1)
		pg_flush(c);
	else
		pg_mark_broken(c);
}

void pg_keep_result(struct pg_conn *c, PGresult *r)
{
	if (c->last && pg_result_is_error(c->last)) {
		PQclear(r);
		return;
	}
	PQclear(c->last);
	c->last = r;
}

void pg_hear_out(struct pg_conn *c)
{
	PGresult *r;

	if (c->copy != PG_COPY_FEEDING || PQputCopyEnd(c->pg, "lost") != 1)
		return;
	while ((r = PQgetResult(c->pg)) != NULL)
		pg_keep_result(c, r);
}
