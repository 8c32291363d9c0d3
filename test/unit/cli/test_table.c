/* Numbers, bars and times of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/cli/ago.h"
#include "gateway/cli/table.h"

static void numbers(void **state)
{
	static const struct {
		double number;
		const char *text;
	} rows[] = {
		{0, "0"},
		{7, "7"},
		{999, "999"},
		{1000, "1,000"},
		{1234567, "1,234,567"},
		{-1234, "-1,234"},
		{-123, "-123"},
		{0.25, "0.25"},
		{1234.5, "1234.5"},
		{1e15, "1e+15"},
		{123456789012, "123,456,789,012"},
	};
	char text[TABLE_NUMBER_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		table_number_text(text, rows[i].number);
		assert_string_equal(text, rows[i].text);
	}
}

static void bars(void **state)
{
	static const struct {
		double share;
		const char *blocks, *plain;
	} rows[] = {
		{0, "", ""},
		{1, "\xe2\x96\x88\xe2\x96\x88", "##"},
		{2, "\xe2\x96\x88\xe2\x96\x88", "##"},
		{-1, "", ""},
		{0.5, "\xe2\x96\x88", "#"},
		{0.5 / 8, "\xe2\x96\x8f", "#"},
		{1e-9, "\xe2\x96\x8f", "#"}, /* little is not nothing */
		{0.75, "\xe2\x96\x88\xe2\x96\x8c", "##"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sbuf out;

		sbuf_init(&out, 64);
		table_bar(&out, rows[i].share, 2, true);
		assert_string_equal(sbuf_text(&out), rows[i].blocks);
		sbuf_reset(&out);
		table_bar(&out, rows[i].share, 2, false);
		assert_string_equal(sbuf_text(&out), rows[i].plain);
		sbuf_fini(&out);
	}
}

static void ages(void **state)
{
	static const struct {
		int64_t age;
		const char *text;
	} rows[] = {
		{0, "now"},
		{4, "now"},
		{5, "5 s ago"},
		{59, "59 s ago"},
		{60, "1 min ago"},
		{4 * 60 + 59, "4 min ago"},
		{7199, "119 min ago"},
		{7200, "2 h ago"},
		{2 * 86400 - 1, "47 h ago"},
		{2 * 86400, "2 days ago"},
		{59 * 86400, "59 days ago"},
		{60 * 86400, "2 months ago"},
		{2 * 365 * 86400, "2 years ago"},
		{-4, "now"},
		{-300, "in 5 min"},
		{-90 * 86400, "in 3 months"},
	};
	char text[AGO_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ago_text(text, 1000000000 - rows[i].age, 1000000000);
		assert_string_equal(text, rows[i].text);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t then;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-24T12:30:00Z", 1795523400},
		{"2026-11-24 12:30:00", 1795523400},
		{"2026-11-24T12:30:00.123456Z", 1795523400},
		{"2026-11-24T12:30:00.5+00:00", 1795523400},
		{"2026-11-24T18:00:00+05:30", 1795523400},
		{"2026-11-24T07:30:00-05", 1795523400},
	};
	static const char *const none[] = {
		"",
		"2026-11-24",
		"2026-11-24T12:30Z",
		"2026-11-24T12:30:00+5",
		"2026-11-24T12:30:00 UTC",
		"infinity",
		"2026/11/24T12:30:00Z",
		"2026-11-24T12:30:0xZ",
		"2026-11-24T12:30:00+05:3x",
	};
	int64_t then;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(ago_parse(rows[i].text, &then));
		assert_int_equal(then, rows[i].then);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_false(ago_parse(none[i], &then));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(bars),
		cmocka_unit_test(ages),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
