/* What attempts leave for the next ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "common/address_mark.h"
#include "common/check.h"

#define S UINT64_C(1000000)

static void test_failures(void **state)
{
	struct address_mark m = {0};

	(void)state;
	assert_false(address_mark_fails(&m));
	assert_false(address_mark_take_probe(&m, 100 * S));
	address_mark_failed(&m, 100 * S);
	assert_true(address_mark_fails(&m));
	assert_false(address_mark_take_probe(&m, 110 * S - 1));
	assert_true(address_mark_take_probe(&m, 110 * S));
	assert_false(address_mark_take_probe(&m, 110 * S));
	assert_true(address_mark_fails(&m)); /* as long as the probe tells nothing */
	assert_true(address_mark_take_probe(&m, 120 * S));
	address_mark_won(&m, 0);
	assert_false(address_mark_fails(&m));
	assert_false(address_mark_take_probe(&m, 200 * S));
}

static void test_delay(void **state)
{
	static const struct {
		uint64_t took_us;
		uint32_t delay_ms;
	} rows[] = {{0, 250},       {125999, 250}, {126000, 252},    {400000, 800},
		    {999999, 1998}, {S, 2000},     {3000 * S, 2000}, {UINT64_MAX, 2000}};
	struct address_mark m = {0};

	(void)state;
	assert_int_equal(address_mark_delay_ms(&m), 250);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		address_mark_won(&m, rows[i].took_us);
		assert_int_equal(address_mark_delay_ms(&m), rows[i].delay_ms);
	}
}

static struct address_mark shared;
static _Atomic int taken;

static void *take(void *arg)
{
	(void)arg;
	for (uint64_t s = 0; s <= 1000; s++)
		taken += address_mark_take_probe(&shared, s * S);
	return NULL;
}

static void test_one_takes_it(void **state)
{
	pthread_t threads[4];

	(void)state;
	address_mark_failed(&shared, 980 * S);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, take, NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_in_range(taken, 1, 2); /* at 990 or later, and ten seconds after that */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_failures),
					   cmocka_unit_test(test_delay),
					   cmocka_unit_test(test_one_takes_it)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
