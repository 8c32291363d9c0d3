/* The writer's batch: partitions, cursors, rows, COMMIT; or one row into
 * usage_rejected. */
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/recorder/writer_state.h"

#define COPY_PIECE 16384u
/* A batch that took less may be larger; one that took more was too large. */
#define QUICK_US UINT64_C(400000)
#define SLOW_US UINT64_C(1500000)

/* Not each: a constraint that nobody thought of may refuse thousands a second. */
static void report_rejection(struct usage_writer *w)
{
	uint64_t now = clock_mono_us();

	if (w->reported_us != 0 && now - w->reported_us < WRITER_ALARM_EVERY_US)
		return;
	w->reported_us = now;
	log_error("usage: a row was refused and is now in usage_rejected: %s %s",
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
static void batch_done(struct usage_writer *w)
{
	const struct usage_group *g = w->at->group;
	bool own = w->at == &w->sources[0], more = own && w->batch.full;

	writer_bump(w->rejecting ? &w->o.counters->rejected : &w->o.counters->written,
		    w->batch.n_rows);
	writer_bump(&w->o.counters->repeated, w->batch.n_seen - w->batch.n_rows);
	if (own)
		writer_bump(&w->o.counters->own, w->batch.n_seen);
	writer_bump(&w->o.counters->batches, 1);
	if (w->rejecting)
		report_rejection(w);
	usage_batch_release(&w->batch, g->lanes);
	if (w->alarmed_us)
		log_info("usage: PostgreSQL takes events again");
	w->alarmed_us = 0;
	w->pause_ms = WRITER_PAUSE_MIN_MS;
	if (!writer_is_narrowing(w))
		w->first = (w->first + 1) % g->n_lanes;
	w->rejecting = false;
	adapt_size(w, w->batch.full);
	w->step = STEP_NONE;
	usage_writer_turn(w, more);
}

static void on_ended(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome == PG_OK)
		batch_done(w);
	else
		writer_fail(w, reply);
}

static void end(struct usage_writer *w)
{
	sbuf_reset(&w->sql);
	if (!w->rejecting && w->batch.n_rows > 0) {
		usage_rollup_routes_sql(w->batch.rollup, &w->sql);
		usage_batch_last_used_sql(&w->batch, &w->sql);
	}
	sbuf_lit(&w->sql, " COMMIT");
	writer_run_plain(w, STEP_END, on_ended);
}

static void on_copied(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome == PG_OK)
		end(w);
	else
		writer_fail(w, reply);
}

static bool has_lines(struct usage_writer *w)
{
	if (w->lines.n == 0 && w->step == STEP_ROWS)
		w->lines = usage_batch_lines(&w->batch, w->day, &w->row);
	return w->lines.n > 0;
}

static void on_copy_wants_more(void *ctx)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	while (has_lines(w)) {
		size_t n = w->lines.n < COPY_PIECE ? w->lines.n : COPY_PIECE;
		const char *from = w->lines.p;

		w->lines.p += n;
		w->lines.n -= n;
		if (!pg_copy_put(w->pg, from, n))
			return;
	}
	pg_copy_end(w->pg, NULL);
}

/* Runs the COPY that w->sql holds. */
static void copy(struct usage_writer *w, enum writer_step step, struct str lines,
		 reply_fn *done)
{
	static const struct pg_reply gone = {.outcome = PG_LOST,
					     .message = "connection lost"};

	w->step = step;
	w->lines = lines;
	sbuf_add(&w->sql, "", 1);
	CHECK(!w->sql.overflow);
	if (!pg_copy_begin(w->pg, w->sql.p, on_copy_wants_more, done, w))
		done(w, &gone);
}

static void copy_day(struct usage_writer *w);

/* Once the rows are in, what they add to the statistics goes with them. */
static void on_rows(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		writer_fail(w, reply);
		return;
	}
	if (++w->day < w->batch.n_days) {
		copy_day(w);
		return;
	}
	sbuf_reset(&w->sql);
	usage_rollup_copy_sql(w->batch.rollup, &w->sql);
	copy(w, STEP_CELLS, sbuf_view(&w->batch.cells), on_copied);
}

