/* Writes batches from the lanes to PostgreSQL.
 *
 *   join -> [partitions] -> begin (cursors move) -> rows -> end (last_used, COMMIT)
 *
 * Each step is one statement and ends in its on_ callback. A step that fails goes through
 * on_failure, the only judge of errors: connection lost -> join again; a row's own fault
 * (SQLSTATE classes 22 and 23) -> half the batch at once, down to the one row, which goes
 * to usage_rejected with the reason; anything else -> the same again after a pause. */
#include "gateway/usage/writer.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "gateway/usage/batch.h"
#include "gateway/usage/copy_row.h"
#include "gateway/usage/cursors.h"
#include "gateway/usage/partitions.h"

#define WRITER_MAGIC 0x77727431u
#define SQL_MAX (4u * 1024 * 1024)
#define COPY_PIECE 65536u
#define NODE_MAX 255u
#define PAUSE_MIN_MS 100u
#define PAUSE_MAX_MS 5000u
#define ALARM_EVERY_US UINT64_C(60000000)
#define UPKEEP_RETRY_US UINT64_C(600000000)

enum step {
	STEP_NONE,
	STEP_JOIN,
	STEP_UPKEEP,
	STEP_PARTITIONS,
	STEP_BEGIN,
	STEP_ROWS,
	STEP_END,
	STEP_ROLLBACK,
	STEP_RETIRE,
};

static const char *const step_names[] = {
	"waiting",           "joining",           "preparing partitions",
	"making partitions", "moving the cursor", "copying rows",
	"committing",        "rolling back",      "leaving",
};

struct usage_writer {
	uint32_t magic;
	struct pg_conn *pg;
	struct writer_options o;
	struct str node;
	char group[BATCH_GROUP_HEX + 1];
	enum step step;
	bool joined; /* the tails agree with the database's cursors */
	struct usage_batch batch;
	size_t limit, first; /* rows of the next batch; lane to begin with */
	bool ensured;        /* its partitions were asked for in this very try */
	size_t copied;       /* bytes of the batch's rows that libpq has */
	uint64_t *sent;      /* per lane: up to where a batch was ever tried */
	bool rejecting;      /* the batch is one row, and goes to usage_rejected */
	char sqlstate[6];    /* why */
	char reason[512];
	struct usage_partitions partitions;
	int64_t upkept_day;
	uint64_t upkeep_from_us;
	uint32_t pause_ms;
	uint64_t resume_us, alarmed_us, reported_us;
	struct sbuf sql;
};

