/* Bounded counters: each call is counted once, whatever there is no room for. */
#include "gateway/journal/counts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000000)

struct fixture {
	void *memory;
	struct usage_counts *c;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->memory = calloc(1, COUNTS_BYTES);
	assert_non_null(f->memory);
	f->c = usage_counts_new(f->memory, false);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	usage_counts_free(&f->c);
	assert_null(f->c);
	free(f->memory);
	free(f);
	return 0;
}

struct sums {
	uint64_t all, others; /* counts; of counters without token and route */
	size_t counters;
	uint64_t serial_max;
};

static struct sums sum(const struct usage_counts *c)
{
	struct sums s = {0};
	struct count_key key;
	uint64_t serial, count;

	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++) {
		if (!usage_counts_get(c, slot, &key, &serial, &count))
			continue;
		s.all += count;
		s.counters++;
		if (key.token_id == COUNTS_NO_TOKEN && key.route_length == 0 &&
		    key.reason_length == 0)
			s.others += count;
		if (serial > s.serial_max)
			s.serial_max = serial;
	}
	return s;
}

static void test_gaps_by_minute_token_and_route(void **state)
{
	struct fixture *f = *state;
	struct count_key key;
	uint64_t serial, count, seen = 0;

	assert_int_equal(usage_counts_changes(f->c), 0);
	for (int i = 0; i < 3; i++)
		usage_counts_gap(f->c, 5 * MINUTE + i, 7, STR("/api/a"));
	usage_counts_gap(f->c, 5 * MINUTE, 7, STR("/api/b"));
	usage_counts_gap(f->c, 5 * MINUTE, 8, STR("/api/a"));
	usage_counts_gap(f->c, 6 * MINUTE, 7, STR("/api/a"));
	usage_counts_gap(f->c, -1, 7, (struct str){NULL, 0});
	assert_int_equal(usage_counts_changes(f->c), 7);
	assert_int_equal(sum(f->c).all, 7);
	assert_int_equal(sum(f->c).counters, 5);
	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++) {
		if (!usage_counts_get(f->c, slot, &key, &serial, &count))
			continue;
		seen |= UINT64_C(1) << serial;
		if (key.minute == 5 && key.token_id == 7 && key.route_length == 6 &&
		    memcmp(key.route, "/api/a", 6) == 0)
			assert_int_equal(count, 3);
		else
			assert_int_equal(count, 1);
		if (key.route_length == 0)
			assert_int_equal(key.minute, -1);
	}
	assert_int_equal(seen, 0x3e); /* serials 1 to 5 */
}

static void test_a_full_table_counts_others(void **state)
{
	struct fixture *f = *state;
	const uint64_t n = 5000;

	for (uint64_t i = 0; i < n; i++)
		usage_counts_gap(f->c, (int64_t)(i % 100) * MINUTE, (int64_t)i,
				 STR("/r"));
	assert_int_equal(sum(f->c).all, n);
	assert_true(sum(f->c).others > n / 2 && sum(f->c).others < n);
	assert_true(sum(f->c).counters > COUNTS_SLOTS * 9 / 10);
	/* More minutes than there are shared counters. */
	for (int64_t i = 0; i < 300; i++)
		usage_counts_gap(f->c, (1000 + i) * MINUTE, -1 - i, STR("/r"));
	assert_int_equal(sum(f->c).all, n + 300);
}

static struct net_ip ip(const char *text)
{
	struct net_ip out;

	assert_true(net_ip_parse(&out, str_of(text)));
	return out;
}

static void test_strangers_by_network(void **state)
{
	struct fixture *f = *state;
	struct net_ip a = ip("10.1.2.3"), b = ip("10.1.2.200"), c = ip("10.1.3.3"),
		      d = ip("2001:db8:1:2::5"), e = ip("2001:db8:1:2:ffff::6"),
		      none = {0};

	usage_counts_stranger(f->c, MINUTE, STR("/r"), "unknown_key", &a);
	usage_counts_stranger(f->c, MINUTE, STR("/r"), "unknown_key", &b);
	assert_int_equal(sum(f->c).counters, 1);
	usage_counts_stranger(f->c, MINUTE, STR("/r"), "unknown_key", &c);
	usage_counts_stranger(f->c, MINUTE, STR("/r"), "missing_key", &c);
	usage_counts_stranger(f->c, MINUTE, STR("/r"), "unknown_key", &d);
	usage_counts_stranger(f->c, MINUTE, STR("/r"), "unknown_key", &e);
	usage_counts_stranger(f->c, MINUTE, STR("/r"), "unknown_key", &none);
	assert_int_equal(sum(f->c).counters, 5);
	assert_int_equal(sum(f->c).all, 7);
}

