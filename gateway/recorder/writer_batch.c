/* The writer's batch: cursors, rows, COMMIT; or one row into usage_bad_rows. */
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/recorder/writer_priv.h"

/* A batch that took less may be larger; one that took more was too large. */
#define QUICK_US UINT64_C(400000)
#define SLOW_US UINT64_C(1500000)
#define HELD_TABLE "token_usage_logs_held"

static struct batch_source source_of(const struct usage_writer *w,
				     const struct writer_source *s)
{
	return (struct batch_source){s->group->lanes, s->group->n_lanes,
				     str_of(s->group->node), w->owners};
}

bool writer_batch_fill(struct usage_writer *w, struct writer_source *from)
{
	struct batch_source source = source_of(w, from);

	w->ensured &= w->again;
	w->again = false;
	if (from->foreign)
		return false;
	usage_owners_next(w->owners);
	if (!usage_batch_fill(&w->batch, &source, w->first % source.n_lanes, w->limit))
		return false;
	w->at = from;
	return true;
}

/* --- whose keys? --- */

enum step_id writer_batch_first(const struct usage_writer *w)
{
	return usage_owners_asked(w->owners) > 0 ? STEP_OWNERS : STEP_DAYS;
}

bool writer_owners_ask(struct usage_writer *w)
{
	usage_owners_sql(w->owners, &w->sql);
	return true;
}

/* The same events again, now under their tokens. */
void writer_owners_done(struct usage_writer *w, const PGresult *result)
{
	struct batch_source source = source_of(w, w->at);
	bool full = w->batch.full;

	for (int i = 0; i < PQntuples(result); i++)
		usage_owners_found(w->owners, pg_value_text(result, i, 0),
				   pg_value_int(result, i, 1));
	usage_owners_answered(w->owners);
	CHECK(usage_batch_fill(&w->batch, &source, w->first % source.n_lanes,
			       w->batch.n_seen));
	w->batch.full = full;
	w->next = writer_batch_first(w);
}

/* --- begin: the cursors move --- */

bool writer_begin_ask(struct usage_writer *w)
{
	for (size_t i = 0; i < w->batch.n_lanes; i++)
		if (w->batch.spans[i].to > w->at->sent[i])
			w->at->sent[i] = w->batch.spans[i].to;
	w->begun_us = clock_mono_us();
	w->day = 0;
	/* What is released must outlive the server's crash, whatever its default. */
	sbuf_lit(&w->sql, "BEGIN; SELECT set_config('synchronous_commit', 'on', true) "
			  "WHERE current_setting('synchronous_commit') = 'off'; ");
	usage_batch_move_sql(&w->batch, w->at->group->name, &w->sql);
	return true;
}

void writer_begin_done(struct usage_writer *w, const PGresult *result)
{
	if (pg_value_rows(result) != usage_batch_touched(&w->batch)) {
		/* An earlier try took effect after all, or the rows are gone. */
		w->at->joined = w->rejecting = false;
		w->next = STEP_ROLLBACK;
	} else if (w->rejecting) {
		w->next = STEP_REJECT;
	}
}

/* --- claims --- */

bool writer_claim_ask(struct usage_writer *w)
{
	if (w->batch.once.n == 0)
		return false;
	usage_once_sql(&w->batch.once, &w->sql);
	return true;
}

/* What another batch has stored, of this process or another node's, is left out. */
void writer_claim_done(struct usage_writer *w, const PGresult *result)
{
	struct usage_once *once = &w->batch.once;
	struct batch_source source = source_of(w, w->at);

	for (int i = 0; i < PQntuples(result); i++)
		usage_once_taken(once, pg_value_text(result, i, 0));
	if (usage_once_repeats(once) > 0)
		usage_batch_settle(&w->batch, &source, w->first % source.n_lanes);
	if (w->batch.n_rows == 0)
		w->next = STEP_COMMIT;
}

/* --- rows, a day at a time, and what they add to the statistics --- */

bool writer_rows_ask(struct usage_writer *w)
{
	const char *table = writer_day_table(w, w->day);

	w->row = 0;
	usage_batch_copy_sql(table != NULL ? table : HELD_TABLE, &w->sql);
	return true;
}

struct str writer_rows_lines(struct usage_writer *w)
{
	return usage_batch_lines(&w->batch, w->day, &w->row);
}

void writer_rows_done(struct usage_writer *w, const PGresult *result)
{
	(void)result;
	if (++w->day < w->batch.n_days)
		w->next = STEP_ROWS;
}

