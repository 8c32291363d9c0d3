/* What rows of the usage log say of calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/explained_call.h"

static void check(const char *row, const char *expected)
{
	cJSON *json = cJSON_Parse(row), *e, *time;
	char got[512];

	assert_non_null(json);
	e = explained_call(json);
	time = cJSON_GetObjectItemCaseSensitive(e, "time");
#define TEXT(name) cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(e, name))
	snprintf(got, sizeof got, "%s %s%s", TEXT("fault"),
		 TEXT("code") != NULL ? TEXT("code") : "-",
		 TEXT("advice") != NULL ? "" : " fine");
	for (cJSON *part = time->child; part != NULL; part = part->next)
		snprintf(got + strlen(got), sizeof got - strlen(got), " %.0f",
			 part->valuedouble);
	assert_non_null(TEXT("text"));
	assert_string_equal(got, expected);
	cJSON_Delete(e);
	cJSON_Delete(json);
}

static void rows(void **state)
{
	static const struct {
		const char *row, *expected;
	} all[] = {
		/* ours is 5 before and behind the upstream's head */
		{"{\"response_status\":200,\"outcome\":\"complete\",\"response_time_ms\":40,"
		 "\"ttfb_ms\":45,\"total_ms\":100,\"client_wait_ms\":20}",
		 "none - fine 5 75 20"},
		{"{\"response_status\":200,\"outcome\":\"complete\",\"response_time_ms\":40,"
		 "\"ttfb_ms\":45,\"total_ms\":50,\"client_wait_ms\":20}",
		 "none - fine 5 25 20"},
		{"{\"response_status\":429,\"outcome\":\"complete\",\"total_ms\":7,"
		 "\"ttfb_ms\":7,\"response_time_ms\":7}",
		 "upstream - 0 7 0"},
		{"{\"response_status\":403,\"outcome\":\"http_request_denied\","
		 "\"total_ms\":1}",
		 "client scope_missing 1 0 0"},
		{"{\"response_status\":400,\"outcome\":\"http_request_error\","
		 "\"total_ms\":0}",
		 "client - 0 0 0"},
		{"{\"response_status\":504,\"outcome\":\"http_response_timeout\","
		 "\"total_ms\":330000}",
		 "upstream http_response_timeout 0 330000 0"},
		{"{\"response_status\":499,\"outcome\":\"client_abort\",\"total_ms\":9}",
		 "client - 0 9 0"},
		{"{\"response_status\":503,\"outcome\":\"shutdown\",\"total_ms\":9}",
		 "gateway - 0 9 0"},
		/* of others, and of outcomes that there are not yet */
		{"{\"response_status\":500,\"outcome\":null}", "upstream -"},
		{"{\"response_status\":null}", "none - fine"},
		{"{\"response_status\":200,\"outcome\":\"new_one\",\"total_ms\":1}",
		 "upstream - fine 0 1 0"},
		/* more waiting than there is time */
		{"{\"response_status\":200,\"outcome\":\"complete\",\"response_time_ms\":1,"
		 "\"ttfb_ms\":3,\"total_ms\":4,\"client_wait_ms\":9}",
		 "none - fine 2 0 2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		check(all[i].row, all[i].expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