static void bump(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* --- statements --- */

typedef void reply_fn(void *ctx, const struct pg_reply *reply);

/* Runs what w->sql holds. The caller has seen that the connection is up; where it broke
 * in this very moment, `done` still comes, with PG_LOST. */
static void run(struct usage_writer *w, enum step step, struct pg_params params,
		reply_fn *done)
{
	static const struct pg_reply gone = {.outcome = PG_LOST,
					     .message = "connection lost"};

	w->step = step;
	sbuf_add(&w->sql, "", 1);
	CHECK(!w->sql.overflow);
	if (!pg_query(w->pg, w->sql.p, params, done, w))
		done(w, &gone);
}

static void run_plain(struct usage_writer *w, enum step step, reply_fn *done)
{
	run(w, step, (struct pg_params){0}, done);
}

static void on_rolled_back(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	w->step = STEP_NONE;
	if (reply->outcome == PG_LOST)
		w->joined = false;
	else if (reply->outcome == PG_ERROR)
		pg_drop(w->pg, "ROLLBACK failed");
	usage_writer_turn(w, w->rejecting || w->limit < w->o.batch_rows);
}

static void roll_back(struct usage_writer *w)
{
	sbuf_reset(&w->sql);
	sbuf_lit(&w->sql, "ROLLBACK");
	run_plain(w, STEP_ROLLBACK, on_rolled_back);
}

/* --- faults --- */

static void alarm_once(struct usage_writer *w, const struct pg_reply *reply)
{
	uint64_t now = clock_mono_us();

	if (w->alarmed_us != 0 && now - w->alarmed_us < ALARM_EVERY_US)
		return;
	w->alarmed_us = now;
	log_error("usage: PostgreSQL refuses %s: %s %s; events wait and are tried again",
		  step_names[w->step], reply->sqlstate, reply->message);
}

static void pause_writing(struct usage_writer *w)
{
	w->resume_us = clock_mono_us() + w->pause_ms * UINT64_C(1000);
	w->pause_ms = w->pause_ms < PAUSE_MAX_MS / 2 ? w->pause_ms * 2 : PAUSE_MAX_MS;
}

/* Class 22 is "data exception", 23 "integrity constraint violation" (PostgreSQL manual,
 * appendix A). A cursor or ROLLBACK never fails for a row's sake. */
static bool is_rows_fault(const struct usage_writer *w, const char *sqlstate)
{
	bool has_rows =
		w->step == STEP_PARTITIONS || w->step == STEP_ROWS || w->step == STEP_END;

	return has_rows && !w->rejecting &&
	       (strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0);
}

static void narrow_down(struct usage_writer *w, const struct pg_reply *reply)
{
	snprintf(w->sqlstate, sizeof w->sqlstate, "%s", reply->sqlstate);
	snprintf(w->reason, sizeof w->reason, "%s", reply->message);
	/* A partition that someone dropped looks like a bad row (23514): ask again. */
	partitions_forget(&w->partitions);
	if (w->batch.n_rows > 1)
		w->limit = w->batch.n_rows / 2;
	else
		w->rejecting = w->ensured;
}

static void on_failure(struct usage_writer *w, const struct pg_reply *reply)
{
	bool row = reply->outcome == PG_ERROR && is_rows_fault(w, reply->sqlstate);

	bump(&w->o.counters->failures, 1);
	if (reply->outcome == PG_LOST) {
		w->step = STEP_NONE;
		w->joined = w->rejecting = false;
		return;
	}
	if (row) {
		narrow_down(w, reply);
	} else {
		alarm_once(w, reply);
		pause_writing(w);
		w->rejecting = false;
	}
	roll_back(w);
}

/* --- joining: what does the database hold of our lanes? --- */

/* A position that no batch of ours ended at: the database was set back to an earlier
 * state (a restored copy, a fail-over that lost commits). What it has lost is not here
 * any more. */
static void take_cursor(struct usage_writer *w, size_t lane, uint64_t position)
{
	uint64_t rows;

	if (cursor_take(w->o.lanes[lane], position, w->sent[lane], &rows)) {
		bump(&w->o.counters->written, rows);
		return;
	}
	log_error("usage: the database was set back: lane %zu stands at %llu instead of "
		  "%llu; "
		  "rows written since are gone from it",
		  lane, (unsigned long long)position,
		  (unsigned long long)usage_lane_tail(w->o.lanes[lane]));
	cursors_reset_sql(w->group, lane, w->o.lanes[lane], &w->sql);
}

static void on_cursors_reset(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		on_failure(w, reply);
		return;
	}
	w->step = STEP_NONE;
	usage_writer_turn(w, false); /* joins again, and finds them right */
}

static void on_joined(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		on_failure(w, reply);
		return;
	}
	sbuf_reset(&w->sql);
	for (int i = 0; i < PQntuples(reply->result); i++) {
		size_t lane = (size_t)strtoull(PQgetvalue(reply->result, i, 0), NULL, 10);

		if (lane < w->o.n_lanes)
			take_cursor(w, lane,
				    strtoull(PQgetvalue(reply->result, i, 1), NULL, 10));
	}
	if (w->sql.n) {
		run_plain(w, STEP_JOIN, on_cursors_reset);
		return;
	}
	w->step = STEP_NONE;
	w->joined = true;
	usage_writer_turn(w, false);
}

static void join(struct usage_writer *w)
{
	w->rejecting = false;
	partitions_forget(&w->partitions);
	w->upkept_day = INT64_MIN;
	sbuf_reset(&w->sql);
	cursors_join_sql(w->group, w->o.lanes, w->o.n_lanes, &w->sql);
	run_plain(w, STEP_JOIN, on_joined);
}

/* --- partitions ahead --- */

static size_t days_ahead(int64_t days[PARTITIONS_AHEAD_DAYS + 1])
{
	int64_t today = usage_day_of(clock_wall_us());

	for (int64_t i = 0; i <= PARTITIONS_AHEAD_DAYS; i++)
		days[i] = today + i;
	return PARTITIONS_AHEAD_DAYS + 1;
}

static void on_upkeep(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;
	int64_t days[PARTITIONS_AHEAD_DAYS + 1];
	size_t n = days_ahead(days);

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome == PG_LOST) {
		on_failure(w, reply);
		return;
	}
	w->step = STEP_NONE;
	if (reply->outcome == PG_ERROR) {
		alarm_once(w, reply);
		w->upkeep_from_us = clock_mono_us() + UPKEEP_RETRY_US;
	} else {
		partitions_know(&w->partitions, days, n);
		w->upkept_day = days[0];
	}
	usage_writer_turn(w, false);
}

