/* What would become of a request: the same as becomes of it, told step by step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/explanation.h"
#include "gateway/http/advice.h"
#include "gateway/http/problem.h"
#include "gateway/journal/outcome.h"
#include "gateway/proxy/admit.h"
#include "gateway/token/token_table.h"

#define NOW_US 1700000000000000
#define GOOD "ntk_goodgood"

static struct settings *settings;
static struct token_table *table;
static struct net_cidr ranges[] = {{{4, {10}}, 8}};

static const char config[] =
	"{\"database\": \"postgresql://h/d\", \"trusted_proxies\": [\"127.0.0.1/32\"], "
	"\"routes\": [{\"name\": \"open\", \"path\": \"/open\", \"upstream\": "
	"\"http://127.0.0.1:1\"},{\"name\": \"ai\", \"path\": \"/api/ai\", \"upstream\": "
	"\"https://ai.example/v1\", \"scope\": \"ai\", \"methods\": [\"POST\"], "
	"\"limits\": {\"body_bytes\": 10}, \"remove_headers\": [\"X-Secret\"], "
	"\"set_headers\": {\"Authorization\": \"Bearer upstream-secret\"}},"
	"{\"name\": \"page\", \"path\": \"/page\", \"upstream\": \"http://127.0.0.1:1\", "
	"\"cors\": {\"origins\": [\"https://a\"]}}]}";

static void add_token(struct token_builder *b, const char *key, struct token_view view)
{
	struct key_hasher *hasher = key_hasher_new();
	struct token_row row = {.view = view};

	key_hash(hasher, str_of(key), row.hash);
	token_builder_add(b, &row);
	key_hasher_free(&hasher);
}

static int set_up(void **state)
{
	struct token_builder *b = token_builder_new();
	struct token_view v = {.token_id = 7,
			       .expires_at_us = INT64_MAX,
			       .key_until_us = INT64_MAX,
			       .name = STR("n8n"),
			       .scopes = STR("ai other")};
	struct settings_options o = {0};
	struct sbuf report;

	(void)state;
	add_token(b, GOOD, v);
	v.key_until_us = NOW_US + 3600000000;
	add_token(b, "replaced", v);
	v.key_until_us = NOW_US;
	add_token(b, "replaced and over", v);
	v.key_until_us = INT64_MAX;
	v.scopes = STR("");
	add_token(b, "narrow", v);
	v.flags = TOKEN_TEAM_DISABLED;
	add_token(b, "team disabled", v);
	v.flags = TOKEN_RANGED;
	v.ranges = (struct net_cidrs){ranges, ARRAY_LEN(ranges)};
	add_token(b, "from home", v);
	v.flags = TOKEN_REVOKED | TOKEN_RANGED;
	add_token(b, "revoked", v);
	table = token_builder_finish(&b);
	sbuf_init(&report, 65536);
	settings = settings_load_text("test.json", STR(config), &o, &report);
	sbuf_fini(&report);
	return settings != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	token_table_free(table);
	settings_unref(&settings);
	return 0;
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

struct asked {
	const char *method, *path, *key, *field, *address; /* NULL: none */
	const char *outcome, *code;                        /* NULL: none */
	/* results of the steps, in their order: o(k), f(ails), u(nknown) */
	const char *steps;
};

static cJSON *ask(const struct asked *a)
{
	struct net_ip peer;
	struct explanation_question q = {
		.settings = settings,
		.request = {.method = a->method,
			    .path = a->path,
			    .key = a->key,
			    .fields = &a->field,
			    .n_fields = a->field != NULL},
		.tokens = table,
		.state = TOKENS_FRESH,
		.wall_us = NOW_US,
	};

	if (a->address != NULL) {
		assert_true(net_ip_parse(&peer, str_of(a->address)));
		q.peer = &peer;
	}
	return explanation_of_request(&q);
}

