/* What of a lane was stored behind a position. */
#include "gateway/recorder/lane_past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(struct lane_past *p, uint64_t to, uint64_t events, int64_t first_us,
		int64_t last_us)
{
	lane_past_add(p, &(struct past_batch){to, events, first_us, last_us});
}

static void expect(const struct lane_past *p, uint64_t position, uint64_t events,
		   int64_t first_us, int64_t last_us)
{
	struct past_batch b = lane_past_behind(p, position);

	assert_int_equal(b.events, events);
	assert_int_equal(b.first_us, first_us);
	assert_int_equal(b.last_us, last_us);
}

static void test_behind(void **state)
{
	struct lane_past p = {0};

	(void)state;
	expect(&p, 0, 0, 0, 0);
	add(&p, 100, 3, 10, 20);
	add(&p, 200, 4, 15, 30);
	add(&p, 300, 5, 0, 0); /* its answer was lost: no times */
	add(&p, 400, 6, 28, 40);
	expect(&p, 0, 18, 10, 40);
	expect(&p, 100, 15, 15, 40);
	expect(&p, 200, 11, 28, 40);
	expect(&p, 399, 6, 28, 40);
	expect(&p, 400, 0, 0, 0);
	expect(&p, UINT64_MAX, 0, 0, 0);
	lane_past_fini(&p);
}

/* However long it goes on: bounded, all of it counted, recent ones exactly. */
static void test_it_grows_coarser(void **state)
{
	struct lane_past p = {0};
	const uint64_t n = 100000;

	(void)state;
	for (uint64_t i = 1; i <= n; i++)
		add(&p, 16 * i, 2, (int64_t)i, (int64_t)i);
	assert_true(p.n <= LANE_PAST_MAX);
	expect(&p, 0, 2 * n, 1, (int64_t)n);
	expect(&p, 16 * (n - 1), 2, (int64_t)n, (int64_t)n);
	/* Never less than what is gone. */
	for (uint64_t i = 1; i < n; i += 997)
		assert_true(lane_past_behind(&p, 16 * i).events >= 2 * (n - i));
	lane_past_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_it_grows_coarser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