/* True: started. Days that come are prepared before a row asks for them, so that midnight
 * costs nothing; failing here stops no batch. */
static bool start_upkeep(struct usage_writer *w)
{
	int64_t days[PARTITIONS_AHEAD_DAYS + 1];
	size_t n = days_ahead(days);

	if (w->upkept_day == days[0] || clock_mono_us() < w->upkeep_from_us)
		return false;
	sbuf_reset(&w->sql);
	if (!partitions_sql(&w->partitions, days, n, &w->sql)) {
		w->upkept_day = days[0];
		return false;
	}
	run_plain(w, STEP_UPKEEP, on_upkeep);
	return true;
}

/* --- one batch --- */

/* Not each: a constraint that nobody thought of may refuse thousands a second. */
static void report_rejection(struct usage_writer *w)
{
	uint64_t now = clock_mono_us();

	if (w->reported_us != 0 && now - w->reported_us < ALARM_EVERY_US)
		return;
	w->reported_us = now;
	log_error("usage: a row was refused and is now in usage_rejected: %s %s",
		  w->sqlstate, w->reason);
}

/* The batch is in the database. */
static void batch_done(struct usage_writer *w)
{
	bool more = w->batch.full;

	bump(w->rejecting ? &w->o.counters->rejected : &w->o.counters->written,
	     w->batch.n_rows);
	bump(&w->o.counters->batches, 1);
	if (w->rejecting)
		report_rejection(w);
	usage_batch_release(&w->batch, w->o.lanes);
	if (w->alarmed_us)
		log_info("usage: PostgreSQL takes events again");
	w->alarmed_us = 0;
	w->pause_ms = PAUSE_MIN_MS;
	w->rejecting = false;
	w->limit = w->limit < w->o.batch_rows / 2 ? w->limit * 2 : w->o.batch_rows;
	if (w->limit == w->o.batch_rows)
		w->first = (w->first + 1) % w->o.n_lanes;
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
		on_failure(w, reply);
}

static void end(struct usage_writer *w)
{
	sbuf_reset(&w->sql);
	if (!w->rejecting)
		usage_batch_last_used_sql(&w->batch, &w->sql);
	sbuf_lit(&w->sql, " COMMIT");
	run_plain(w, STEP_END, on_ended);
}

static void on_rows(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome == PG_OK)
		end(w);
	else
		on_failure(w, reply);
}

static void on_copy_wants_more(void *ctx)
{
	struct usage_writer *w = ctx;
	const struct sbuf *rows = &w->batch.rows;

	OBJ_CHECK(w, WRITER_MAGIC);
	while (w->copied < rows->n) {
		size_t left = rows->n - w->copied,
		       n = left < COPY_PIECE ? left : COPY_PIECE;
		const char *from = rows->p + w->copied;

		w->copied += n;
		if (!pg_copy_put(w->pg, from, n))
			return;
	}
	pg_copy_end(w->pg, NULL);
}

static void copy_rows(struct usage_writer *w)
{
	static const struct pg_reply gone = {.outcome = PG_LOST,
					     .message = "connection lost"};

	w->step = STEP_ROWS;
	w->copied = 0;
	if (!pg_copy_begin(w->pg,
			   "COPY token_usage_logs (" COPY_ROW_COLUMNS ") FROM STDIN",
			   on_copy_wants_more, on_rows, w))
		on_rows(w, &gone);
}

static void reject_row(struct usage_writer *w)
{
	struct str row = sbuf_view(&w->batch.rows);
	char *line = xstrndup(row.p, row.n - 1); /* without its newline */
	const char *values[] = {w->sqlstate, w->reason, w->node.p, line};

	sbuf_reset(&w->sql);
	sbuf_lit(&w->sql, "INSERT INTO usage_rejected (sqlstate, reason, record) "
			  "VALUES ($1, $2, jsonb_build_object('node', $3::text, "
			  "'columns', '" COPY_ROW_COLUMNS "', 'copy_row', $4::text))");
	run(w, STEP_ROWS, (struct pg_params){values, ARRAY_LEN(values)}, on_rows);
	free(line);
}

static void on_begun(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		on_failure(w, reply);
		return;
	}
	if (strtoull(PQcmdTuples((PGresult *)reply->result), NULL, 10) !=
	    usage_batch_touched(&w->batch)) {
		/* An earlier try took effect after all, or the rows are gone. */
		w->joined = w->rejecting = false;
		roll_back(w);
		return;
	}
	if (w->rejecting)
		reject_row(w);
	else
		copy_rows(w);
}

