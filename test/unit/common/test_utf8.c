/* Unit tests of common/utf8.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "common/check.h"
#include "common/utf8.h"

static size_t length(const char *text)
{
	return utf8_length((const unsigned char *)text, strlen(text));
}

/* All code points, each whole, cut short, and with one byte more. */
static void test_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		unsigned char p[5] = {0};
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		bool surrogate = c >= 0xd800 && c < 0xe000;

		if (n == 1)
			p[0] = (unsigned char)c;
		for (size_t i = n - 1, rest = c; n > 1; i--, rest >>= 6) {
			p[i] = (unsigned char)(i ? 0x80 | (rest & 0x3f)
						 : (0xf00 >> n & 0xff) | rest);
			if (i == 0)
				break;
		}
		assert_int_equal(utf8_length(p, n), surrogate ? 0 : n);
		assert_int_equal(utf8_length(p, 5), surrogate ? 0 : n);
		if (n > 1)
			assert_int_equal(utf8_length(p, n - 1), 0);
	}
}

static void test_what_is_none(void **state)
{
	static const char *const rows[] = {
		"\x80",
		"\xbf",
		"\xc0\xaf", /* overlong */
		"\xc1\xbf",
		"\xe0\x80\xaf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x80\x80\xaf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
		"\xc3",
		"\xc3(",
		"\xe2\x82",
		"\xe2(\xac",
		"\xe2\x82(",
		"\xf0\x9f\x98",
		"\xf0\x9f\x98(",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (length(rows[i]) != 0)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_character),
		cmocka_unit_test(test_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