static void copy_day(struct usage_writer *w)
{
	w->row = 0;
	sbuf_reset(&w->sql);
	usage_batch_copy_sql(&w->batch, w->day, writer_day_is_foreign(w), &w->sql);
	copy(w, STEP_ROWS, (struct str){0}, on_rows);
}

static void copy_rows(struct usage_writer *w)
{
	w->day = 0;
	copy_day(w);
}

static void write_rows(struct usage_writer *w)
{
	if (w->batch.n_rows > 0)
		copy_rows(w);
	else
		end(w);
}

static struct batch_source source_of(const struct writer_source *s)
{
	return (struct batch_source){s->group->lanes, s->group->n_lanes,
				     str_of(s->group->node)};
}

/* What another batch has stored, of this process or another node's, is left out. */
static void on_claimed(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;
	struct usage_once *once = &w->batch.once;
	struct batch_source source;

	OBJ_CHECK(w, WRITER_MAGIC);
	source = source_of(w->at);
	if (reply->outcome != PG_OK) {
		writer_fail(w, reply);
		return;
	}
	for (int i = 0; i < PQntuples(reply->result); i++)
		usage_once_taken(once, str_of(PQgetvalue(reply->result, i, 0)));
	if (usage_once_repeats(once) > 0)
		usage_batch_settle(&w->batch, &source, w->first % source.n_lanes);
	write_rows(w);
}

static void claim(struct usage_writer *w)
{
	sbuf_reset(&w->sql);
	usage_once_sql(&w->batch.once, &w->sql);
	writer_run_plain(w, STEP_CLAIM, on_claimed);
}

static void reject_row(struct usage_writer *w)
{
	struct str row = sbuf_view(&w->batch.rows);
	char *line = xstrndup(row.p, row.n - 1); /* without its newline */
	const char *values[] = {w->sqlstate, w->reason, w->at->group->node, line};

	sbuf_reset(&w->sql);
	sbuf_lit(
		&w->sql,
		"INSERT INTO usage_rejected (sqlstate, reason, record) VALUES "
		"($1, $2, jsonb_build_object('node', $3::text, 'columns', '" COPY_ROW_COLUMNS
		"', 'copy_row', $4::text))");
	writer_run(w, STEP_ROWS, (struct pg_params){values, ARRAY_LEN(values)},
		   on_copied);
	free(line);
}

static void on_begun(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		writer_fail(w, reply);
		return;
	}
	if (strtoull(PQcmdTuples((PGresult *)reply->result), NULL, 10) !=
	    usage_batch_touched(&w->batch)) {
		/* An earlier try took effect after all, or the rows are gone. */
		w->at->joined = w->rejecting = false;
		writer_roll_back(w);
		return;
	}
	if (w->rejecting)
		reject_row(w);
	else if (w->batch.once.n > 0)
		claim(w);
	else
		copy_rows(w);
}

void writer_begin(struct usage_writer *w)
{
	for (size_t i = 0; i < w->batch.n_lanes; i++)
		if (w->batch.spans[i].to > w->at->sent[i])
			w->at->sent[i] = w->batch.spans[i].to;
	w->begun_us = clock_mono_us();
	sbuf_reset(&w->sql);
	sbuf_lit(&w->sql, "BEGIN; ");
	usage_batch_move_sql(&w->batch, w->at->group->name, &w->sql);
	writer_run_plain(w, STEP_BEGIN, on_begun);
}

static void on_partitions(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		writer_fail(w, reply);
		return;
	}
	partitions_know(&w->partitions, w->batch.days, w->batch.n_days);
	w->ensured = true;
	writer_begin(w);
}

bool writer_start_batch(struct usage_writer *w, struct writer_source *from)
{
	struct batch_source source = source_of(from);

	w->ensured &= w->again;
	w->again = false;
	if (!usage_batch_fill(&w->batch, &source, w->first % source.n_lanes, w->limit))
		return false;
	w->at = from;
	sbuf_reset(&w->sql);
	if (partitions_sql(&w->partitions, w->batch.days, w->batch.n_days, &w->sql))
		writer_run_plain(w, STEP_PARTITIONS, on_partitions);
	else
		writer_begin(w);
	return true;
}
