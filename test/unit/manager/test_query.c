/* Parameters of a query, and what is said of those that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/manager/query.h"

static const char *const known[] = {"from", "zone", "q", NULL};
static const char *const none[] = {NULL};

static char *errors_of(struct input_faults *f)
{
	return f->errors != NULL ? cJSON_PrintUnformatted(f->errors) : NULL;
}

static void test_values(void **state)
{
	static const struct {
		const char *query, *from, *zone, *q;
	} rows[] = {
		{"", NULL, NULL, NULL},
		{"&&", NULL, NULL, NULL},
		{"from=2026-11-24T12%3A30&zone=Asia%2fTaipei", "2026-11-24T12:30",
		 "Asia/Taipei", NULL},
		{"q=a+b%20c", NULL, NULL, "a b c"},
		{"q=%2B", NULL, NULL, "+"},
		{"q=a=b=c", NULL, NULL, "a=b=c"},
		{"q", NULL, NULL, ""},
		{"q=&zone=", NULL, "", ""},
		{"%71=1", NULL, NULL, "1"},
		{"q=%E7%B8%BD%E8%AA%BF%E7%94%A8", NULL, NULL,
		 "\xe7\xb8\xbd\xe8\xaa\xbf\xe7\x94\xa8"},
		{"q=%25", NULL, NULL, "%"},
		{"q=a;b", NULL, NULL, "a;b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct input_faults f = {0};
		struct query q;
		const char *const want[] = {rows[i].from, rows[i].zone, rows[i].q};

		query_read(&q, str_of(rows[i].query), known, &f);
		if (f.n != 0)
			fail_msg("%s", rows[i].query);
		for (size_t j = 0; j < ARRAY_LEN(want); j++) {
			const char *got = query_get(&q, known[j]);

			if ((got == NULL) != (want[j] == NULL))
				fail_msg("%s: %s", rows[i].query, known[j]);
			if (want[j] != NULL)
				assert_string_equal(got, want[j]);
		}
		query_fini(&q);
	}
}

static void test_faults(void **state)
{
	static const struct {
		const char *query, *parameter, *detail;
	} rows[] = {
		{"Zone=UTC", "Zone",
		 "there is no such parameter; there are from, zone, q"},
		{"a%3cb=1", "a<b", "there is no such parameter; there are from, zone, q"},
		{"=1", "", "there is no such parameter; there are from, zone, q"},
		{"q=1&q=1", "q", "is there twice; give it once"},
		{"q=1&%71=2", "q", "is there twice; give it once"},
		{"q=%", "q",
		 "holds a % that is not followed by two hex digits; write %25 for the sign itself"},
		{"q=%4", "q",
		 "holds a % that is not followed by two hex digits; write %25 for the sign itself"},
		{"q=%zz", "q",
		 "holds a % that is not followed by two hex digits; write %25 for the sign itself"},
		{"%f=1", "%f",
		 "its name holds a % that is not followed by two hex digits; write %25 for the "
		 "sign itself"},
		{"q=%00", "q", "holds a control character; leave it out"},
		{"q=a%0Ab", "q", "holds a control character; leave it out"},
		{"q=%7f", "q", "holds a control character; leave it out"},
		{"q=%ff", "q", "is no valid UTF-8; percent-encode UTF-8"},
		{"q=%ED%A0%80", "q", "is no valid UTF-8; percent-encode UTF-8"},
		{"q=%C0%AF", "q", "is no valid UTF-8; percent-encode UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct input_faults f = {0};
		struct query q;
		const cJSON *error;

		query_read(&q, str_of(rows[i].query), known, &f);
		if (f.n != 1)
			fail_msg("%s", rows[i].query);
		error = cJSON_GetArrayItem(f.errors, 0);
		assert_string_equal(
			cJSON_GetStringValue(cJSON_GetObjectItem(error, "parameter")),
			rows[i].parameter);
		assert_string_equal(
			cJSON_GetStringValue(cJSON_GetObjectItem(error, "detail")),
			rows[i].detail);
		query_fini(&q);
		input_faults_fini(&f);
	}
}

static void test_all_faults_at_once(void **state)
{
	struct input_faults f = {0};
	struct query q;
	char *text;

	(void)state;
	query_read(&q, STR("a=1&zone=UTC&q=%&b"), none, &f);
	assert_int_equal(f.n, 4);
	input_faults_fini(&f);
	query_fini(&q);

	query_read(&q, STR("a=1&zone=UTC&q=%"), known, &f);
	assert_int_equal(f.n, 2);
	assert_string_equal(query_get(&q, "zone"), "UTC");
	text = errors_of(&f);
	assert_string_equal(
		text,
		"[{\"parameter\":\"a\",\"detail\":\"there is no such parameter; there "
		"are from, zone, q\"},{\"parameter\":\"q\",\"detail\":\"holds a % that is "
		"not followed by two hex digits; write %25 for the sign itself\"}]");
	free(text);
	input_faults_fini(&f);
	query_fini(&q);
}

/* A name with a * may come several times, and is told without it. */
static void test_repeated(void **state)
{
	static const char *const repeatable[] = {"route*", "zone", "to*", NULL};
	const char *values[QUERY_PARAMETERS_MAX];
	struct input_faults f = {0};
	struct query q;
	char *text;

	(void)state;
	query_read(&q, STR("route=/a&zone=UTC&route=/b%2C&to=&route"), repeatable, &f);
	assert_int_equal(f.n, 0);
	assert_int_equal(query_all(&q, "route", values), 3);
	assert_string_equal(values[0], "/a");
	assert_string_equal(values[1], "/b,");
	assert_string_equal(values[2], "");
	assert_string_equal(query_get(&q, "route"), "/a");
	assert_int_equal(query_all(&q, "to", values), 1);
	assert_int_equal(query_all(&q, "zone", values), 1);
	assert_int_equal(query_all(&q, "rout", values), 0);
	query_fini(&q);

	query_read(&q, STR("route*=1&zone=a&zone=b"), repeatable, &f);
	text = errors_of(&f);
	assert_string_equal(
		text,
		"[{\"parameter\":\"route*\",\"detail\":\"there is no such parameter; "
		"there are route, zone, to\"},{\"parameter\":\"zone\",\"detail\":\"is "
		"there twice; give it once\"}]");
	free(text);
	input_faults_fini(&f);
	query_fini(&q);
}