static void test_a_flood_of_strangers_makes_few_counters(void **state)
{
	struct fixture *f = *state;
	size_t after_one;

	for (int minute = 0; minute < 2; minute++) {
		for (unsigned i = 0; i < 20000; i++) {
			struct net_ip from = {
				4, {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};

			usage_counts_stranger(f->c, minute * MINUTE, STR("/r"),
					      i % 2 ? "unknown_key" : "missing_key",
					      &from);
		}
		after_one = COUNTS_STRANGERS_EACH_MINUTE + 2;
		assert_int_equal(sum(f->c).counters, (size_t)(minute + 1) * after_one);
	}
	assert_int_equal(sum(f->c).all, 40000);
	assert_int_equal(sum(f->c).others, 0);
	/* Also where the caller chooses all of it. */
	for (unsigned i = 0; i < 5000; i++) {
		char route[32];

		snprintf(route, sizeof route, "/%u", i);
		usage_counts_stranger(f->c, 5 * MINUTE, str_of(route), "unknown_key",
				      &(struct net_ip){0});
	}
	assert_true(sum(f->c).counters <=
		    2 * after_one + 2 * COUNTS_STRANGERS_EACH_MINUTE + 1);
	assert_int_equal(sum(f->c).all, 45000);
}

static void test_long_and_dirty_text(void **state)
{
	struct fixture *f = *state;
	static char route[1000];
	struct count_key key;
	uint64_t serial, count;
	size_t found = 0;

	memset(route, 'x', sizeof route);
	route[3] = '\0';
	route[4] = (char)0xff;
	usage_counts_gap(f->c, 0, 1, (struct str){route, sizeof route});
	usage_counts_gap(f->c, 0, 1, (struct str){route, sizeof route - 1});
	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++)
		if (usage_counts_get(f->c, slot, &key, &serial, &count)) {
			found++;
			assert_int_equal(count, 2);
			assert_true(key.route_length > 250);
			assert_null(memchr(key.route, 0, key.route_length));
		}
	assert_int_equal(found, 1);
}

static void test_settling_frees_only_what_is_stored(void **state)
{
	struct fixture *f = *state;
	struct count_key key;
	uint64_t serial, count;
	size_t slot = 0;

	usage_counts_gap(f->c, 0, 1, STR("/r"));
	while (!usage_counts_get(f->c, slot, &key, &serial, &count))
		slot++;
	usage_counts_gap(f->c, 0, 1, STR("/r"));
	assert_false(usage_counts_settle(f->c, slot, 1));
	assert_true(usage_counts_settle(f->c, slot, 2));
	assert_int_equal(sum(f->c).counters, 0);
	/* The same key again is another counter, with another serial. */
	usage_counts_gap(f->c, 0, 1, STR("/r"));
	assert_true(usage_counts_get(f->c, slot, &key, &serial, &count));
	assert_int_equal(count, 1);
	assert_int_equal(serial, 2);
}

static void test_memory_is_all_there_is(void **state)
{
	struct fixture *f = *state;
	struct usage_counts *heir;

	usage_counts_gap(f->c, 0, 1, STR("/r"));
	usage_counts_gap(f->c, 0, 1, STR("/r"));
	usage_counts_touch(f->c);
	heir = usage_counts_new(f->memory, true);
	assert_int_equal(sum(heir).all, 2);
	assert_int_equal(usage_counts_changes(heir), 1);
	usage_counts_free(&heir);
}

/* --- producer and consumer at once --- */

#define CALLS 300000

static void *produce(void *arg)
{
	for (int64_t i = 0; i < CALLS; i++)
		usage_counts_gap(arg, i % 50 * MINUTE, i % 40, STR("/r"));
	return NULL;
}

static void test_two_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;
	uint64_t taken = 0, serial, count;
	struct count_key key;
	bool running = true;

	assert_int_equal(pthread_create(&thread, NULL, produce, f->c), 0);
	while (running) {
		running = usage_counts_changes(f->c) < CALLS;
		for (size_t slot = 0; slot < COUNTS_SLOTS; slot++)
			if (usage_counts_get(f->c, slot, &key, &serial, &count) &&
			    usage_counts_settle(f->c, slot, count))
				taken += count;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(taken + sum(f->c).all, CALLS);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_gaps_by_minute_token_and_route),
		WITH_FIXTURE(test_a_full_table_counts_others),
		WITH_FIXTURE(test_strangers_by_network),
		WITH_FIXTURE(test_a_flood_of_strangers_makes_few_counters),
		WITH_FIXTURE(test_long_and_dirty_text),
		WITH_FIXTURE(test_settling_frees_only_what_is_stored),
		WITH_FIXTURE(test_memory_is_all_there_is),
		WITH_FIXTURE(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