static void begin(struct usage_writer *w)
{
	for (size_t i = 0; i < w->o.n_lanes; i++)
		if (w->batch.spans[i].to > w->sent[i])
			w->sent[i] = w->batch.spans[i].to;
	sbuf_reset(&w->sql);
	sbuf_lit(&w->sql, "BEGIN; ");
	usage_batch_move_sql(&w->batch, w->group, &w->sql);
	run_plain(w, STEP_BEGIN, on_begun);
}

static void on_partitions(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		on_failure(w, reply);
		return;
	}
	partitions_know(&w->partitions, w->batch.days, w->batch.n_days);
	w->ensured = true;
	begin(w);
}

static void start_batch(struct usage_writer *w)
{
	if (!usage_batch_fill(&w->batch, w->o.lanes, w->first, w->limit, w->node))
		return;
	w->ensured = false;
	sbuf_reset(&w->sql);
	if (partitions_sql(&w->partitions, w->batch.days, w->batch.n_days, &w->sql))
		run_plain(w, STEP_PARTITIONS, on_partitions);
	else
		begin(w);
}

void usage_writer_turn(struct usage_writer *w, bool write)
{
	if (w->step != STEP_NONE || !pg_is_up(w->pg) || clock_mono_us() < w->resume_us)
		return;
	if (!w->joined)
		join(w);
	else if (w->rejecting)
		begin(w);
	else if (!start_upkeep(w) && write)
		start_batch(w);
}

bool usage_writer_is_idle(const struct usage_writer *w)
{
	return w->step == STEP_NONE;
}

static void on_retired(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	/* Where it failed, the row is old in 30 days, and goes then. */
	OBJ_CHECK(w, WRITER_MAGIC);
	w->step = STEP_NONE;
	(void)reply;
}

bool usage_writer_retire(struct usage_writer *w)
{
	CHECK(usage_writer_is_idle(w));
	if (!w->joined || !pg_is_up(w->pg))
		return false;
	sbuf_reset(&w->sql);
	sbuf_printf(&w->sql, "DELETE FROM usage_cursors WHERE lane_group = '%s'",
		    w->group);
	run_plain(w, STEP_RETIRE, on_retired);
	return true;
}

static void on_state(void *ctx, bool up, const char *why)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	(void)why;
	atomic_store_explicit(&w->o.counters->connected, up, memory_order_relaxed);
	w->joined = false;
	w->resume_us = 0;
	if (up)
		usage_writer_turn(w, false);
}

static void name_group(struct usage_writer *w)
{
	unsigned char bits[BATCH_GROUP_HEX / 2];

	CHECK(RAND_bytes(bits, sizeof bits) == 1);
	hex_encode(w->group, bits, sizeof bits);
}

struct usage_writer *usage_writer_new(const struct writer_options *o)
{
	struct usage_writer *w = xcalloc(1, sizeof *w);
	char application_name[64];

	w->magic = WRITER_MAGIC;
	w->o = *o;
	w->node.p = xmalloc(NODE_MAX + 1);
	w->node.n = usage_text_clean((char *)w->node.p, NODE_MAX, str_of(o->node));
	((char *)w->node.p)[w->node.n] = '\0';
	w->limit = o->batch_rows;
	w->pause_ms = PAUSE_MIN_MS;
	w->upkept_day = INT64_MIN;
	w->sent = xcalloc(o->n_lanes, sizeof *w->sent);
	for (size_t i = 0; i < o->n_lanes; i++)
		w->sent[i] = usage_lane_tail(o->lanes[i]);
	name_group(w);
	sbuf_init(&w->sql, SQL_MAX);
	usage_batch_init(&w->batch, o->n_lanes, o->batch_rows);
	snprintf(application_name, sizeof application_name, "tollgate recorder %s",
		 w->group);
	w->pg = pg_conn_new(o->base, &(struct pg_options){
					     .conninfo = o->database,
					     .application_name = application_name,
					     .timeout_ms = o->timeout_ms,
					     .on_state = on_state,
					     .ctx = w,
				     });
	return w;
}

void usage_writer_free(struct usage_writer **writer)
{
	struct usage_writer *w = *writer;

	*writer = NULL;
	if (w == NULL)
		return;
	pg_conn_free(&w->pg);
	usage_batch_fini(&w->batch);
	sbuf_fini(&w->sql);
	free(w->sent);
	free((char *)w->node.p);
	w->magic = 0;
	free(w);
}
