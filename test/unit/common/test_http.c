/* Unit tests of HTTP's vocabulary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <time.h>

#include "common/check.h"
#include "common/http.h"

static void methods_are_exact(void **state)
{
	static const char *const names[] = {"GET",   "HEAD",   "POST",   "PUT",
					    "PATCH", "DELETE", "OPTIONS"};
	static const char *const others[] = {"",      "get",     "GE",  "GETT",
					     "TRACE", "CONNECT", "G\0T"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(http_method_of(str_of(names[i])), i);
		assert_string_equal(http_method_name((enum http_method)i), names[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(http_method_of(str_of(others[i])), HTTP_OTHER);
	assert_string_equal(http_method_name(HTTP_OTHER), "other");
}

static void idempotent_methods(void **state)
{
	(void)state;
	for (int m = 0; m <= HTTP_OTHER; m++)
		assert_int_equal(http_method_is_idempotent((enum http_method)m),
				 m != HTTP_POST && m != HTTP_PATCH && m != HTTP_OTHER);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
}

static void check_field_name(enum http_field_id id, const char *name)
{
	char text[64];
	size_t n = strlen(name);

	for (int flip = 0; flip < 2; flip++) {
		for (size_t i = 0; i < n; i++)
			text[i] = (i + (size_t)flip) % 2 ? name[i] : upper(name[i]);
		assert_int_equal(http_field_id((struct str){text, n}), id);
	}
	/* Each single byte changed makes it another name. */
	for (size_t i = 0; i < n; i++) {
		memcpy(text, name, n);
		text[i] = (char)(text[i] ^ 0x02);
		assert_int_equal(http_field_id((struct str){text, n}), HTTP_H_OTHER);
		text[i] = (char)(name[i] ^ 0x80);
		assert_int_equal(http_field_id((struct str){text, n}), HTTP_H_OTHER);
	}
	assert_int_equal(http_field_id((struct str){name, n - 1}), HTTP_H_OTHER);
}

static void field_ids(void **state)
{
	static const char *const names[HTTP_H_COUNT] = {
#define FIELD_NAME(id, name) [HTTP_H_##id] = name,
		HTTP_FIELDS(FIELD_NAME)};

	(void)state;
	for (int id = HTTP_H_OTHER + 1; id < HTTP_H_COUNT; id++) {
		if (id == HTTP_H_X_FORWARDED)
			continue;
		if (id ==
		    HTTP_H_X_FORWARDED_FOR) /* one byte off is still x-forwarded-* */
			continue;
		check_field_name((enum http_field_id)id, names[id]);
	}
}

