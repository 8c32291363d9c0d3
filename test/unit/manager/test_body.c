/* A JSON body's fields: what is taken, and all that is said of what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/manager/body.h"

static const char *const roles[] = {"manager", "viewer", NULL};
static const struct body_field fields[] = {
	{.name = "name",
	 .type = BODY_TEXT,
	 .presence = BODY_REQUIRED,
	 .min = 1,
	 .max = 5},
	{.name = "note", .type = BODY_TEXT, .max = 9, .several_lines = true},
	{.name = "n",
	 .type = BODY_INTEGER,
	 .presence = BODY_NULLABLE,
	 .min = -5,
	 .max = INT64_MAX},
	{.name = "on", .type = BODY_BOOL},
	{.name = "at", .type = BODY_TIME, .presence = BODY_NULLABLE},
	{.name = "scopes", .type = BODY_TEXTS, .max = 2},
	{.name = "role", .type = BODY_ONE_OF, .words = roles},
};

static char *read_body(const char *text, struct input_faults *faults)
{
	cJSON *json = body_read(str_of(text), fields, ARRAY_LEN(fields), faults);
	char *out = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	return out;
}

static void test_taken(void **state)
{
	static const struct {
		const char *body, *taken;
	} rows[] = {
		{"{\"name\":\"a\"}", "{\"name\":\"a\"}"},
		{" {\"name\" : \"\\u7e3d\xe8\xaa\xbf"
		 "abc\"} ",
		 "{\"name\":\"\xe7\xb8\xbd\xe8\xaa\xbf"
		 "abc\"}"},
		{"{\"name\":\"a\",\"n\":9223372036854775807}",
		 "{\"name\":\"a\",\"n\":9223372036854775807}"},
		{"{\"name\":\"a\",\"n\":null,\"at\":null}",
		 "{\"name\":\"a\",\"n\":null,\"at\":null}"},
		{"{\"name\":\"a\",\"on\":false,\"scopes\":[]}",
		 "{\"name\":\"a\",\"on\":false,\"scopes\":[]}"},
		{"{\"name\":\"a\",\"scopes\":[\"x\",\"y\"],\"role\":\"viewer\"}",
		 "{\"name\":\"a\",\"scopes\":[\"x\",\"y\"],\"role\":\"viewer\"}"},
		{"{\"name\":\"a\",\"note\":\"b\\n\\tc\"}",
		 "{\"name\":\"a\",\"note\":\"b\\n\\tc\"}"},
		{"{\"name\":\"a\",\"at\":\"2026-11-29T12:00:00.123456+08:00\"}",
		 "{\"name\":\"a\",\"at\":\"2026-11-29T12:00:00.123456+08:00\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct input_faults f = {0};
		char *taken = read_body(rows[i].body, &f);

		if (f.n != 0)
			fail_msg("%s: %s", rows[i].body,
				 cJSON_PrintUnformatted(f.errors));
		assert_string_equal(taken, rows[i].taken);
		free(taken);
	}
}

static const char *told(const struct input_faults *f, int i, const char *member)
{
	const cJSON *error = cJSON_GetArrayItem(f->errors, i);

	return cJSON_GetStringValue(cJSON_GetObjectItem(error, member));
}

static void test_refused(void **state)
{
	static const struct {
		const char *body, *pointer, *detail;
	} rows[] = {
		{"", "#/name", "is missing"},
		{"{}", "#/name", "is missing"},
		{"[]", "", "must be an object"},
		{"\"a\"", "", "must be an object"},
		{"{", "", "line 1"},
		{"{\"name\":\"a\"} x", "", "line 1"},
		{"{\"name\":\"a\",\"n\":01}", "", "line 1"},
		{"{\"name\":\"a\",}", "", "line 1"},
		{"{\"name\":\"a\" /* */}", "", "line 1"},
		{"{\"name\":\"a\",\"name\":\"b\"}", "", "name"},
		{"{\"name\":null}", "#/name", "null"},
		{"{\"name\":7}", "#/name", "must be a string"},
		{"{\"name\":\"\"}", "#/name", "has 0 characters"},
		{"{\"name\":\"abcdef\"}", "#/name", "has 6 characters"},
		{"{\"name\":\"a\\nb\"}", "#/name", "control character"},
		{"{\"name\":\"a\\u009bb\"}", "#/name", "control character"},
		{"{\"name\":\"a\\u007fb\"}", "#/name", "control character"},
		{"{\"name\":\"a\",\"note\":\"\\u001b\"}", "#/note", "control character"},
		{"{\"name\":\"a\",\"note\":null}", "#/note", "leave it out"},
		{"{\"name\":\"a\",\"n\":1.5}", "#/n", "whole number"},
		{"{\"name\":\"a\",\"n\":1e3}", "#/n", "whole number"},
		{"{\"name\":\"a\",\"n\":-6}", "#/n", "whole number"},
		{"{\"name\":\"a\",\"n\":9223372036854775808}", "#/n", "whole number"},
		{"{\"name\":\"a\",\"n\":\"1\"}", "#/n", "must be a number"},
		{"{\"name\":\"a\",\"on\":0}", "#/on", "must be true or false"},
		{"{\"name\":\"a\",\"at\":\"2026-11-29\"}", "#/at", "is a time like"},
		{"{\"name\":\"a\",\"at\":\"2026-11-29T12:00:00\"}", "#/at", "time like"},
		{"{\"name\":\"a\",\"at\":\"2026-11-29T12:00:00.Z\"}", "#/at",
		 "time like"},
		{"{\"name\":\"a\",\"at\":\"2026-11-29T12:00:00+08\"}", "#/at",
		 "time like"},
		{"{\"name\":\"a\",\"at\":\"now\"}", "#/at", "is a time like"},
		{"{\"name\":\"a\",\"scopes\":\"x\"}", "#/scopes", "must be an array"},
		{"{\"name\":\"a\",\"scopes\":[\"x\",\"y\",\"z\"]}", "#/scopes",
		 "has 3 elements"},
		{"{\"name\":\"a\",\"scopes\":[\"x\",1]}", "#/scopes/1", "is a text"},
		{"{\"name\":\"a\",\"scopes\":[\"\"]}", "#/scopes/0", "0 characters"},
		{"{\"name\":\"a\",\"role\":\"Viewer\"}", "#/role",
		 "\"manager\", \"viewer\""},
		{"{\"name\":\"a\",\"nam\":\"b\"}", "#/nam", "there is no such field"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct input_faults f = {0};
		char *taken = read_body(rows[i].body, &f);

		if (f.n != 1 || strcmp(told(&f, 0, "pointer"), rows[i].pointer) != 0 ||
		    strstr(told(&f, 0, "detail"), rows[i].detail) == NULL)
			fail_msg("%s: %s", rows[i].body,
				 cJSON_PrintUnformatted(f.errors));
		input_faults_fini(&f);
		free(taken);
	}
}

static void test_all_faults_at_once(void **state)
{
	struct input_faults f = {0};
	char *taken = read_body("{\"n\":\"1\",\"on\":1,\"x\":1,\"scopes\":[1,2]}", &f);

	(void)state;
	assert_int_equal(f.n, 6);
	assert_string_equal(told(&f, 5, "pointer"), "#/name");
	input_faults_fini(&f);
	free(taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_faults_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
