/* How long a token may live: the part without a database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/token/token_admin.h"

static void test_lifetimes(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* 0: refused */
	} rows[] = {
		{"90s", 90},
		{"15m", 900},
		{"12h", 43200},
		{"30d", 2592000},
		{"2w", 1209600},
		{"1y", 31536000},
		{"100y", 3153600000},
		{"36500d", 3153600000},
		{"101y", 0},
		{"36501d", 0},
		{"0d", 0},
		{"", 0},
		{"d", 0},
		{"30", 0},
		{"-1d", 0},
		{"+1d", 0},
		{"1.5d", 0},
		{" 1d", 0},
		{"1d ", 0},
		{"1 d", 0},
		{"1D", 0},
		{"1dd", 0},
		{"99999999999d", 0},
		{"18446744073709551615s", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t seconds = 0;

		assert_int_equal(token_lifetime_parse(rows[i].text, &seconds),
				 rows[i].seconds != 0);
		assert_true(seconds == rows[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lifetimes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
