/* Writes batches from the lanes to PostgreSQL.
 *
 *   join -> [partitions] -> begin (cursors move) -> [claim] -> rows -> end (last_used, COMMIT)
 *
 * Each step is one statement and ends in its on_ callback. A step that fails goes through
 * writer_fail, the only judge of errors: connection lost -> join again; a row's own fault
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
#include "gateway/usage/writer_state.h"

#define SQL_MAX (4u * 1024 * 1024)
#define NODE_MAX 255u
#define PAUSE_MAX_MS 5000u

static const char *const step_names[] = {
	"waiting",           "joining",           "preparing partitions",
	"making partitions", "moving the cursor", "claiming ids",
	"copying rows",      "copying cells",     "committing",
	"rolling back",      "leaving",
};

void writer_bump(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* --- statements --- */

void writer_run(struct usage_writer *w, enum writer_step step, struct pg_params params,
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

void writer_run_plain(struct usage_writer *w, enum writer_step step, reply_fn *done)
{
	writer_run(w, step, (struct pg_params){0}, done);
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
	usage_writer_turn(w,
			  w->rejecting || w->whole_table || w->limit < w->o.batch_rows);
}

void writer_roll_back(struct usage_writer *w)
{
	sbuf_reset(&w->sql);
	sbuf_lit(&w->sql, "ROLLBACK");
	writer_run_plain(w, STEP_ROLLBACK, on_rolled_back);
}

/* --- faults --- */

void writer_alarm(struct usage_writer *w, const struct pg_reply *reply)
{
	uint64_t now = clock_mono_us();

	if (w->alarmed_us != 0 && now - w->alarmed_us < WRITER_ALARM_EVERY_US)
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
	bool has_rows = w->step == STEP_PARTITIONS || w->step == STEP_ROWS ||
			w->step == STEP_CELLS || w->step == STEP_END;

	return has_rows && !w->rejecting && w->batch.n_rows > 0 &&
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
		w->rejecting = w->ensured || w->step == STEP_PARTITIONS;
}

/* The day's partition has another name, or is not ours to write: someone else made it. Or
 * it was dropped just now (42P01 undefined_table, 42501 insufficient_privilege). */
static bool is_partitions_fault(const struct usage_writer *w, const char *sqlstate)
{
	return w->step == STEP_ROWS && !w->whole_table && !w->rejecting &&
	       (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42501") == 0);
}

void writer_fail(struct usage_writer *w, const struct pg_reply *reply)
{
	bool row = reply->outcome == PG_ERROR && is_rows_fault(w, reply->sqlstate);

	writer_bump(&w->o.counters->failures, 1);
	if (reply->outcome == PG_LOST) {
		w->step = STEP_NONE;
		w->joined = w->rejecting = false;
		return;
	}
	if (row) {
		narrow_down(w, reply);
	} else if (is_partitions_fault(w, reply->sqlstate)) {
		partitions_forget(&w->partitions);
		w->whole_table = true;
	} else {
		writer_alarm(w, reply);
		pause_writing(w);
		w->rejecting = false;
	}
	writer_roll_back(w);
}

void usage_writer_turn(struct usage_writer *w, bool write)
{
	if (w->step != STEP_NONE || !pg_is_up(w->pg) || clock_mono_us() < w->resume_us)
		return;
	if (!w->joined)
		writer_join(w);
	else if (w->rejecting)
		writer_begin(w);
	else if (!writer_start_upkeep(w) && write)
		writer_start_batch(w);
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
	writer_run_plain(w, STEP_RETIRE, on_retired);
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
	w->pause_ms = WRITER_PAUSE_MIN_MS;
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
