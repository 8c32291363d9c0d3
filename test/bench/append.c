/* What an append to a lane of the journal costs the thread that appends, with the
 * journal's and the recorder's threads at work as in the gateway.
 *
 *   append DIRECTORY DATABASE tight N          N appends, one after the other
 *   append DIRECTORY DATABASE paced N RATE     N appends, RATE a second, each timed
 *
 * The appending thread has the first core, all others the rest. It prints its thread's id
 * and waits for a line; it makes one system call (getppid) before its work, and while it
 * appends, and while it waits for room in a lane, none of its own: so whoever traces it
 * sees what appending calls. Prints a JSON object, and waits for a second line. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/recorder/recorder.h"
#include "test/bench/event.h"

#define LAP_BYTES (4u << 20)
#define JOURNAL_BYTES (UINT64_C(2) << 30)
/* Of a tight loop this many at a time find room for certain. */
#define PIECE 1000u
#define PIECE_BYTES (PIECE * UINT64_C(1024))
#define SECOND INT64_C(1000000000)

struct run {
	struct usage_lane *lane;
	uint64_t n, rate; /* rate 0: tight */
	int64_t *times;   /* ns; of each append, or of each piece */
	uint64_t appended, pieces;
	_Atomic int tid, go, done, end;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts); /* no system call: vDSO */
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static void wait_for_room(const struct usage_lane *lane)
{
	while (usage_lane_held_bytes(lane) + PIECE_BYTES > usage_lane_size(lane))
		;
}

static void append_tight(struct run *r)
{
	struct bench_event b;
	int64_t wall = clock_wall_us(), from;

	bench_event_init(&b, 1);
	for (uint64_t at = 0; at < r->n; at += PIECE) {
		wait_for_room(r->lane);
		from = now_ns();
		for (uint64_t i = at; i < at + PIECE && i < r->n; i++) {
			bench_event_set(&b, i, wall);
			r->appended += usage_lane_append(r->lane, &b.e);
		}
		r->times[r->pieces++] = now_ns() - from;
	}
}

static void append_paced(struct run *r)
{
	struct bench_event b;
	int64_t start = now_ns(), from;

	bench_event_init(&b, 1);
	for (uint64_t i = 0; i < r->n; i++) {
		int64_t due = start + (int64_t)i * SECOND / (int64_t)r->rate;
		struct timespec at = {due / SECOND, due % SECOND};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		bench_event_set(&b, i, clock_wall_us());
		from = now_ns();
		r->appended += usage_lane_append(r->lane, &b.e);
		r->times[r->pieces++] = now_ns() - from;
	}
}

static void *run_appends(void *arg)
{
	struct run *r = arg;
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof first, &first); /* where it may not: anywhere */
	atomic_store(&r->tid, (int)syscall(SYS_gettid));
	while (!atomic_load(&r->go))
		;
	syscall(SYS_getppid);
	if (r->rate == 0)
		append_tight(r);
	else
		append_paced(r);
	atomic_store(&r->done, 1);
	while (!atomic_load(&r->end))
		;
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print(struct run *r)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < r->pieces; i++)
		sum += r->times[i];
	qsort(r->times, r->pieces, sizeof *r->times, by_size);
	printf("{\"appended\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"mean_us\": %.4f",
	       r->appended, usage_lane_head(r->lane) / (r->appended ? r->appended : 1),
	       (double)sum / (double)r->n / 1000);
	if (r->rate != 0)
		printf(", \"p999_us\": %.3f, \"max_us\": %.3f",
		       (double)r->times[r->pieces * 999 / 1000] / 1000,
		       (double)r->times[r->pieces - 1] / 1000);
	printf("}\n");
	fflush(stdout);
}

static void wait_line(void)
{
	int c;

	while ((c = getchar()) != '\n' && c != EOF)
		;
}

static void leave_first_core(void)
{
	cpu_set_t others;

	if (sched_getaffinity(0, sizeof others, &others) != 0 || CPU_COUNT(&others) < 2)
		return;
	CPU_CLR(0, &others);
	sched_setaffinity(0, sizeof others, &others);
}

int main(int argc, char **argv)
{
	const struct timespec moment = {0, 1000000};
	struct journal_options how = {.node = "bench",
				      .n_lanes = 2,
				      .max_bytes = JOURNAL_BYTES,
				      .ring_bytes = LAP_BYTES,
				      .sync_ms = 1000};
	struct recorder_options database = {.node = "bench"};
	struct usage_journal *journal;
	struct recorder *recorder;
	struct run r = {0};
	pthread_t thread;

	if (argc < 5)
		return 2;
	how.directory = argv[1];
	database.database = argv[2];
	r.n = strtoull(argv[4], NULL, 10);
	r.rate = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
	r.times = xcalloc(r.n, sizeof *r.times);
	memset(r.times, 1, r.n * sizeof *r.times); /* no page fault later */
	leave_first_core();
	journal = usage_journal_open(&how);
	CHECK(usage_journal_is_durable(journal));
	recorder = recorder_start(&database, journal);
	r.lane = usage_journal_own(journal)->lanes[0];
	CHECK(pthread_create(&thread, NULL, run_appends, &r) == 0);
	while (!atomic_load(&r.tid))
		nanosleep(&moment, NULL);
	printf("%d\n", atomic_load(&r.tid));
	fflush(stdout);
	wait_line();
	atomic_store(&r.go, 1);
	while (!atomic_load(&r.done))
		nanosleep(&moment, NULL);
	print(&r);
	wait_line();
	atomic_store(&r.end, 1);
	pthread_join(thread, NULL);
	recorder_stop(&recorder, 0);
	usage_journal_close(&journal);
	free(r.times);
	return 0;
}
