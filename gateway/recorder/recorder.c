/* The recorder's thread: looks into the lanes by a timer and has the writer write.
 *
 * Producers never wake it, since that would cost them a system call: it looks every
 * LOOK_IDLE_MS while nothing waits, every LOOK_BUSY_MS while a batch gathers. */
#include "gateway/recorder/recorder.h"

#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/loop_thread.h"
#include "common/trouble.h"
#include "gateway/journal/recording.h"
#include "gateway/recorder/upkeep.h"
#include "gateway/recorder/writer.h"

#define RECORDER_MAGIC 0x72656331u
#define LOOK_IDLE_MS 100u
#define LOOK_BUSY_MS 20u
#define DEFAULT_BATCH_ROWS 5000u
#define BATCH_ROWS_MAX 50000u
#define DEFAULT_BATCH_DELAY_MS 200u
#define DEFAULT_TIMEOUT_MS 5000u
/* A batch does not wait for its delay once this many bytes per row of it have
 * gathered. */
#define BATCH_BYTES_PER_ROW 64u
#define ADOPT_EVERY_US UINT64_C(2000000)
#define TELL_EVERY_US UINT64_C(1000000)
/* What stands for longer is told in the log, every ten minutes. */
#define STANDS_TOLD_S 30

struct recorder {
	uint32_t magic;
	struct loop_thread *thread; /* its deadline is the end of the flush */
	struct event *look;
	struct usage_writer *writer;
	struct usage_upkeep *upkeep;
	struct writer_counters counters;
	struct usage_journal *journal;
	struct usage_group *own; /* the latest, where events are appended */
	const struct usage_group *all[1 + JOURNAL_RENEWALS_MAX]; /* and those before */
	_Atomic size_t n_all;
	bool (*instance)(void *ctx, unsigned char out[JOURNAL_INSTANCE_BYTES]);
	void *ctx;
	size_t batch_bytes;
	uint64_t delay_us;
	uint64_t empty_at_us;  /* when a look last found nothing that waits */
	uint64_t dropped_told; /* drops that the log knows of */
	struct trouble drops;
	uint64_t adopt_from_us;
	struct recording *recording;
	struct trouble stands;
	uint64_t tell_from_us;
	bool winding_up, retired;
};

static size_t backlog_bytes(const struct recorder *r)
{
	size_t bytes = 0;

	for (size_t k = 0; k < r->n_all; k++)
		for (size_t i = 0; i < r->all[k]->n_lanes; i++)
			bytes += usage_lane_backlog_bytes(r->all[k]->lanes[i]);
	return bytes;
}

static uint64_t dropped(const struct recorder *r)
{
	uint64_t n = 0;

	for (size_t k = 0; k < r->n_all; k++)
		for (size_t i = 0; i < r->all[k]->n_lanes; i++)
			n += usage_lane_dropped(r->all[k]->lanes[i]);
	return n;
}

static void report_drops(struct recorder *r)
{
	uint64_t n = dropped(r);

	if (n == r->dropped_told)
		return;
	log_error("usage: no room is left, PostgreSQL is too slow or gone: %llu events "
		  "dropped since the start, counted in usage_gaps",
		  (unsigned long long)n);
	r->dropped_told = n;
}

static void look_again_in(struct recorder *r, uint32_t ms)
{
	struct timeval tv = {0, ms * 1000};

	CHECK(event_add(r->look, &tv) == 0);
}

/* True: the loop may end. */
static bool wind_up(struct recorder *r, size_t waiting, uint64_t now, uint64_t stop_by)
{
	if (now >= stop_by)
		return true;
	if (!r->winding_up)
		usage_writer_only_own(r->writer);
	r->winding_up = true;
	if (usage_writer_is_foreign(r->writer))
		return true; /* it waits in its folder */
	if (waiting || !usage_writer_is_idle(r->writer))
		return false;
	if (r->retired)
		return true;
	if (!usage_writer_counts_are_stored(r->writer))
		return false;
	/* The folder first: without its cursors it would be stored again. */
	r->retired = true;
	return !usage_journal_discard(r->journal) || !usage_writer_retire(r->writer);
}

