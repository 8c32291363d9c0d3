/* What the log is told of a fault that lasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/check.h"
#include "common/trouble.h"

#define S UINT64_C(1000000)

static void test_told(void **state)
{
	static const struct {
		uint64_t at_s;
		int kind; /* 0: over */
		bool told;
	} rows[] = {
		{100, 1, true},  {102, 1, false}, {110, 2, false}, /* a change too soon */
		{159, 1, false}, {161, 2, true},  {163, 2, false},
		{760, 2, false}, {761, 2, true},  {800, 0, true},
		{801, 0, false}, {802, 1, false}, /* a minute passes before the next */
		{803, 0, false}, {821, 1, true},  {822, 1, false},
		{840, 2, false}, {881, 2, true}, /* what came too soon is told later */
		{890, 0, true},  {900, 2, false}, {941, 2, true},
	};
	struct trouble t = {0};
	uint64_t lasted_s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t now = rows[i].at_s * S;
		bool told = rows[i].kind ? trouble_note(&t, rows[i].kind, now)
					 : trouble_over(&t, now, &lasted_s);

		if (told != rows[i].told)
			fail_msg("row %zu", i);
		if (rows[i].at_s == 761)
			assert_int_equal(trouble_age_s(&t, now), 661);
		if (rows[i].at_s == 800)
			assert_int_equal(lasted_s, 700);
	}
}

static void test_what_only_happens(void **state)
{
	static const struct {
		uint64_t at_s;
		bool told;
	} rows[] = {{100, true}, {101, false}, {159, false}, {160, true}, {161, false}};
	struct trouble t = {0};
	uint64_t lasted_s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (trouble_happened(&t, rows[i].at_s * S) != rows[i].told)
			fail_msg("row %zu", i);
		assert_false(trouble_over(&t, rows[i].at_s * S, &lasted_s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_what_only_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