static void test_too_many(void **state)
{
	static const char *const repeatable[] = {"a*", NULL};
	struct input_faults f = {0};
	struct sbuf text;
	struct query q;

	(void)state;
	sbuf_init(&text, 1 << 16);
	for (int i = 0; i < QUERY_PARAMETERS_MAX; i++)
		sbuf_lit(&text, "a=1&");
	query_read(&q, sbuf_view(&text), repeatable, &f);
	assert_int_equal(f.n, 0);
	query_fini(&q);
	sbuf_lit(&text, "a=1");
	query_read(&q, sbuf_view(&text), repeatable, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(q.n, QUERY_PARAMETERS_MAX);
	input_faults_fini(&f);
	query_fini(&q);
	sbuf_fini(&text);
}

/* Whatever somebody sends, the answer stays small and valid. */
static void test_many_faults(void **state)
{
	struct input_faults f = {0};
	struct query q;
	struct sbuf text;
	char *errors;

	(void)state;
	sbuf_init(&text, 1 << 16);
	for (int i = 0; i < 4000; i++)
		sbuf_lit(&text, "\xff%ff=&");
	query_read(&q, sbuf_view(&text), known, &f);
	assert_int_equal(f.n, 4000);
	assert_int_equal(cJSON_GetArraySize(f.errors), INPUT_FAULTS_MAX);
	errors = errors_of(&f);
	assert_true(strlen(errors) < 16384);
	free(errors);
	input_faults_fini(&f);
	query_fini(&q);
	sbuf_fini(&text);
}

static void test_what_others_send_along(void **state)
{
	static const char *const names[] = {"state", QUERY_OTHERS, NULL};
	struct input_faults faults = {0};
	struct query q;

	(void)state;
	query_read(&q, STR("scope=a+b&state=x&scope=c&hd=%zz&=&*=1"), names, &faults);
	assert_int_equal(faults.n, 0);
	assert_string_equal(query_get(&q, "state"), "x");
	assert_null(query_get(&q, "scope"));
	query_fini(&q);
	query_read(&q, STR("state=x&state=y"), names, &faults);
	assert_int_equal(faults.n, 1);
	query_fini(&q);
	input_faults_fini(&faults);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_all_faults_at_once),
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_what_others_send_along),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_many_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