/* What processes before this one have left. */
static void adopt(struct recorder *r, uint64_t now)
{
	struct usage_group *g;

	if (now < r->adopt_from_us ||
	    usage_writer_adopted(r->writer) + 1 >= WRITER_GROUPS_MAX)
		return;
	g = usage_journal_adopt(r->journal);
	if (g == NULL) {
		r->adopt_from_us = now + ADOPT_EVERY_US;
		return;
	}
	CHECK(usage_writer_adopt(r->writer, g));
}

/* Events are of the database whose keys let their callers in, whichever the recorder's
 * session reaches. */
static void note_instance(struct recorder *r)
{
	unsigned char instance[JOURNAL_INSTANCE_BYTES];

	if (r->own->has_instance || r->instance == NULL || !r->instance(r->ctx, instance))
		return;
	if (!usage_group_note_instance(r->own, instance))
		log_warn("usage journal: cannot note whose events group %s holds: %s",
			 r->own->name, strerror(errno));
}

static void tell_standing(struct recorder *r, const struct recording_view *v,
			  uint64_t now)
{
	int64_t wall = clock_wall_us(), lasts_s = (wall - v->since_us) / 1000000;
	char since[RECORDING_TIME_MAX], waits[64] = "no event waits";

	if (lasts_s < STANDS_TOLD_S || !trouble_note(&r->stands, 0, now))
		return;
	if (v->oldest_us != 0)
		snprintf(waits, sizeof waits,
			 "the oldest event that waits is of %lld s ago",
			 (long long)((wall - v->oldest_us) / 1000000));
	log_warn("usage: recording stands since %s (%lld s): %s; %s, %llu bytes wait",
		 recording_time(since, v->since_us), (long long)lasts_s, v->why, waits,
		 (unsigned long long)v->waiting_bytes);
}

/* For people: in /ready, and in the log. */
static void tell(struct recorder *r, uint64_t now)
{
	struct recording_view v;
	uint64_t lasted_s;

	if (r->recording == NULL || now < r->tell_from_us)
		return;
	r->tell_from_us = now + TELL_EVERY_US;
	usage_writer_tell(r->writer);
	recording_look(r->recording, &v);
	if (v.since_us != 0)
		tell_standing(r, &v, now);
	else if (trouble_over(&r->stands, now, &lasted_s))
		log_info("usage: recording goes on, after %llu s",
			 (unsigned long long)lasted_s + STANDS_TOLD_S);
}

static void renew(struct recorder *r)
{
	struct usage_group *g;

	if (!usage_writer_is_idle(r->writer))
		return;
	g = usage_journal_renewed(r->journal);
	if (g == NULL)
		return;
	r->own = g;
	r->all[r->n_all++] = g;
	usage_writer_renew(r->writer, g);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct recorder *r = arg;
	uint64_t now = clock_mono_us(), stop_by;
	size_t waiting;
	bool due;

	(void)fd;
	(void)what;
	OBJ_CHECK(r, RECORDER_MAGIC);
	stop_by = loop_thread_deadline_us(r->thread);
	if (!stop_by)
		renew(r);
	note_instance(r);
	waiting = backlog_bytes(r);
	if (dropped(r) != r->dropped_told && trouble_happened(&r->drops, now))
		report_drops(r);
	if (stop_by && wind_up(r, waiting, now, stop_by)) {
		loop_thread_end(r->thread);
		return;
	}
	if (!stop_by)
		adopt(r, now);
	tell(r, now);
	due = stop_by || waiting >= r->batch_bytes || now - r->empty_at_us >= r->delay_us;
	if (waiting == 0 || due)
		r->empty_at_us = now;
	if (!r->retired)
		usage_writer_turn(r->writer, waiting && due);
	look_again_in(r, waiting || stop_by ? LOOK_BUSY_MS : LOOK_IDLE_MS);
}