static void field_ids_by_hand(void **state)
{
	static const struct {
		const char *name;
		enum http_field_id id;
	} rows[] = {
		{"", HTTP_H_OTHER},
		{"x", HTTP_H_OTHER},
		{"HOST", HTTP_H_HOST},
		{"Content-Length", HTTP_H_CONTENT_LENGTH},
		{"content_length", HTTP_H_OTHER},
		{"content\rlength", HTTP_H_OTHER},
		{"Content-LengthX", HTTP_H_OTHER},
		{"X-Forwarded-For", HTTP_H_X_FORWARDED_FOR},
		{"x-forwarded-fox", HTTP_H_X_FORWARDED},
		{"X-Forwarded-Proto", HTTP_H_X_FORWARDED},
		{"X-FORWARDED-PREFIX-OF-MANY-BYTES", HTTP_H_X_FORWARDED},
		{"X-Forwarded-", HTTP_H_X_FORWARDED},
		{"X-Forwarded", HTTP_H_OTHER},
		{"Y-Forwarded-Proto", HTTP_H_OTHER},
		{"accept-encoding", HTTP_H_OTHER},
		{"a-name-that-is-longer-than-any-of-ours", HTTP_H_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(http_field_id(str_of(rows[i].name)), rows[i].id);
}

static void token_characters(void **state)
{
	static const char tchars[] = "!#$%&'*+-.^_`|~";

	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		bool token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z') || (c && strchr(tchars, c) != NULL);

		bool host = (token && strchr("#%^`|", c) == NULL) ||
			    (c && strchr("(),;=", c) != NULL);

		assert_int_equal(http_is_reg_name((struct str){&byte, 1}), host);
		assert_int_equal(http_is_token((struct str){&byte, 1}), token);
		assert_int_equal(http_token_span((struct str){&byte, 1}), token);
	}
	assert_true(http_is_reg_name(STR("")));
	assert_true(http_is_reg_name(STR("a%2fB%FF")));
	assert_false(http_is_reg_name(STR("a%2")));
	assert_false(http_is_reg_name(STR("a%2g")));
	assert_false(http_is_token(STR("")));
	assert_false(http_is_token(STR("a b")));
	for (size_t n = 0; n <= 12; n++) {
		char text[] = "abcdefghijkl";

		assert_int_equal(http_token_span((struct str){text, n}), n);
		text[n] = ':';
		assert_int_equal(http_token_span((struct str){text, 12}), n);
	}
}

/* Every byte at every place of values around the word size. */
static void value_characters(void **state)
{
	char text[20];

	(void)state;
	for (size_t n = 1; n <= sizeof text; n++)
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
				bool target = c > 0x20 && c < 0x7f && c != '#';

				memset(text, 'v', n);
				text[at] = (char)c;
				assert_int_equal(
					http_is_field_value((struct str){text, n}), good);
				assert_int_equal(http_is_target((struct str){text, n}),
						 target);
			}
	assert_true(http_is_field_value(STR("")));
	assert_false(http_is_target(STR("")));
	assert_true(http_is_field_value(STR("a\tb\tc\td\te\tf\tg\th")));
	assert_false(http_is_field_value(STR("\t\t\t\t\t\t\t\n")));
}

static void high_bytes_are_encoded(void **state)
{
	char out[48];
	struct str in = STR("/a%c3\x7f\xc3\xbc?\xff/");

	(void)state;
	assert_int_equal(http_encode_high(out, in), 17);
	assert_memory_equal(out, "/a%c3\x7f%C3%BC?%FF/", 17);
	assert_int_equal(http_encode_high(out, STR("")), 0);
}

static void reasons_never_null(void **state)
{
	static const struct {
		int status;
		const char *phrase;
	} rows[] = {
		{200, "OK"},
		{204, "No Content"},
		{413, "Content Too Large"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{504, "Gateway Timeout"},
		{299, "Successful"},
		{499, "Client Error"},
		{599, "Server Error"},
		{99, "Unknown"},
		{600, "Unknown"},
		{-1, "Unknown"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(http_reason(rows[i].status), rows[i].phrase);
	for (int s = -5; s < 1000; s++)
		assert_non_null(http_reason(s));
}

static void dates_as_libc_makes_them(void **state)
{
	char ours[HTTP_DATE_SIZE], theirs[64];
	struct tm tm;

	(void)state;
	http_date(ours, 784111777);
	assert_string_equal(ours, "Sun, 06 Nov 1994 08:49:37 GMT");
	http_date(ours, -1);
	assert_string_equal(ours, "Thu, 01 Jan 1970 00:00:00 GMT");
	http_date(ours, INT64_MAX);
	assert_string_equal(ours, "Fri, 31 Dec 9999 23:59:59 GMT");
	for (time_t t = 0; t < INT64_C(253402300799); t += 86400 * 397 + 3601) {
		gmtime_r(&t, &tm);
		strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		http_date(ours, t);
		assert_string_equal(ours, theirs);
	}
	for (time_t t = 951696000; t < 951696000 + 86400 * 800; t += 43200) {
		gmtime_r(&t, &tm);
		strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		http_date(ours, t);
		assert_string_equal(ours, theirs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_exact),
		cmocka_unit_test(idempotent_methods),
		cmocka_unit_test(field_ids),
		cmocka_unit_test(field_ids_by_hand),
		cmocka_unit_test(token_characters),
		cmocka_unit_test(value_characters),
		cmocka_unit_test(high_bytes_are_encoded),
		cmocka_unit_test(reasons_never_null),
		cmocka_unit_test(dates_as_libc_makes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
