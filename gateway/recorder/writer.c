/* Writes batches from the lanes to PostgreSQL.
 *
 *   join -> [partitions] -> begin (cursors move) -> [claim] -> rows
 *        -> end (last_used, COMMIT)
 *
 * Each step is one statement and ends in its on_ callback. A step that fails goes through
 * writer_fail, the only judge of errors: connection lost -> join again; a row's own fault
 * (SQLSTATE classes 22 and 23) -> half the batch at once, down to the one row, which goes
 * to usage_rejected with the reason; anything else -> the same again after a pause. */
#include "gateway/recorder/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/recorder/writer_state.h"

#define PAUSE_MAX_MS 5000u

static const char *const step_names[] = {
	"waiting",           "joining",           "preparing partitions",
	"making partitions", "moving the cursor", "claiming ids",
	"copying rows",      "copying cells",     "committing",
	"storing counters",  "rolling back",      "leaving",
};

void writer_bump(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* The cursors must be read again. */
static void forget_joins(struct usage_writer *w)
{
	for (size_t i = 0; i < w->n_sources; i++)
		w->sources[i].joined = false;
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
		forget_joins(w);
	else if (reply->outcome == PG_ERROR)
		pg_drop(w->pg, "ROLLBACK failed");
	usage_writer_turn(w, false);
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

/* 42P01 undefined_table, 42501 insufficient_privilege. */
static bool is_partitions_fault(const struct usage_writer *w, const char *sqlstate)
{
	return w->step == STEP_ROWS && !w->rejecting && !writer_day_is_foreign(w) &&
	       (strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42501") == 0);
}

/* Perhaps the batch was more than the server takes within the time limit; for sure, where
 * it says so (57014 query_canceled). */
static void shrink(struct usage_writer *w, const char *sqlstate)
{
	size_t rows = w->batch.n_rows / 2;

	if (strcmp(sqlstate, "57014") == 0)
		w->grow_from_us = clock_mono_us() + WRITER_STAY_SMALL_US;
	w->ceiling = rows > WRITER_ROWS_LEAST ? rows : WRITER_ROWS_LEAST;
	w->limit = w->limit < w->ceiling ? w->limit : w->ceiling;
}

void writer_fail(struct usage_writer *w, const struct pg_reply *reply)
{
	bool row = reply->outcome == PG_ERROR && is_rows_fault(w, reply->sqlstate);

	writer_bump(&w->o.counters->failures, 1);
	if (!row &&
	    (w->step == STEP_ROWS || w->step == STEP_CELLS || w->step == STEP_END))
		shrink(w, reply->sqlstate);
	if (reply->outcome == PG_LOST) {
		w->step = STEP_NONE;
		forget_joins(w);
		w->rejecting = false;
		return;
	}
	if (row) {
		narrow_down(w, reply);
	} else if (is_partitions_fault(w, reply->sqlstate)) {
		/* Perhaps it was dropped just now: it is asked for again. If it had been
		 * already, the day's rows go through token_usage_logs. */
		partitions_failed(&w->partitions, w->batch.days[w->day]);
		w->again = true;
	} else {
		writer_alarm(w, reply);
		pause_writing(w);
		w->rejecting = false;
	}
	writer_roll_back(w);
}

/* --- whose turn is it? --- */

static void on_forgotten(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	/* Where it failed, the rows are old one day, and go then. */
	OBJ_CHECK(w, WRITER_MAGIC);
	(void)reply;
	w->step = STEP_NONE;
	usage_writer_turn(w, false);
}

static void forget_group(struct usage_writer *w, const char *name, reply_fn *done)
{
	sbuf_reset(&w->sql);
	sbuf_printf(&w->sql, "DELETE FROM usage_cursors WHERE lane_group = '%s'", name);
	writer_run_plain(w, STEP_RETIRE, done);
}

static void fini_source(struct writer_source *s)
{
	free(s->sent);
	free(s->counts);
	free(s->seen);
}

static void drop_source(struct usage_writer *w, size_t i)
{
	fini_source(&w->sources[i]);
	usage_group_close(&w->sources[i].group);
	w->sources[i] = w->sources[--w->n_sources];
	w->at = &w->sources[0];
}

/* True: started. First the folder, then the cursors: the other way round, a power cut
 * might bring the folder back without what tells that it is stored. Where it stays, so do
 * they. */
static bool part_with_drained(struct usage_writer *w)
{
	char name[JOURNAL_GROUP_HEX + 1];
	bool gone;

	for (size_t i = 1; i < w->n_sources; i++) {
		if (!w->sources[i].drained || !w->sources[i].counts_stored)
			continue;
		memcpy(name, w->sources[i].group->name, sizeof name);
		gone = usage_journal_part(w->o.journal, w->sources[i].group);
		drop_source(w, i);
		if (!gone)
			return false;
		log_info("usage journal: group %s is stored and gone", name);
		forget_group(w, name, on_forgotten);
		return true;
	}
	return false;
}

static bool start_join(struct usage_writer *w)
{
	for (size_t i = 0; i < w->n_sources; i++) {
		if (w->sources[i].joined)
			continue;
		writer_join(w, &w->sources[i]);
		return true;
	}
	return false;
}

static bool start_adopted(struct usage_writer *w)
{
	for (size_t i = 1; i < w->n_sources && !w->own_alone; i++) {
		struct writer_source *s = &w->sources[i];

		if (s->drained)
			continue;
		if (writer_start_batch(w, s))
			return true;
		s->drained = true;
		w->counts_from_us = 0;
	}
	return false;
}

/* The own group and the adopted ones in turn; but a batch that is halved for a bad row is
 * followed to its end. */
static void start_a_batch(struct usage_writer *w)
{
	struct writer_source *own = &w->sources[0];
	bool own_was_last = w->at == own;

	if ((writer_is_narrowing(w) || w->again) && writer_start_batch(w, w->at))
		return;
	if (own_was_last && start_adopted(w))
		return;
	if (w->own_is_due) {
		w->own_is_due = false;
		if (writer_start_batch(w, own))
			return;
	}
	start_adopted(w);
}

void usage_writer_turn(struct usage_writer *w, bool write)
{
	w->own_is_due |= write;
	if (w->step != STEP_NONE || !pg_is_up(w->pg) || clock_mono_us() < w->resume_us)
		return;
	if (start_join(w))
		return;
	if (w->rejecting)
		writer_begin(w);
	else if (!writer_start_upkeep(w) && !writer_start_counts(w) &&
		 !part_with_drained(w))
		start_a_batch(w);
}

bool usage_writer_is_idle(const struct usage_writer *w)
{
	return w->step == STEP_NONE;
}

static void on_retired(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	w->step = STEP_NONE;
	(void)reply;
}

bool usage_writer_retire(struct usage_writer *w)
{
	CHECK(usage_writer_is_idle(w));
	if (!w->sources[0].joined || !pg_is_up(w->pg))
		return false;
	forget_group(w, w->sources[0].group->name, on_retired);
	return true;
}

static void on_state(void *ctx, bool up, const char *why)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	(void)why;
	atomic_store_explicit(&w->o.counters->connected, up, memory_order_relaxed);
	forget_joins(w);
	w->resume_us = 0;
	if (up)
		usage_writer_turn(w, false);
}

/* --- life --- */

static void add_source(struct usage_writer *w, struct usage_group *group)
{
	struct writer_source *s = &w->sources[w->n_sources++];

	*s = (struct writer_source){.group = group};
	s->sent = xcalloc(group->n_lanes, sizeof *s->sent);
	for (size_t i = 0; i < group->n_lanes; i++)
		s->sent[i] = usage_lane_tail(group->lanes[i]);
	s->counts = xcalloc(2 * group->n_lanes * COUNTS_SLOTS, sizeof *s->counts);
	s->seen = xcalloc(2 * group->n_lanes, sizeof *s->seen);
}

bool usage_writer_adopt(struct usage_writer *w, struct usage_group *group)
{
	if (w->n_sources == WRITER_GROUPS_MAX)
		return false;
	add_source(w, group);
	return true;
}

size_t usage_writer_adopted(const struct usage_writer *w)
{
	return w->n_sources - 1;
}

void usage_writer_only_own(struct usage_writer *w)
{
	w->own_alone = true;
	w->sources[0].counts_stored = false;
	w->counts_from_us = 0;
}

struct usage_writer *usage_writer_new(const struct writer_options *o)
{
	struct usage_writer *w = xcalloc(1, sizeof *w);
	struct usage_group *own = usage_journal_own(o->journal);
	char application_name[64];

	CHECK(o->batch_rows <= o->batch_rows_max);
	w->magic = WRITER_MAGIC;
	w->o = *o;
	w->limit = w->ceiling = o->batch_rows;
	w->pause_ms = WRITER_PAUSE_MIN_MS;
	w->upkept_day = INT64_MIN;
	add_source(w, own);
	w->at = &w->sources[0];
	w->counts = writer_counts_new();
	sbuf_init(&w->sql, usage_batch_sql_max(o->batch_rows_max));
	usage_batch_init(&w->batch, o->batch_rows_max);
	snprintf(application_name, sizeof application_name, "tollgate recorder %s",
		 own->name);
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
	while (w->n_sources > 1)
		drop_source(w, w->n_sources - 1);
	fini_source(&w->sources[0]);
	writer_counts_free(&w->counts);
	usage_batch_fini(&w->batch);
	sbuf_fini(&w->sql);
	w->magic = 0;
	free(w);
}