static void on_stop(void *arg)
{
	struct recorder *r = arg;

	OBJ_CHECK(r, RECORDER_MAGIC);
	look_again_in(r, 0);
}

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static void make_writer(struct recorder *r, const struct recorder_options *o)
{
	size_t rows = or_default(o->batch_rows, DEFAULT_BATCH_ROWS);

	r->delay_us =
		or_default(o->batch_delay_ms, DEFAULT_BATCH_DELAY_MS) * UINT64_C(1000);
	r->batch_bytes = rows * BATCH_BYTES_PER_ROW;
	r->writer = usage_writer_new(&(struct writer_options){
		.base = loop_thread_base(r->thread),
		.database = o->database,
		.resolver = o->resolver,
		.batch_rows = rows,
		.batch_rows_max = rows > BATCH_ROWS_MAX ? rows : BATCH_ROWS_MAX,
		.timeout_ms = or_default(o->timeout_ms, DEFAULT_TIMEOUT_MS),
		.journal = r->journal,
		.counters = &r->counters,
		.recording = o->recording,
	});
}

struct recorder *recorder_start(const struct recorder_options *o,
				struct usage_journal *journal)
{
	struct recorder *r = xcalloc(1, sizeof *r);

	r->magic = RECORDER_MAGIC;
	r->journal = journal;
	r->recording = o->recording;
	r->own = usage_journal_own(journal);
	r->all[r->n_all++] = r->own;
	r->instance = o->instance;
	r->ctx = o->ctx;
	note_instance(r);
	r->thread = loop_thread_new(&(struct loop_thread_options){
		.name = "recorder", .on_stop = on_stop, .ctx = r});
	r->look = event_new(loop_thread_base(r->thread), -1, 0, on_look, r);
	CHECK(r->look != NULL);
	r->empty_at_us = clock_mono_us();
	make_writer(r, o);
	r->upkeep = usage_upkeep_new(&(struct upkeep_options){
		.base = loop_thread_base(r->thread),
		.database = o->database,
		.resolver = o->resolver,
		.node = o->node,
		.retention_days = o->retention_days,
		.writer = r->writer,
	});
	look_again_in(r, LOOK_BUSY_MS);
	if (!loop_thread_start(r->thread))
		recorder_stop(&r, 0);
	return r;
}

static uint64_t count_left(const struct recorder *r)
{
	uint64_t appended = 0, stored = atomic_load(&r->counters.own);

	for (size_t k = 0; k < r->n_all; k++)
		for (size_t i = 0; i < r->all[k]->n_lanes; i++)
			appended += usage_lane_appended(r->all[k]->lanes[i]);
	return appended > stored ? appended - stored : 0;
}

uint64_t recorder_stop(struct recorder **recorder, uint32_t flush_ms)
{
	struct recorder *r = *recorder;
	uint64_t left;

	*recorder = NULL;
	if (r == NULL)
		return 0;
	loop_thread_stop(r->thread, clock_mono_us() + flush_ms * UINT64_C(1000));
	loop_thread_join(r->thread);
	usage_upkeep_free(&r->upkeep);
	usage_writer_free(&r->writer);
	report_drops(r);
	left = count_left(r);
	event_free(r->look);
	loop_thread_free(&r->thread);
	r->magic = 0;
	free(r);
	return left;
}

void recorder_stats(const struct recorder *r, struct recorder_stats *out)
{
	const struct writer_counters *c = &r->counters;

	*out = (struct recorder_stats){
		.written = atomic_load_explicit(&c->written, memory_order_relaxed),
		.rejected = atomic_load_explicit(&c->rejected, memory_order_relaxed),
		.repeated = atomic_load_explicit(&c->repeated, memory_order_relaxed),
		.batches = atomic_load_explicit(&c->batches, memory_order_relaxed),
		.failures = atomic_load_explicit(&c->failures, memory_order_relaxed),
		.connected = atomic_load_explicit(&c->connected, memory_order_relaxed),
		.dropped = dropped(r),
		.backlog_bytes = backlog_bytes(r),
	};
}
