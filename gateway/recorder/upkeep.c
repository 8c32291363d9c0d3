/* Upkeep of the rollups, and of what people leave behind: a few tasks, each one SQL
 * function in a transaction of its own, taken in turn when they are due.
 *
 * A task that has more to do is due again as soon as the others have had their turn,
 * after as long a pause as it took: at most half of one PostgreSQL backend's time is
 * used, whatever piles up. */
#include "gateway/recorder/upkeep.h"

#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg.h"
#include "common/pg_value.h"
#include "common/trouble.h"
#include "gateway/recorder/writer.h"

#define UPKEEP_MAGIC 0x75706b31u
#define LOOK_AGAIN_US UINT64_C(500000) /* whether the connection is up, at least */
#define TIMEOUT_MS 60000u
#define SECOND_US UINT64_C(1000000)
#define SQL_MAX 256u
/* Intervals that one recount takes: as many as it manages in about a second. */
#define RECOUNT_MAX 32u
#define RECOUNT_QUICK_US (SECOND_US / 4)
#define RECOUNT_SLOW_US SECOND_US

enum task_id {
	TASK_DAYS,
	TASK_HELD,
	TASK_MERGE,
	TASK_RECOUNT,
	TASK_PACK,
	TASK_DAYS_DUE,
	TASK_AHEAD,
	TASK_PEOPLE,
	N_TASKS
};

/* The first value of sql is how much was done; `full` or more: there may be more to
 * do. */
static const struct task {
	const char *name;
	const char *meanwhile; /* what it means that it fails */
	const char *sql;       /* $1: how many intervals, or days of retention */
	bool has_number;
	long full;
	uint64_t every_us;
	/* The column with the day for which it failed, where others may have succeeded;
	 * then SQLSTATE and reason. 0: it succeeds or fails as a whole. */
	int failed;
} tasks[N_TASKS] = {
	[TASK_DAYS] = {"making partitions", "rows of days without one are held",
		       "SELECT * FROM usage_prepare_days(3)", false, 1000, 60 * SECOND_US,
		       1},
	[TASK_HELD] = {"moving rows that are held (token_usage_logs_held)", "they wait",
		       "SELECT * FROM usage_move_held()", false, 5000, SECOND_US, 2},
	[TASK_MERGE] = {"merging deltas",
			"statistics stay right, and grow slower to read",
			"SELECT usage_merge()", false, 5000, 3 * SECOND_US, 0},
	[TASK_RECOUNT] = {"counting changed intervals again",
			  "statistics do not show these changes",
			  /* What could not be counted is told with the next turn. */
			  "SELECT usage_recount_dirty($1), f.since, f.sqlstate, "
			  "f.reason FROM (SELECT) AS one LEFT JOIN LATERAL (SELECT * "
			  "FROM usage_recounted WHERE reason IS NOT NULL "
			  "ORDER BY since LIMIT 1) AS f ON true",
			  true, 1, 5 * SECOND_US, 1},
	[TASK_PACK] = {"laying down whole days",
		       "statistics stay right, and grow slower to read",
		       "SELECT usage_pack()", false, 1, 60 * SECOND_US, 0},
	[TASK_DAYS_DUE] = {"dropping days past usage.retention_days", "they are kept",
			   "SELECT day, pg_size_pretty(bytes), count(*) OVER () - 1 "
			   "FROM usage_days_due($1) ORDER BY day LIMIT 1",
			   true, 0, 600 * SECOND_US, 0},
	[TASK_AHEAD] = {"looking for rows ahead of now", "nobody is told of them",
			/* In minutes. Rows of our own have a node and an outcome. */
			"SELECT coalesce(extract(epoch FROM max(used_at) - "
			"(now() AT TIME ZONE 'UTC'))::bigint / 60, 0) "
			"FROM public.token_usage_logs WHERE used_at > "
			"(now() AT TIME ZONE 'UTC') + interval '5 minutes' "
			"AND node IS NULL AND outcome IS NULL",
			false, LONG_MAX, 60 * SECOND_US, 0},
	[TASK_PEOPLE] = {"removing sessions and links that are over", "they are kept",
			 "SELECT public.people_prune()", false, 5000, 600 * SECOND_US, 0},
};

struct usage_upkeep {
	uint32_t magic;
	struct pg_conn *pg;
	struct event *turn;
	uint32_t retention_days;
	const struct usage_writer *writer;
	uint64_t due_us[N_TASKS];
	enum task_id running;
	unsigned recount;  /* intervals that the next recount takes */
	char day[16];      /* being dropped; "": none */
	char told_day[16]; /* of which the log has spoken */
	bool told_ahead;
	uint64_t started_us;
	struct trouble troubles[N_TASKS];
	struct trouble refusals;
};

