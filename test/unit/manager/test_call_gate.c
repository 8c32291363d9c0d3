/* What is decided on a request's head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/manager/call_gate.h"

static const struct operation list = {"list",   HTTP_GET,  "/api/tokens",
				      MAY_VIEW, BODY_NONE, NULL};
static const struct operation create = {"create",   HTTP_POST, "/api/tokens",
					MAY_MANAGE, BODY_JSON, NULL};
static const struct operation revoke = {"revoke",   HTTP_POST, "/api/tokens/{id}/revoke",
					MAY_MANAGE, BODY_NONE, NULL};
static const struct operation admin = {"audit",   HTTP_GET,  "/api/audit",
				       MAY_ADMIN, BODY_NONE, NULL};
static const struct operation me = {"me",      HTTP_GET,  "/api/me",
				    MAY_KNOWN, BODY_NONE, NULL};
static const struct operation health = {"health",   HTTP_GET,  "/health",
					MAY_ANYONE, BODY_NONE, NULL};
static const struct operation ingest = {"log",      HTTP_POST, "/api/usage-log",
					MAY_INGEST, BODY_OWN,  NULL};

static char *hosts[] = {"tollgate.internal"}, *pages[] = {"https://old.example"};
static const struct settings settings = {
	.public_url = "https://t.example",
	.manager_hosts = {hosts, 1},
	.manager_cors = {pages, 1},
};

/* 0: it may go on. */
static int judge(const struct operation *o, const char *method, const char *fields,
		 bool by_cookie)
{
	const struct head_limits limits = {65536, 100};
	struct request_head h;
	struct head_refusal refusal;
	struct gate_refusal why;
	char text[1024];
	int n = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\n%s\r\n", method, o->path,
			 fields);

	assert_true(request_head_parse(&h, text, (size_t)n, &limits, &refusal));
	return gate_head(&h, o, &settings, by_cookie, &why) ? 0 : problem_status(why.id);
}

#define OWN "Host: t.example\r\n"
#define JSON "Content-Type: application/json\r\nContent-Length: 2\r\n"

static void test_heads(void **state)
{
	static const struct {
		const struct operation *o;
		const char *method, *fields;
		bool by_cookie;
		int status;
	} rows[] = {
		{&list, "GET", OWN, false, 0},
		{&list, "GET", "Host: localhost:8000\r\n", false, 0},
		{&list, "GET", "Host: evil.example\r\n", false, 403},
		{&list, "GET", "Host: evil.example\r\n", true, 403},
		{&health, "GET", "Host: 10.0.0.9\r\n", false, 0},
		{&ingest, "POST", "Host: backend\r\n" JSON, false, 0},
		{&ingest, "POST", "Host: backend\r\nContent-Length: 2\r\n", false, 415},
		{&ingest, "POST",
		 "Host: backend\r\nOrigin: https://evil.example\r\n" JSON, false, 403},
		/* Reading by cookie is the browser's to keep from others. */
		{&list, "GET", OWN "Origin: https://evil.example\r\n", true, 0},
		{&create, "POST", OWN JSON, false, 0},
		{&create, "POST", OWN JSON, true, 403},
		{&create, "POST", OWN JSON "Origin: https://t.example\r\n", true, 0},
		{&create, "POST", OWN JSON "Sec-Fetch-Site: same-origin\r\n", true, 0},
		{&create, "POST", OWN JSON "Sec-Fetch-Site: same-site\r\n", true, 403},
		{&create, "POST", OWN JSON "Origin: null\r\n", true, 403},
		{&create, "POST", OWN JSON "Origin: null\r\n", false, 403},
		{&create, "POST", OWN JSON "Origin: https://evil.example\r\n", false,
		 403},
		{&create, "POST", OWN JSON "Origin: https://old.example\r\n", false, 0},
		{&create, "POST", OWN JSON "Origin: https://old.example\r\n", true, 403},
		{&create, "POST",
		 OWN JSON "Origin: https://t.example\r\nOrigin: https://t.example\r\n",
		 true, 403},
		{&create, "POST", OWN "Content-Length: 2\r\n", false, 415},
		{&create, "POST", OWN "Content-Length: 2\r\nContent-Type: text/plain\r\n",
		 false, 415},
		{&create, "POST",
		 OWN "Content-Length: 2\r\n"
		     "Content-Type: application/x-www-form-urlencoded\r\n",
		 false, 415},
		{&create, "POST",
		 OWN "Content-Length: 2\r\n"
		     "Content-Type: Application/JSON; charset=utf-8\r\n",
		 false, 0},
		{&create, "POST", OWN, false, 0},
		{&revoke, "POST", OWN, false, 0},
		{&revoke, "POST", OWN, true, 403},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = judge(rows[i].o, rows[i].method, rows[i].fields,
				   rows[i].by_cookie);

		if (status != rows[i].status)
			fail_msg("%zu %s: %d", i, rows[i].fields, status);
	}
}

static struct identity_team viewer[] = {{.id = 1, .name = "a"}};
static struct identity_team manager[] = {{.id = 1, .name = "a"},
					 {.id = 2, .name = "b", .is_manager = true}};
static const struct identity people[] = {
	{.user_id = 0},
	{.user_id = 0, .is_admin = true, .sees_all = true},
	{.user_id = 1},
	{.user_id = 1, .sees_all = true},
	{.user_id = 1, .teams = viewer, .n_teams = 1},
	{.user_id = 1, .teams = manager, .n_teams = 2},
	{.user_id = 1, .is_admin = true},
	{.user_id = 1, .is_admin = true, .is_stale = true},
};

static void test_identities(void **state)
{
	static const struct {
		const struct operation *o;
		int statuses[ARRAY_LEN(people)];
	} rows[] = {
		{&me, {0, 0, 0, 0, 0, 0, 0, 0}},
		{&list, {403, 403, 403, 0, 0, 0, 0, 0}},
		{&create, {403, 403, 403, 403, 403, 0, 0, 503}},
		{&admin, {403, 403, 403, 403, 403, 403, 0, 0}},
	};
	struct gate_refusal why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t p = 0; p < ARRAY_LEN(people); p++) {
			bool may = gate_identity(&people[p], rows[i].o, &why);

			if ((may ? 0 : problem_status(why.id)) != rows[i].statuses[p])
				fail_msg("%s, person %zu", rows[i].o->id, p);
		}
	assert_false(gate_identity(&people[2], &list, &why));
	assert_int_equal(why.id, PROBLEM_NO_ROLE);
	assert_false(gate_identity(&people[5], &admin, &why));
	assert_int_equal(why.id, PROBLEM_ROLE_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