static const struct asked rows[] = {
	{"GET", "/open/x", GOOD, NULL, NULL, "passes", NULL, "oooooooooou"},
	{"POST", "/api/ai/v1?x=1", GOOD, NULL, NULL, "passes", NULL, "oooooooooou"},
	{"POST", "/api/ai", "replaced", NULL, NULL, "passes", NULL, "oooooooooou"},
	{"POST", "/api/ai", NULL, "Authorization: Bearer " GOOD, NULL, "passes", NULL,
	 "oooooooooou"},
	/* all that is wrong is told, the first decides */
	{"GET", "/api/ai", "narrow", NULL, NULL, "refused", "scope_missing",
	 "ooooooffoou"},
	{"GET", "/api/ai", "revoked", NULL, "192.0.2.1", "refused", "revoked_key",
	 "ooffooffoou"},
	{"GET", "/api/ai", NULL, NULL, NULL, "refused", "missing_key", "ofuuooufoou"},
	{"POST", "/api/ai", "nobody", NULL, NULL, "refused", "unknown_key",
	 "ofuuoouooou"},
	{"POST", "/api/ai", "ntk_00000000000000000000000000000000000000", NULL, NULL,
	 "refused", "malformed_key", "ofuuoouooou"},
	{"GET", "/open", "replaced and over", NULL, NULL, "refused", "expired_key",
	 "oofooooooou"},
	{"GET", "/open", "team disabled", NULL, NULL, "refused", "disabled_key",
	 "oofooooooou"},
	{"GET", "/open?k=ntk_0123456789abcdef", GOOD, NULL, NULL, "refused", "key_in_url",
	 "ofuuoooooou"},
	{"POST", "/api/ai", GOOD, "Content-Length: 11", NULL, "refused", "body_too_large",
	 "oooooooofou"},
	{"GET", "/api/opne", GOOD, NULL, NULL, "refused", "no_route", "ooooofuuuou"},
	{"GET", "/open/../x", GOOD, NULL, NULL, "refused", "bad_path", "ooooofuuuou"},
	{"GET", "/open", GOOD, "Via: 1.1 tollgate, 1.1 tollgate", NULL, "refused",
	 "proxy_loop", "ooooooooofu"},
	{"GET", "/open", GOOD, "Host: a b", NULL, "refused", "bad_request",
	 "fuuuuuuuuuu"},
	/* addresses, behind a trusted proxy too */
	{"GET", "/open", "from home", NULL, "10.1.1.1", "passes", NULL, "oooooooooou"},
	{"GET", "/open", "from home", NULL, "192.0.2.1", "refused", "address_forbidden",
	 "ooofoooooou"},
	{"GET", "/open", "from home", NULL, NULL, "passes", NULL, "ooouoooooou"},
	{"GET", "/open", "from home", "X-Forwarded-For: 10.9.9.9", "127.0.0.1", "passes",
	 NULL, "oooooooooou"},
	{"GET", "/open", "from home", "X-Forwarded-For: 10.9.9.9", "192.0.2.1", "refused",
	 "address_forbidden", "ooofoooooou"},
	/* what the gateway answers itself */
	{"GET", "/health", NULL, NULL, NULL, "answered", NULL, "ouuuuuuuuuu"},
	{"OPTIONS", "*", NULL, NULL, NULL, "answered", NULL, "ouuuuuuuuuu"},
	{"OPTIONS", "/open", GOOD, "Max-Forwards: 0", NULL, "answered", NULL,
	 "oooooooooou"},
};

static void check_steps(const struct asked *a, const cJSON *answer)
{
	static const char *const names[] = {"request", "key",   "token",   "address",
					    "url",     "route", "scope",   "method",
					    "body",    "loop",  "upstream"};
	const cJSON *step;
	size_t i = 0;

	cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(answer, "steps"))
	{
		const char *code = text_of(step, "code");

		assert_string_equal(text_of(step, "step"), names[i]);
		if (text_of(step, "result")[0] != a->steps[i])
			fail_msg("%s %s %s: step %s %s: %s", a->method, a->path,
				 a->key != NULL ? a->key : "", names[i],
				 text_of(step, "result"), text_of(step, "text"));
		assert_true((code != NULL) == (a->steps[i] == 'f'));
		assert_true((text_of(step, "advice") != NULL) == (a->steps[i] == 'f'));
		i++;
	}
	assert_int_equal(i, ARRAY_LEN(names));
}

static void every_step_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct asked *a = &rows[i];
		cJSON *answer = ask(a);
		const char *code = text_of(answer, "code");
		char *text = cJSON_Print(answer);

		assert_string_equal(text_of(answer, "outcome"), a->outcome);
		if (a->code == NULL)
			assert_null(code);
		else
			assert_string_equal(code, a->code);
		assert_null(strstr(text, GOOD));
		assert_null(strstr(text, "0123456789abcdef"));
		assert_null(strstr(text, "upstream-secret"));
		check_steps(a, answer);
		cJSON_free(text);
		cJSON_Delete(answer);
	}
}