static bool is_wanted(const struct usage_upkeep *u, enum task_id id)
{
	if (id == TASK_AHEAD)
		return !u->told_ahead;
	return id != TASK_DAYS_DUE || u->retention_days > 0;
}

/* Someone holding a lock for a moment is no fault, where nothing waits for the task. */
static bool is_lock_timeout(const struct pg_reply *reply)
{
	return strcmp(reply->sqlstate, "55P03") == 0;
}

static void note_failure(struct usage_upkeep *u, const char *day, const char *sqlstate,
			 const char *reason)
{
	const struct task *task = &tasks[u->running];

	if (trouble_note(&u->troubles[u->running], 1, clock_mono_us()))
		log_error("usage: PostgreSQL refuses %s%s%s: %s %s; %s until it succeeds",
			  task->name, *day ? " of " : "", day, sqlstate, reason,
			  task->meanwhile);
}

/* A day that failed beside others, or everything. */
static bool has_failed_day(const struct usage_upkeep *u, const PGresult *r)
{
	int column = tasks[u->running].failed;

	return column && PQntuples(r) > 0 && !PQgetisnull(r, 0, column);
}

static void note_result(struct usage_upkeep *u, const struct pg_reply *reply,
			uint64_t now)
{
	const PGresult *r = reply->result;
	int column = tasks[u->running].failed;
	uint64_t lasted_s;

	if (reply->outcome == PG_OK && has_failed_day(u, r))
		note_failure(u, PQgetvalue(r, 0, column), PQgetvalue(r, 0, column + 1),
			     PQgetvalue(r, 0, column + 2));
	else if (reply->outcome == PG_OK &&
		 trouble_over(&u->troubles[u->running], now, &lasted_s))
		log_info("usage: PostgreSQL accepts %s again, after %llu s",
			 tasks[u->running].name, (unsigned long long)lasted_s);
	else if (reply->outcome == PG_ERROR && !is_lock_timeout(reply))
		note_failure(u, "", reply->sqlstate, reply->message);
}

static void adapt_recount(struct usage_upkeep *u, const struct pg_reply *reply,
			  uint64_t took)
{
	if (reply->outcome != PG_OK)
		u->recount = 1;
	else if (took > RECOUNT_SLOW_US && u->recount > 1)
		u->recount /= 2;
	else if (took < RECOUNT_QUICK_US && u->recount < RECOUNT_MAX)
		u->recount *= 2;
}

static void look_again_in(struct usage_upkeep *u, uint64_t us)
{
	struct timeval tv = {.tv_usec = (suseconds_t)us};

	CHECK(event_add(u->turn, &tv) == 0);
}

/* When the next task is due. */
static void wait_for_next(struct usage_upkeep *u)
{
	uint64_t now = clock_mono_us(), wait = LOOK_AGAIN_US;

	for (size_t id = 0; id < N_TASKS; id++)
		if (u->due_us[id] < now + wait && is_wanted(u, (enum task_id)id))
			wait = u->due_us[id] > now ? u->due_us[id] - now : 0;
	look_again_in(u, wait);
}

/* False: it failed, and is tried again after a while. */
static bool succeeded(struct usage_upkeep *u, const struct pg_reply *reply)
{
	uint64_t now = clock_mono_us(), took = now - u->started_us;

	if (u->running == TASK_RECOUNT)
		adapt_recount(u, reply, took);
	u->due_us[u->running] = now + tasks[u->running].every_us;
	note_result(u, reply, now);
	return reply->outcome == PG_OK;
}

static void tell_refused(struct usage_upkeep *u, const PGresult *r)
{
	int64_t n = pg_value_int(r, 0, 1);

	if (n > 0 && trouble_happened(&u->refusals, clock_mono_us()))
		log_error("usage: %lld rows that were held are given up and now in "
			  "usage_bad_rows, with the reason",
			  (long long)n);
}

/* Once: what is there already stays where it is. */
static void tell_ahead(struct usage_upkeep *u, const PGresult *r)
{
	long long minutes = pg_value_int(r, 0, 0);

	if (minutes <= 0)
		return;
	u->told_ahead = true;
	log_warn("usage: rows that others inserted into token_usage_logs lie up to "
		 "%lld h %lld min ahead of now: their times are read as UTC; run the "
		 "older backend with TZ=UTC (if `tollgate migrate` copied them, "
		 "--adopt-time-zone named another zone than theirs)",
		 minutes / 60, minutes % 60);
}

static void on_done(void *ctx, const struct pg_reply *reply)
{
	struct usage_upkeep *u = ctx;
	uint64_t now = clock_mono_us();

	OBJ_CHECK(u, UPKEEP_MAGIC);
	if (u->running == TASK_HELD && reply->outcome == PG_OK)
		tell_refused(u, reply->result);
	if (u->running == TASK_AHEAD && reply->outcome == PG_OK)
		tell_ahead(u, reply->result);
	/* -1: another node is at it. */
	if (succeeded(u, reply) &&
	    pg_value_int(reply->result, 0, 0) >= tasks[u->running].full)
		u->due_us[u->running] = now + (now - u->started_us);
	wait_for_next(u);
}