/* Rows that are held bring theirs when they move. */
bool writer_cells_ask(struct usage_writer *w)
{
	int64_t held[BATCH_DAYS_MAX];
	size_t n = writer_days_held(w, held);

	w->row = 0;
	if (n > 0)
		usage_batch_cells_without(&w->batch, held, n);
	if (w->batch.cells.n == 0)
		return false;
	usage_rollup_copy_sql(w->batch.rollup, &w->sql);
	return true;
}

/* All at once; then no more. */
struct str writer_cells_lines(struct usage_writer *w)
{
	return w->row++ == 0 ? sbuf_view(&w->batch.cells) : (struct str){0};
}

/* --- instead of rows: the one that is bad --- */

bool writer_reject_ask(struct usage_writer *w)
{
	struct str row = sbuf_view(&w->batch.rows);

	w->owned = xstrndup(row.p, row.n - 1); /* without its newline */
	w->values[0] = w->sqlstate;
	w->values[1] = w->reason;
	w->values[2] = w->at->group->node;
	w->values[3] = w->owned;
	w->n_values = 4;
	sbuf_lit(
		&w->sql,
		"INSERT INTO usage_bad_rows (sqlstate, reason, record) VALUES "
		"($1, $2, jsonb_build_object('node', $3::text, 'columns', '" COPY_ROW_COLUMNS
		"', 'copy_row', $4::text))");
	return true;
}

/* --- the end --- */

/* A partition that was detached is a table like any other: its rows would be in no
 * log. */
static void check_attached(struct usage_writer *w)
{
	const char *comma = "";

	for (size_t i = 0; i < w->batch.n_days; i++) {
		const char *table = writer_day_table(w, i);

		if (table == NULL)
			continue;
		sbuf_printf(&w->sql, "%s%s",
			    *comma ? comma : "SELECT public.usage_check_attached('{",
			    table);
		comma = ",";
	}
	if (*comma)
		sbuf_lit(&w->sql, "}'); ");
}

bool writer_commit_ask(struct usage_writer *w)
{
	if (!w->rejecting && w->batch.n_rows > 0) {
		check_attached(w);
		usage_rollup_routes_sql(w->batch.rollup, &w->sql);
	}
	sbuf_lit(&w->sql, " COMMIT");
	return true;
}

/* Not each: a constraint that nobody thought of may refuse thousands a second. */
static void tell_rejection(struct usage_writer *w)
{
	if (trouble_happened(&w->rejections, clock_mono_us()))
		log_error("usage: a row was refused and is now in usage_bad_rows: %s %s",
			  w->sqlstate, w->reason);
}

/* The next batch is larger while the database keeps up with this size easily. */
static void adapt_size(struct usage_writer *w, bool full)
{
	uint64_t now = clock_mono_us(), took_us = now - w->begun_us;

	if (w->limit < w->ceiling)
		w->limit *= 2;
	else if (full && took_us < QUICK_US && now >= w->grow_from_us)
		w->ceiling = w->limit = 2 * w->ceiling;
	else if (took_us > SLOW_US && w->ceiling > 2 * WRITER_ROWS_LEAST)
		w->ceiling = w->limit = w->ceiling / 2;
	if (w->ceiling > w->o.batch_rows_max)
		w->ceiling = w->o.batch_rows_max;
	if (w->limit > w->ceiling)
		w->limit = w->ceiling;
}

/* The batch is in the database. */
void writer_commit_done(struct usage_writer *w, const PGresult *result)
{
	const struct usage_group *g = w->at->group;
	struct writer_counters *c = w->o.counters;
	bool own = writer_is_own(w->at);

	(void)result;
	writer_bump(w->rejecting ? &c->rejected : &c->written, w->batch.n_rows);
	writer_bump(&c->repeated, w->batch.n_seen - w->batch.n_rows);
	if (own)
		writer_bump(&c->own, w->batch.n_seen);
	writer_bump(&c->batches, 1);
	if (w->rejecting) {
		tell_rejection(w);
	} else {
		usage_uses_add(&w->uses, w->batch.uses, w->batch.n_uses);
		writer_days_worked(w);
	}
	writer_group_remember(w->at, &w->batch);
	usage_batch_release(&w->batch, g->lanes);
	writer_recovered(w);
	if (!writer_is_narrowing(w))
		w->first = (w->first + 1) % g->n_lanes;
	w->rejecting = false;
	adapt_size(w, w->batch.full);
	w->own_is_due |= own && w->batch.full;
}
