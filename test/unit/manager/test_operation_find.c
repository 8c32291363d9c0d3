/* Which operation a request is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "common/check.h"
#include "gateway/manager/operation_find.h"

static const struct operation table[] = {
	{"index", HTTP_GET, "/", MAY_ANYONE, BODY_NONE, NULL},
	{"log", HTTP_POST, "/api/usage-log", MAY_INGEST, BODY_OWN, NULL},
	{"list", HTTP_GET, "/api/tokens", MAY_VIEW, BODY_NONE, NULL},
	{"create", HTTP_POST, "/api/tokens", MAY_MANAGE, BODY_JSON, NULL},
	{"get", HTTP_GET, "/api/tokens/{id}", MAY_VIEW, BODY_NONE, NULL},
	{"revoke", HTTP_POST, "/api/tokens/{id}/revoke", MAY_MANAGE, BODY_NONE, NULL},
	{"key", HTTP_DELETE, "/api/users/{id}/keys/{key_id}", MAY_KNOWN, BODY_NONE, NULL},
};

static void test_found(void **state)
{
	static const struct {
		enum http_method method;
		const char *path, *id, *values[2];
	} rows[] = {
		{HTTP_GET, "/", "index", {0}},
		{HTTP_HEAD, "/", "index", {0}},
		{HTTP_POST, "/api/usage-log", "log", {0}},
		{HTTP_POST, "/api/usage-log/secret", "log", {0}},
		{HTTP_GET, "/api/tokens", "list", {0}},
		{HTTP_POST, "/api/tokens", "create", {0}},
		{HTTP_GET, "/api/tokens/7", "get", {"7"}},
		{HTTP_GET, "/api/tokens/a%20b%2Fc", "get", {"a b/c"}},
		{HTTP_GET, "/api/tokens/a+b", "get", {"a+b"}},
		{HTTP_POST, "/api/tokens/7/revoke", "revoke", {"7"}},
		{HTTP_DELETE, "/api/users/3/keys/4", "key", {"3", "4"}},
		/* A path that there is, and one that there is not. */
		{HTTP_DELETE, "/api/tokens", NULL, {0}},
		{HTTP_GET, "/api/tokens/", NULL, {0}},
		{HTTP_GET, "/api/tokens//", NULL, {0}},
		{HTTP_POST, "/api/tokens//revoke", NULL, {0}},
		{HTTP_GET, "/api/tokens/7/", NULL, {0}},
		{HTTP_GET, "/api/tokens/%zz", NULL, {0}},
		{HTTP_GET, "/api/tokens/%00", NULL, {0}},
		{HTTP_GET, "/api/tokens/%ff", NULL, {0}},
		{HTTP_GET, "/api/tokens/%0a", NULL, {0}},
		{HTTP_GET, "/API/tokens", NULL, {0}},
		{HTTP_GET, "/api%2Ftokens", NULL, {0}},
		{HTTP_GET, "//api/tokens", NULL, {0}},
		{HTTP_GET, "*", NULL, {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct operation_match m;

		operation_find(table, ARRAY_LEN(table), str_of(rows[i].path),
			       rows[i].method, &m);
		if ((m.operation == NULL) != (rows[i].id == NULL))
			fail_msg("%s", rows[i].path);
		if (m.operation == NULL)
			continue;
		assert_string_equal(m.operation->id, rows[i].id);
		for (size_t v = 0; v < 2 && rows[i].values[v] != NULL; v++)
			assert_string_equal(m.values[v].text, rows[i].values[v]);
	}
}

static void test_what_a_path_allows(void **state)
{
	struct operation_match m;

	(void)state;
	operation_find(table, ARRAY_LEN(table), STR("/api/tokens"), HTTP_DELETE, &m);
	assert_int_equal(m.allow, HTTP_METHOD_BIT(HTTP_GET) | HTTP_METHOD_BIT(HTTP_HEAD) |
					  HTTP_METHOD_BIT(HTTP_POST));
	operation_find(table, ARRAY_LEN(table), STR("/api/nothing"), HTTP_GET, &m);
	assert_int_equal(m.allow, 0);
}

static void test_a_long_segment_is_none(void **state)
{
	char path[400] = "/api/tokens/";
	struct operation_match m;

	(void)state;
	memset(path + strlen(path), 'a', OPERATION_VALUE_BYTES);
	operation_find(table, ARRAY_LEN(table), str_of(path), HTTP_GET, &m);
	assert_null(m.operation);
	path[strlen("/api/tokens/") + OPERATION_VALUE_BYTES - 1] = '\0';
	operation_find(table, ARRAY_LEN(table), str_of(path), HTTP_GET, &m);
	assert_non_null(m.operation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_what_a_path_allows),
		cmocka_unit_test(test_a_long_segment_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