/* --- retention --- */

static void on_dropped(void *ctx, const struct pg_reply *reply)
{
	struct usage_upkeep *u = ctx;

	OBJ_CHECK(u, UPKEEP_MAGIC);
	if (!succeeded(u, reply)) {
		wait_for_next(u);
		return;
	}
	if (pg_value_bool(reply->result, 0, 0)) {
		log_info("usage: dropped the rows of %s", u->day);
		u->due_us[TASK_DAYS_DUE] = clock_mono_us();
	} else {
		/* It has changes to be counted first, or another node is at it. */
		u->due_us[TASK_DAYS_DUE] = clock_mono_us() + 5 * SECOND_US;
	}
	wait_for_next(u);
}

static void drop_day(struct usage_upkeep *u)
{
	char sql[SQL_MAX];

	snprintf(sql, sizeof sql, "SELECT usage_drop_day('%s', %u)", u->day,
		 u->retention_days);
	if (!pg_query(u->pg, sql, (struct pg_params){0}, on_dropped, u))
		wait_for_next(u);
}

static void on_days_due(void *ctx, const struct pg_reply *reply)
{
	struct usage_upkeep *u = ctx;

	OBJ_CHECK(u, UPKEEP_MAGIC);
	if (!succeeded(u, reply) || PQntuples(reply->result) == 0) {
		wait_for_next(u);
		return;
	}
	snprintf(u->day, sizeof u->day, "%s", PQgetvalue(reply->result, 0, 0));
	if (strcmp(u->day, u->told_day) != 0)
		log_info("usage: rows are kept for %u days (usage.retention_days): those "
			 "of %s (%s) will be dropped, and after them %s more days; "
			 "statistics stay",
			 u->retention_days, u->day, PQgetvalue(reply->result, 0, 1),
			 PQgetvalue(reply->result, 0, 2));
	snprintf(u->told_day, sizeof u->told_day, "%s", u->day);
	drop_day(u);
}

/* --- whose turn it is --- */

static bool start(struct usage_upkeep *u, enum task_id id)
{
	char number[16];
	const char *const values[] = {number};

	u->running = id;
	u->started_us = clock_mono_us();
	snprintf(number, sizeof number, "%u",
		 id == TASK_DAYS_DUE ? u->retention_days : u->recount);
	return pg_query(u->pg, tasks[id].sql,
			(struct pg_params){values, tasks[id].has_number ? 1 : 0},
			id == TASK_DAYS_DUE ? on_days_due : on_done, u);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct usage_upkeep *u = arg;
	uint64_t now = clock_mono_us();
	bool can = pg_is_up(u->pg) && !pg_is_busy(u->pg) &&
		   (u->writer == NULL || usage_writer_may_work(u->writer));

	(void)fd;
	(void)what;
	OBJ_CHECK(u, UPKEEP_MAGIC);
	for (size_t id = 0; can && id < N_TASKS; id++) {
		if (u->due_us[id] > now || !is_wanted(u, (enum task_id)id))
			continue;
		if (start(u, (enum task_id)id))
			return;
		can = false;
	}
	/* While there is no connection, what is due stays due: that is no reason to
	 * hurry. */
	if (can)
		wait_for_next(u);
	else
		look_again_in(u, LOOK_AGAIN_US);
}

struct usage_upkeep *usage_upkeep_new(const struct upkeep_options *o)
{
	struct usage_upkeep *u = xcalloc(1, sizeof *u);
	char application_name[64];

	u->magic = UPKEEP_MAGIC;
	u->retention_days = o->retention_days;
	u->writer = o->writer;
	u->recount = 1;
	/* Deltas read right as they are: a start has better things to do. */
	u->due_us[TASK_MERGE] = clock_mono_us() + tasks[TASK_MERGE].every_us;
	snprintf(application_name, sizeof application_name, "tollgate upkeep %.40s",
		 o->node);
	u->pg = pg_conn_new(o->base, &(struct pg_options){
					     .conninfo = o->database,
					     .resolver = o->resolver,
					     .application_name = application_name,
					     .timeout_ms = TIMEOUT_MS,
					     .writes = true,
				     });
	u->turn = event_new(o->base, -1, 0, on_turn, u);
	CHECK(u->turn != NULL);
	wait_for_next(u);
	return u;
}

void usage_upkeep_free(struct usage_upkeep **upkeep)
{
	struct usage_upkeep *u = *upkeep;

	*upkeep = NULL;
	if (u == NULL)
		return;
	pg_conn_free(&u->pg);
	event_free(u->turn);
	u->magic = 0;
	free(u);
}
