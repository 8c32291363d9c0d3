/* What of a name reaches a terminal, and how wide it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/width.h"

static const char *cleaned(void (*clean)(struct sbuf *out, struct str s), struct str s)
{
	static char text[256];
	struct sbuf out;

	sbuf_init(&out, sizeof text - 1);
	clean(&out, s);
	assert_true(str_copy(text, sizeof text, sbuf_view(&out)));
	sbuf_fini(&out);
	return text;
}

static void controls_are_shown(void **state)
{
	static const struct {
		struct str in;
		const char *text, *lines;
	} rows[] = {
		{{"", 0}, "", ""},
		{{"plain", 5}, "plain", "plain"},
		{{"a\0b", 3}, "a\\x00b", "a\\x00b"},
		{{"\x1b[31mred", 8}, "\\x1b[31mred", "\\x1b[31mred"},
		{{"a\nb\tc\r", 6}, "a\\x0ab\\x09c\\x0d", "a\nb\tc\\x0d"},
		{{"\x7f", 1}, "\\x7f", "\\x7f"},
		{{"\xc2\x9b"
		  "31m",
		  5},
		 "\\x9b31m",
		 "\\x9b31m"}, /* CSI as one character */
		{{"\xe2\x80\xae"
		  "cod.exe",
		  10},
		 "\\u202ecod.exe",
		 "\\u202ecod.exe"},
		{{"\xe2\x80\xa8", 3}, "\\u2028", "\\u2028"},
		{{"\xff\xc0\x80", 3}, "\\xff\\xc0\\x80", "\\xff\\xc0\\x80"},
		{{"\xe4\xb8", 2}, "\\xe4\\xb8", "\\xe4\\xb8"}, /* cut short */
		{{"\xe4\xb8\xad\xc3\xa9", 5},
		 "\xe4\xb8\xad\xc3\xa9",
		 "\xe4\xb8\xad\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(cleaned(clean_text, rows[i].in), rows[i].text);
		assert_string_equal(cleaned(clean_lines, rows[i].in), rows[i].lines);
	}
}

static void json_says_the_same(void **state)
{
	(void)state;
	assert_string_equal(cleaned(clean_json, STR("{\"a\":\"\\n\xc2\x9b\x7f\"}\n")),
			    "{\"a\":\"\\n\\u009b\\u007f\"}\n");
	assert_string_equal(cleaned(clean_json, STR("\"\x1b[2J\x07\"\t\r\n")),
			    "\"\\u001b[2J\\u0007\"\t\r\n");
	assert_string_equal(cleaned(clean_json, STR("\"\xe2\x80\xae\xe4\xb8\xad\"")),
			    "\"\\u202e\xe4\xb8\xad\"");
}

static void widths(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {
		{"", 0},
		{"abc", 3},
		{"\xc3\xa9", 1},                 /* e with acute, as one */
		{"e\xcc\x81", 1},                /* and as a mark behind it */
		{"\xe4\xb8\xad\xe6\x96\x87", 4}, /* Chinese */
		{"\xea\xb0\x80", 2},             /* a Hangul syllable */
		{"\xe1\x84\x80\xe1\x85\xa1", 2}, /* the same of two letters */
		{"\xef\xbd\xb1", 1},             /* half width */
		{"\xef\xbc\xa1", 2},             /* full width */
		{"\xf0\x9f\x98\x80", 2},         /* a face */
		{"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 4}, /* two, joined */
		{"\xc2\xad", 1},                                     /* soft hyphen */
		{"\xf0\xa0\x80\x80", 2},                             /* plane 2 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(clean_width(str_of(rows[i].text)), rows[i].width);
	assert_int_equal(width_of(0x10ffff), 1);
}

static void cutting(void **state)
{
	(void)state;
	assert_int_equal(clean_cut(STR("abc"), 2), 2);
	assert_int_equal(clean_cut(STR("abc"), 9), 3);
	assert_int_equal(clean_cut(STR("\xe4\xb8\xad\xe6\x96\x87"), 3), 3);
	assert_int_equal(clean_cut(STR("e\xcc\x81x"), 1), 3); /* with its mark */
	assert_int_equal(clean_cut(STR("\xe4\xb8\xad"), 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controls_are_shown),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(widths),
		cmocka_unit_test(cutting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
