/* Leaves a lane group behind, as a process does that was killed while PostgreSQL was
 * away.
 *
 *   backlog DIRECTORY BYTES TOKEN_ID     events of BYTES altogether; prints a JSON object
 *
 * Written by the journal's own code. The calls are spread evenly over the hour before. */
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/journal.h"
#include "test/bench/event.h"

#define LAP_BYTES (4u << 20)
#define HOUR_US INT64_C(3600000000)
#define RECORD_ABOUT 320

static void wait_for_room(const struct usage_lane *lane)
{
	const struct timespec moment = {0, 1000000};

	while (usage_lane_held_bytes(lane) > usage_lane_size(lane) - 2 * USAGE_RECORD_MAX)
		nanosleep(&moment, NULL);
}

int main(int argc, char **argv)
{
	struct journal_options how = {.node = "bench-backlog",
				      .n_lanes = 2,
				      .max_bytes = UINT64_MAX,
				      .ring_bytes = LAP_BYTES,
				      .sync_ms = 1000};
	struct usage_journal *journal;
	struct usage_lane *lane;
	struct bench_event b;
	uint64_t n = 0, bytes;
	int64_t start, step;

	if (argc != 4)
		return 2;
	how.directory = argv[1];
	bytes = strtoull(argv[2], NULL, 10);
	bench_event_init(&b, strtoll(argv[3], NULL, 10));
	journal = usage_journal_open(&how);
	CHECK(usage_journal_is_durable(journal));
	lane = usage_journal_own(journal)->lanes[0];
	start = clock_wall_us() - HOUR_US;
	step = HOUR_US / (int64_t)(bytes / RECORD_ABOUT + 1);
	for (; usage_lane_backlog_bytes(lane) < bytes; n++) {
		wait_for_room(lane);
		bench_event_set(&b, n, start + (int64_t)n * step);
		CHECK(usage_lane_append(lane, &b.e));
	}
	printf("{\"events\": %" PRIu64 ", \"bytes\": %zu}\n", n,
	       usage_lane_backlog_bytes(lane));
	usage_journal_close(&journal);
	return 0;
}
