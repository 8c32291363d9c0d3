/* The recorder without a database: what waits is kept, counted and never in the way. */
#include "gateway/usage/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/clock.h"

#define NO_DATABASE "host=127.0.0.1 port=1 dbname=none"
#define LANE_BYTES (64 * 1024)

struct setting {
	struct usage_journal *journal;
	struct usage_lane **lanes;
	struct recorder *recorder;
};

static struct setting start(void)
{
	struct setting s = {.journal = usage_journal_open(&(struct journal_options){
				    .n_lanes = 2, .lap_bytes = LANE_BYTES})};
	struct recorder_options o = {.database = NO_DATABASE};

	s.lanes = usage_journal_own(s.journal)->lanes;
	s.recorder = recorder_start(&o, s.journal);
	assert_non_null(s.recorder);
	return s;
}

static void end(struct setting *s)
{
	assert_null(s->recorder);
	usage_journal_close(&s->journal);
	assert_null(s->journal);
}

static bool put(struct usage_lane *lane)
{
	struct usage_event e;

	usage_event_init(&e);
	e.used_at_us = clock_wall_us();
	return usage_lane_append(lane, &e);
}

static void test_nothing_to_write_stops_at_once(void **state)
{
	struct setting s = start();
	uint64_t started = clock_mono_us();

	(void)state;
	assert_int_equal(recorder_stop(&s.recorder, 60000), 0);
	assert_true(clock_mono_us() - started < 10000000);
	assert_int_equal(recorder_stop(&s.recorder, 60000), 0); /* NULL is fine */
	end(&s);
}

static void test_what_is_left_is_counted(void **state)
{
	struct setting s = start();
	uint64_t started;

	(void)state;
	for (int i = 0; i < 7; i++)
		assert_true(put(s.lanes[i % 2]));
	started = clock_mono_us();
	assert_int_equal(recorder_stop(&s.recorder, 150), 7);
	assert_true(clock_mono_us() - started >= 150000);
	end(&s);
}

static void test_overflow_is_counted(void **state)
{
	struct setting s = start();
	struct recorder_stats stats;
	uint64_t appended = 0;

	(void)state;
	while (put(s.lanes[1]))
		appended++;
	assert_false(put(s.lanes[1]));
	assert_true(put(s.lanes[0])); /* the other lane is not concerned */
	recorder_stats(s.recorder, &stats);
	assert_int_equal(stats.dropped, 2);
	assert_int_equal(stats.written, 0);
	assert_int_equal(stats.batches, 0);
	assert_false(stats.connected);
	assert_true(stats.backlog_bytes > LANE_BYTES - 256);
	assert_int_equal(recorder_stop(&s.recorder, 0), appended + 1);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_write_stops_at_once),
		cmocka_unit_test(test_what_is_left_is_counted),
		cmocka_unit_test(test_overflow_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
