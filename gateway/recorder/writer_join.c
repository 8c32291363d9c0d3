/* The writer joins the database: cursors first, then the partitions of days to come. */
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/recorder/cursors.h"
#include "gateway/recorder/writer_state.h"

#define UPKEEP_RETRY_US UINT64_C(600000000)

/* --- joining: what does the database hold of our lanes? --- */

/* A position that no batch of ours ended at: the database was set back to an earlier
 * state (a restored copy, a fail-over that lost commits). What it has lost is not here
 * any more. */
static void take_cursor(struct usage_writer *w, size_t number, uint64_t position)
{
	struct usage_lane *lane = w->joining->group->lanes[number];
	uint64_t rows;

	if (w->joining->group->adopted) {
		/* Only the database knows how far its process had come. */
		usage_lane_set_tail(lane, position);
		return;
	}
	if (cursor_take(lane, position, w->joining->sent[number], &rows)) {
		writer_bump(&w->o.counters->written, rows);
		writer_bump(&w->o.counters->own, rows);
		return;
	}
	log_error("usage: the database was set back: lane %zu stands at %llu instead of "
		  "%llu; rows written since are gone from it",
		  number, (unsigned long long)position,
		  (unsigned long long)usage_lane_tail(lane));
	cursors_reset_sql(w->joining->group->name, number, lane, &w->sql);
}

static void on_cursors_reset(void *ctx, const struct pg_reply *reply)
{
	struct usage_writer *w = ctx;

	OBJ_CHECK(w, WRITER_MAGIC);
	if (reply->outcome != PG_OK) {
		writer_fail(w, reply);
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
		writer_fail(w, reply);
		return;
	}
	sbuf_reset(&w->sql);
	for (int i = 0; i < PQntuples(reply->result); i++) {
		size_t lane = (size_t)strtoull(PQgetvalue(reply->result, i, 0), NULL, 10);

		if (lane < w->joining->group->n_lanes)
			take_cursor(w, lane,
				    strtoull(PQgetvalue(reply->result, i, 1), NULL, 10));
	}
	if (w->sql.n) {
		writer_run_plain(w, STEP_JOIN, on_cursors_reset);
		return;
	}
	w->step = STEP_NONE;
	w->joining->joined = true;
	usage_writer_turn(w, false);
}

void writer_join(struct usage_writer *w, struct writer_source *from)
{
	const struct usage_group *g = from->group;

	w->joining = from;
	w->rejecting = false;
	partitions_forget(&w->partitions);
	w->upkept_day = INT64_MIN;
	sbuf_reset(&w->sql);
	cursors_join_sql(g->name, g->lanes, g->n_lanes, &w->sql);
	writer_run_plain(w, STEP_JOIN, on_joined);
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
		writer_fail(w, reply);
		return;
	}
	w->step = STEP_NONE;
	if (reply->outcome == PG_ERROR) {
		writer_alarm(w, reply);
		w->upkeep_from_us = clock_mono_us() + UPKEEP_RETRY_US;
	} else {
		partitions_know(&w->partitions, days, n);
		w->upkept_day = days[0];
	}
	usage_writer_turn(w, false);
}

bool writer_start_upkeep(struct usage_writer *w)
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
	writer_run_plain(w, STEP_UPKEEP, on_upkeep);
	return true;
}
