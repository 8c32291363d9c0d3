/* PostgreSQL's texts made fit for logs and columns, and which errors are the session's. */
#include "common/pg_error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/check.h"
#include "common/utf8.h"

static void test_clean(void **state)
{
	static const struct {
		const char *text, *first, *all;
	} cases[] = {
		{"plain", "plain", "plain"},
		{"a\nb\n", "a", "a\nb"},
		{"a\r\nb", "a", "a \nb"},
		{"\n\nlate", "late", "late"},
		{"", "no reason given", "no reason given"},
		{"\n\r\n", "no reason given", "no reason given"},
		{NULL, "no reason given", "no reason given"},
		{"\x1b[31mred\x07\x7f", " [31mred  ", " [31mred  "},
		{"tab\there", "tab here", "tab here"},
		/* A server that writes ISO 8859-1 before it knows our encoding. */
		{"f\xfcr Benutzer \xbb"
		 "x\xab",
		 "f\xef\xbf\xbdr Benutzer \xef\xbf\xbdx\xef\xbf\xbd",
		 "f\xef\xbf\xbdr Benutzer \xef\xbf\xbdx\xef\xbf\xbd"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"C1 \xc2\x9b"
		 "31m",
		 "C1  31m", "C1  31m"},
		{"turned \xe2\x80\xae round", "turned   round", "turned   round"},
		{"line \xe2\x80\xa8 separator", "line   separator", "line   separator"},
		{"surrogate \xed\xa0\x80",
		 "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		 "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd",
		 "cut \xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	};
	char out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(
			pg_clean(out, sizeof out, cases[i].text, PG_FIRST_LINE),
			cases[i].first);
		assert_string_equal(
			pg_clean(out, sizeof out, cases[i].text, PG_ALL_LINES),
			cases[i].all);
	}
}

/* What goes into a column must be valid wherever it is cut. */
static void test_cut_between_characters(void **state)
{
	char text[64] = "", out[64];

	(void)state;
	for (int i = 0; i < 10; i++)
		strcat(text, i % 2 ? "\xe2\x82\xac" : "\xc3\xbc");
	for (size_t size = 1; size < sizeof out; size++) {
		size_t n, at = 0;

		pg_clean(out, size, text, PG_FIRST_LINE);
		n = strlen(out);
		assert_true(n < size);
		while (at < n) {
			size_t k = utf8_length((const unsigned char *)out + at, n - at);

			assert_true(k > 0);
			at += k;
		}
	}
}

static void test_whose_fault(void **state)
{
	static const char *const session[] = {"25006", "25P02", "25001", "08006",
					      "26000", "34000", "57P01", "57P05"};
	static const char *const statement[] = {"",      "57014", "55P03", "42P01",
						"53100", "23514", "22021", "40001",
						"42501", "XX000", "P0001"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(session); i++)
		assert_true(pg_sqlstate_is_of_session(session[i]));
	for (size_t i = 0; i < ARRAY_LEN(statement); i++)
		assert_false(pg_sqlstate_is_of_session(statement[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_cut_between_characters),
		cmocka_unit_test(test_whose_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