/* The first step that fails is what `admit` refuses with. */
static void it_is_what_becomes_of_it(void **state)
{
	struct key_hasher *hasher = key_hasher_new();
	struct route_table *routes = route_table_new(settings);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct asked *a = &rows[i];
		struct head_limits limits = {16384, 100};
		struct head_refusal why;
		struct request_head h;
		struct admission admission;
		struct net_ip client = {0};
		char text[1024];
		int n = snprintf(text, sizeof text,
				 "%s %s HTTP/1.1\r\nHost: x\r\n%s%s%s%s%s\r\n", a->method,
				 a->path, a->key ? "X-API-Key: " : "",
				 a->key ? a->key : "", a->key ? "\r\n" : "",
				 a->field ? a->field : "", a->field ? "\r\n" : "");

		if (a->address != NULL || strcmp(a->outcome, "answered") == 0 ||
		    !request_head_parse(&h, text, (size_t)n, &limits, &why) ||
		    (a->code && strcmp(a->code, "proxy_loop") == 0))
			continue;
		admit_route(&admission, &h, routes);
		client.family = 4;
		client.bytes[0] = 10;
		admit(&admission, &h,
		      &(struct admit_context){table, TOKENS_FRESH, hasher, &client,
					      NOW_US});
		assert_int_equal(admission.admitted, a->code == NULL);
		if (!admission.admitted)
			assert_string_equal(problem_code(admission.problem), a->code);
	}
	route_table_free(&routes);
	key_hasher_free(&hasher);
}

static void expect_names(const cJSON *answer, const char *which, const char *expected)
{
	const cJSON *headers = cJSON_GetObjectItemCaseSensitive(answer, "headers"), *name;
	char names[1024] = "";

	cJSON_ArrayForEach(name, cJSON_GetObjectItemCaseSensitive(headers, which))
	{
		strcat(names, name->valuestring);
		strcat(names, " ");
	}
	assert_string_equal(names, expected);
}

static void headers_are_named(void **state)
{
	static const char *const fields[] = {"Content-Type: application/json",
					     "Cookie: a=b",
					     "Connection: X-Hop",
					     "X-Hop: 1",
					     "X-Secret: 2",
					     "Authorization: Bearer other",
					     "X-Request-Id: mine",
					     "X-Has: " GOOD,
					     "Content-Length: 3"};
	struct explanation_question q = {.settings = settings,
					 .request = {.method = "POST",
						     .path = "/api/ai",
						     .key = GOOD,
						     .fields = fields,
						     .n_fields = ARRAY_LEN(fields)},
					 .tokens = table,
					 .wall_us = NOW_US};
	cJSON *answer = explanation_of_request(&q);

	(void)state;
	expect_names(answer, "added", "traceparent ");
	expect_names(answer, "changed", "Host Authorization ");
	expect_names(answer, "removed",
		     "Cookie Connection X-Hop X-Secret X-Has X-API-Key ");
	cJSON_Delete(answer);
}

static void a_route_that_is_meant(void **state)
{
	static const struct {
		const char *path, *nearest;
	} all[] = {{"/api/aii/x", "/api/ai"},
		   {"/opne/x", "/open"},
		   {"/nothing", NULL},
		   {"/", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		cJSON *answer = ask(&(struct asked){
			.method = "GET", .path = all[i].path, .key = GOOD});
		const char *nearest = text_of(answer, "nearest_route");

		if (all[i].nearest == NULL)
			assert_null(nearest);
		else
			assert_string_equal(nearest, all[i].nearest);
		cJSON_Delete(answer);
	}
}

static void what_may_be_keys_is_hashed(void **state)
{
	static const char *const fields[] = {"api-key: b", "Authorization: Bearer c"};
	char hashes[EXPLAINED_HASHES_MAX][KEY_HASH_HEX + 1];
	struct explained_request q = {.method = "GET",
				      .path = "/",
				      .key = "a",
				      .fields = fields,
				      .n_fields = ARRAY_LEN(fields)};

	(void)state;
	assert_int_equal(explained_hashes(&q, hashes), 3);
	/* of "a" */
	assert_string_equal(
		hashes[0],
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
}

/* --- advice --- */

static void all_have_advice(void **state)
{
	static const char *const outcomes[] = {
#define OUTCOME(word, fault) word,
#include "gateway/journal/outcomes.def"
#undef OUTCOME
	};

	(void)state;
	for (unsigned i = 0; i < PROBLEM_COUNT; i++)
		if (advice_of(problem_code((enum problem_id)i)) == NULL)
			fail_msg("%s", problem_code((enum problem_id)i));
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		if (advice_of(outcomes[i]) == NULL)
			fail_msg("%s", outcomes[i]);
	for (int status = 400; status < 600; status++)
		assert_true(advice_of_status(status)->todo[0] != '\0');
	assert_string_equal(advice_of_status(418)->name, "4xx");
	assert_string_equal(advice_of_status(429)->name, "429");
	assert_string_equal(advice_of_status(599)->name, "5xx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_is_told),
		cmocka_unit_test(it_is_what_becomes_of_it),
		cmocka_unit_test(headers_are_named),
		cmocka_unit_test(a_route_that_is_meant),
		cmocka_unit_test(what_may_be_keys_is_hashed),
		cmocka_unit_test(all_have_advice),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
