/* The recorder without a database: what waits is kept, counted and never in the way. And
 * with a made-up one: when batches are sent, and of what size. */
#include "gateway/recorder/recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "test/unit/fake_postgres.c"

#define NO_DATABASE "host=127.0.0.1 port=1 dbname=none"
#define LANE_BYTES (64 * 1024)

struct setting {
	struct usage_journal *journal;
	struct usage_lane **lanes;
	struct recorder *recorder;
};

static struct setting open_lanes(void)
{
	struct setting s = {.journal = usage_journal_open(&(struct journal_options){
				    .n_lanes = 2, .ring_bytes = LANE_BYTES})};

	s.lanes = usage_journal_own(s.journal)->lanes;
	return s;
}

static struct setting start(void)
{
	struct setting s = open_lanes();
	struct recorder_options o = {.database = NO_DATABASE};

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

static bool append_one(struct usage_lane *lane)
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
		assert_true(append_one(s.lanes[i % 2]));
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
	while (append_one(s.lanes[1]))
		appended++;
	assert_false(append_one(s.lanes[1]));
	assert_true(append_one(s.lanes[0])); /* the other lane is not concerned */
	recorder_stats(s.recorder, &stats);
	assert_int_equal(stats.dropped, 2);
	assert_int_equal(stats.written, 0);
	assert_int_equal(stats.batches, 0);
	assert_false(stats.connected);
	assert_true(stats.backlog_bytes > LANE_BYTES - 256);
	assert_int_equal(recorder_stop(&s.recorder, 0), appended + 1);
	end(&s);
}

/* --- with a database --- */

static struct recorder_stats stats_of(const struct setting *s)
{
	struct recorder_stats stats;

	recorder_stats(s->recorder, &stats);
	return stats;
}

static void wait_written(const struct setting *s, uint64_t rows)
{
	uint64_t until = clock_mono_us() + 20000000;

	while (stats_of(s).written < rows && clock_mono_us() < until)
		usleep(1000);
	assert_int_equal(stats_of(s).written, rows);
}

static void start_with(struct setting *s, const struct fake_postgres *f,
		       uint32_t batch_delay_ms)
{
	char database[128];
	struct recorder_options o = {.database = database,
				     .node = "n",
				     .batch_rows = 10,
				     .batch_delay_ms = batch_delay_ms};

	snprintf(database, sizeof database,
		 "host=127.0.0.1 port=%d dbname=d user=u sslmode=disable "
		 "gssencmode=disable",
		 f->port);
	s->recorder = recorder_start(&o, s->journal);
}

/* Each full batch that the database takes easily is followed by one of twice its size. */
static void test_batches_grow_with_what_waits(void **state)
{
	static struct fake_postgres f;
	struct setting s = open_lanes();
	size_t rows = 0;

	(void)state;
	fake_postgres_start(&f);
	for (int i = 0; i < 600; i++)
		assert_true(append_one(s.lanes[0]));
	start_with(&s, &f, 0);
	wait_written(&s, 600);
	assert_int_equal(recorder_stop(&s.recorder, 5000), 0);
	fake_postgres_stop(&f);
	assert_int_equal(f.batches[0], 10);
	for (size_t i = 0; i < f.n_batches; i++) {
		rows += f.batches[i];
		/* A machine that is busy elsewhere may be found slow. */
		if (i > 0 && rows < 600)
			assert_true(f.batches[i] <= 2 * f.batches[i - 1]);
	}
	assert_int_equal(rows, 600);
	assert_true(f.n_batches <= 8);
	end(&s);
}

/* A small batch waits for more; a full one for nothing. */
static void test_the_delay_is_cut_short(void **state)
{
	static struct fake_postgres f;
	struct setting s = open_lanes();
	uint64_t until;

	(void)state;
	fake_postgres_start(&f);
	start_with(&s, &f, 60000);
	for (int i = 0; i < 3; i++)
		assert_true(append_one(s.lanes[0]));
	until = clock_mono_us() + 600000;
	while (clock_mono_us() < until || !stats_of(&s).connected)
		usleep(1000);
	assert_int_equal(stats_of(&s).written, 0);
	for (int i = 0; i < 10; i++)
		assert_true(append_one(s.lanes[0]));
	wait_written(&s, 13);
	assert_int_equal(recorder_stop(&s.recorder, 5000), 0);
	fake_postgres_stop(&f);
	assert_int_equal(f.batches[0], 10);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_write_stops_at_once),
		cmocka_unit_test(test_what_is_left_is_counted),
		cmocka_unit_test(test_overflow_is_counted),
		cmocka_unit_test(test_batches_grow_with_what_waits),
		cmocka_unit_test(test_the_delay_is_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
