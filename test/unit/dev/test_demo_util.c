/* The demo endpoints' pure parts: paths, query parameters, JSON strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/dev/demo_util.h"

static void path_without_number(void **state)
{
	static const struct {
		const char *path;
		bool match;
	} rows[] = {
		{"/upload", true},      {"/api/test/upload", true},
		{"//upload", true},     {"/a/upload/", false},
		{"/uploads", false},    {"upload", false},
		{"/a/upload/b", false}, {"", false},
		{"/", false},           {"/upload/upload", true},
		{"/UPLOAD", false},     {"/reupload", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (demo_path_is(str_of(rows[i].path), STR("/upload"), NULL) !=
		    rows[i].match)
			fail_msg("%s", rows[i].path);
}

static void path_with_number(void **state)
{
	static const struct {
		const char *path;
		bool match;
		uint64_t number;
	} rows[] = {
		{"/status/418", true, 418},
		{"/api/test/status/0", true, 0},
		{"/status/18446744073709551615", true, UINT64_MAX},
		{"/status/18446744073709551616", false, 0},
		{"/status/", false, 0},
		{"/status", false, 0},
		{"/status/4x", false, 0},
		{"/status/-1", false, 0},
		{"/status/418/", false, 0},
		{"/status418", false, 0},
		{"/status/x/status/7", true, 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t number = 0;

		if (demo_path_is(str_of(rows[i].path), STR("/status"), &number) !=
			    rows[i].match ||
		    (rows[i].match && number != rows[i].number))
			fail_msg("%s", rows[i].path);
	}
}

static void query_parameters(void **state)
{
	static const struct {
		const char *query;
		uint64_t value; /* 7: the fallback */
	} rows[] = {
		{"", 7},
		{"rate=5", 5},
		{"a=1&rate=5", 5},
		{"rate=5&a=1", 5},
		{"rate=", 7},
		{"rate", 7},
		{"rates=5", 7},
		{"arate=5", 7},
		{"rate=x&rate=6", 6},
		{"rate=5&rate=6", 5},
		{"&&rate=9&", 9},
		{"rate=99999999999999999999", 7},
		{"rate=0", 0},
		{"rate=5%30", 7},
		{"&", 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (demo_query_u64(str_of(rows[i].query), STR("rate"), 7) !=
		    rows[i].value)
			fail_msg("%s", rows[i].query);
}

static void json_strings(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{{"", 0}, "\"\""},
		{{"plain /~ text", 13}, "\"plain /~ text\""},
		{{"a\"b\\c", 5}, "\"a\\\"b\\\\c\""},
		{{"\0\n\x1f", 3}, "\"\\u0000\\u000a\\u001f\""},
		{{"\x7f\xc3\xa9\xff", 4}, "\"\\u007f\\u00c3\\u00a9\\u00ff\""},
		{{"</script>", 9}, "\"</script>\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sbuf out;

		sbuf_init(&out, 256);
		demo_json_string(&out, rows[i].in);
		sbuf_add(&out, "", 1);
		assert_false(out.overflow);
		assert_string_equal(out.p, rows[i].out);
		sbuf_fini(&out);
	}
}

static void json_string_beyond_the_cap(void **state)
{
	struct sbuf out;

	(void)state;
	sbuf_init(&out, 8);
	demo_json_string(&out, STR("0123456789"));
	assert_true(out.overflow);
	sbuf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_without_number),
		cmocka_unit_test(path_with_number),
		cmocka_unit_test(query_parameters),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(json_string_beyond_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
