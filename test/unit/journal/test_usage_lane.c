/* The ring between producers and the recorder: order, wrap, overflow, two threads. */
#include "gateway/journal/lane.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LANE_BYTES (64 * 1024)

static struct usage_event numbered(int64_t i)
{
	static const char agent[] = "0123456789012345678901234567890123456789";
	struct usage_event e;

	usage_event_init(&e);
	e.token_id = i;
	e.used_at_us = i;
	/* Of varying size, so that the ring's end is met at every remainder. */
	e.user_agent = (struct str){agent, (size_t)(i * 7 % 41)};
	return e;
}

/* Reads and checks the record at *position; false where there is none. */
static bool take(struct usage_lane *lane, uint64_t *position, int64_t want)
{
	const unsigned char *bytes;
	struct usage_event got;
	uint64_t next;
	size_t n;

	if (!usage_lane_read(lane, *position, &bytes, &n, &next))
		return false;
	assert_true(usage_event_decode(&got, bytes, n));
	assert_int_equal(got.token_id, want);
	assert_int_equal(got.user_agent.n, want * 7 % 41);
	assert_int_equal((uintptr_t)bytes % 16, 0);
	*position = next;
	return true;
}

static void test_empty(void **state)
{
	struct usage_lane *lane = usage_lane_new(LANE_BYTES);
	uint64_t position = usage_lane_tail(lane);

	(void)state;
	assert_int_equal(position, 0);
	assert_false(take(lane, &position, 0));
	assert_int_equal(usage_lane_backlog_bytes(lane), 0);
	usage_lane_free(&lane);
	assert_null(lane);
	usage_lane_free(&lane);
}

/* How many bytes of one-sized records a lane takes. */
static size_t capacity(size_t bytes)
{
	struct usage_lane *lane = usage_lane_new(bytes);
	struct usage_event e = numbered(0);
	size_t n;

	while (usage_lane_append(lane, &e))
		continue;
	n = usage_lane_backlog_bytes(lane);
	usage_lane_free(&lane);
	return n;
}

static void test_size_is_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(capacity(0), capacity(LANE_BYTES));
	assert_true(capacity(LANE_BYTES) > LANE_BYTES - 64);
	assert_int_equal(capacity(LANE_BYTES + 1), capacity(2 * LANE_BYTES));
	assert_true(capacity(100000) > 100000);
}

static void test_reading_does_not_release(void **state)
{
	struct usage_lane *lane = usage_lane_new(LANE_BYTES);
	uint64_t position = 0;
	struct usage_event e;

	(void)state;
	for (int64_t i = 0; i < 3; i++) {
		e = numbered(i);
		assert_true(usage_lane_append(lane, &e));
	}
	for (int64_t i = 0; i < 3; i++)
		assert_true(take(lane, &position, i));
	assert_false(take(lane, &position, 3));
	assert_int_equal(usage_lane_backlog_bytes(lane), position);
	position = usage_lane_tail(lane); /* a batch that failed is read again */
	assert_true(take(lane, &position, 0));
	usage_lane_release(lane, position);
	assert_int_equal(usage_lane_tail(lane), position);
	assert_true(take(lane, &position, 1));
	assert_int_equal(usage_lane_appended(lane), 3);
	usage_lane_free(&lane);
}

static void test_overflow_is_counted_and_ends(void **state)
{
	struct usage_lane *lane = usage_lane_new(LANE_BYTES);
	int64_t n = 0, first = 0;
	uint64_t position = 0;
	struct usage_event e = numbered(0);

	(void)state;
	while (usage_lane_append(lane, &e))
		e = numbered(++n);
	assert_int_equal(usage_lane_dropped(lane), 1);
	assert_false(usage_lane_append(lane, &e));
	assert_int_equal(usage_lane_dropped(lane), 2);
	assert_int_equal(usage_lane_appended(lane), n);
	assert_true(usage_lane_backlog_bytes(lane) <= LANE_BYTES);
	assert_true(usage_lane_backlog_bytes(lane) > LANE_BYTES - 256);

	while (position < 1024)
		assert_true(take(lane, &position, first++));
	usage_lane_release(lane, position);
	assert_true(usage_lane_append(lane, &e));
	n++;
	while (take(lane, &position, first))
		first++;
	assert_int_equal(first, n); /* all that was taken in, in order, nothing else */
	usage_lane_free(&lane);
}

static void test_wraps_at_every_remainder(void **state)
{
	struct usage_lane *lane = usage_lane_new(LANE_BYTES);
	uint64_t position = 0;

	(void)state;
	for (int64_t i = 0; i < 40000; i++) { /* about 50 times around */
		struct usage_event e = numbered(i);

		assert_true(usage_lane_append(lane, &e));
		assert_true(take(lane, &position, i));
		usage_lane_release(lane, position);
	}
	assert_int_equal(usage_lane_backlog_bytes(lane), 0);
	assert_true(position > 20 * LANE_BYTES);
	usage_lane_free(&lane);
}

/* --- two threads --- */

#define STRESS_EVENTS 200000

static void *produce(void *arg)
{
	struct usage_lane *lane = arg;

	for (int64_t i = 0; i < STRESS_EVENTS; i++) {
		struct usage_event e = numbered(i);

		while (!usage_lane_append(lane, &e))
			sched_yield();
	}
	return NULL;
}

static void test_two_threads(void **state)
{
	struct usage_lane *lane = usage_lane_new(LANE_BYTES);
	uint64_t position = 0;
	int64_t taken = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, produce, lane), 0);
	while (taken < STRESS_EVENTS) {
		int64_t before = taken;

		while (taken - before < 100 && take(lane, &position, taken))
			taken++;
		usage_lane_release(lane, position);
		if (taken == before)
			sched_yield();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(take(lane, &position, taken));
	assert_int_equal(usage_lane_appended(lane), STRESS_EVENTS);
	assert_int_equal(usage_lane_backlog_bytes(lane), 0);
	usage_lane_free(&lane);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_size_is_rounded_up),
		cmocka_unit_test(test_reading_does_not_release),
		cmocka_unit_test(test_overflow_is_counted_and_ends),
		cmocka_unit_test(test_wraps_at_every_remainder),
		cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
