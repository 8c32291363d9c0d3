/* Unit tests of gateway/proxy/admit.c: every verdict, against a real route and token
 * table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "common/check.h"
#include "gateway/proxy/admit.h"

#define NOW_US 1700000000000000
#define GOOD_KEY "ntk_good"

struct fixture {
	struct settings *settings;
	struct route_table *routes;
	struct key_hasher *hasher;
	struct token_table *table;
	enum token_state state;
	struct net_ip client;
};

static const char config[] =
	"{\"database\": \"postgresql://h/d\", \"routes\": [{\"name\": \"open\", "
	"\"path\": \"/open\", \"upstream\": \"http://127.0.0.1:1\"},{\"name\": \"ai\", "
	"\"path\": \"/api/ai\", \"upstream\": \"http://127.0.0.1:1\", \"scope\": \"ai\", "
	"\"methods\": [\"POST\"], \"limits\": {\"body_bytes\": 10}}]}";

static void add_token(struct fixture *f, struct token_builder *b, const char *key,
		      struct token_view view)
{
	struct token_row row = {.view = view};

	key_hash(f->hasher, str_of(key), row.hash);
	token_builder_add(b, &row);
}

static void fill_tokens(struct fixture *f)
{
	static struct net_cidr ranges[] = {{{4, {10}}, 8},
					   {{6, {0x20, 1, 0x0d, 0xb8}}, 32}};
	struct token_builder *b = token_builder_new();
	struct token_view v = {.token_id = 7,
			       .expires_at_us = INT64_MAX,
			       .key_until_us = INT64_MAX,
			       .scopes = STR("ai other")};

	add_token(f, b, GOOD_KEY, v);
	v.scopes = STR("aix");
	add_token(f, b, "narrow", v);
	v.scopes = STR("*");
	add_token(f, b, "old-shape key", v);
	v.flags = TOKEN_REVOKED;
	add_token(f, b, "revoked", v);
	v.flags = 0;
	v.expires_at_us = NOW_US;
	add_token(f, b, "expired", v);
	v.expires_at_us = NOW_US + 1;
	add_token(f, b, "not yet expired", v);
	v.expires_at_us = INT64_MAX;
	v.key_until_us = NOW_US;
	add_token(f, b, "rotated", v);
	v.key_until_us = INT64_MAX;
	v.flags = TOKEN_DISABLED;
	add_token(f, b, "disabled", v);
	v.flags = TOKEN_TEAM_DISABLED;
	add_token(f, b, "team disabled", v);
	v.flags = TOKEN_RANGED;
	add_token(f, b, "from nowhere", v);
	v.ranges = (struct net_cidrs){ranges, ARRAY_LEN(ranges)};
	add_token(f, b, "from home", v);
	f->table = token_builder_finish(&b);
}

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct settings_options o = {0};
	struct sbuf report;

	sbuf_init(&report, 65536);
	f->settings = settings_load_text("test.json", STR(config), &o, &report);
	if (f->settings == NULL)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	assert_non_null(f->settings);
	sbuf_fini(&report);
	f->routes = route_table_new(f->settings);
	f->hasher = key_hasher_new();
	fill_tokens(f);
	f->state = TOKENS_FRESH;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	token_table_free(f->table);
	key_hasher_free(&f->hasher);
	route_table_free(&f->routes);
	settings_unref(&f->settings);
	free(f);
	return 0;
}

static void ask(struct fixture *f, const char *line, const char *fields,
		struct admission *a)
{
	static struct request_head h;
	static char text[2048];
	struct head_limits limits = {16384, 100};
	struct head_refusal why;
	struct admit_context ctx = {f->table, f->state, f->hasher, &f->client, NOW_US};
	int n = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", line,
			 fields);

	assert_true(request_head_parse(&h, text, (size_t)n, &limits, &why));
	admit_route(a, &h, f->routes);
	admit(a, &h, &ctx);
}

#define KEY "X-API-Key: " GOOD_KEY "\r\n"
#define ADMITTED PROBLEM_COUNT
#define REALTIME "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key."

struct ask_case {
	const char *line, *fields;
	enum token_state state;
	enum problem_id expected;
	bool known;
};

static const struct ask_case cases[] = {
	{"GET /open/x", KEY, TOKENS_FRESH, ADMITTED, true},
	{"POST /api/ai/v1", KEY, TOKENS_FRESH, ADMITTED, true},
	{"GET /open", "Authorization: Bearer " GOOD_KEY "\r\n", TOKENS_FRESH, ADMITTED,
	 true},
	{"GET /open", "X-API-Key: old-shape key\r\n", TOKENS_FRESH, ADMITTED, true},
	{"GET /open", "X-API-Key: not yet expired\r\n", TOKENS_FRESH, ADMITTED, true},
	{"POST /api/ai", "X-API-Key: old-shape key\r\n", TOKENS_FRESH, ADMITTED, true},
	{"GET /open", KEY "Authorization: Bearer dummy\r\n", TOKENS_FRESH, ADMITTED,
	 true},
	/* known keys are served while stale, and only then */
	{"GET /open", KEY, TOKENS_STALE, ADMITTED, true},
	{"GET /open", KEY, TOKENS_TOO_STALE, PROBLEM_KEYS_UNAVAILABLE, false},
	{"GET /open", KEY, TOKENS_NONE, PROBLEM_KEYS_UNAVAILABLE, false},
	/* a miss */
	{"GET /open", "", TOKENS_FRESH, PROBLEM_MISSING_KEY, false},
	{"GET /open", "", TOKENS_NONE, PROBLEM_MISSING_KEY, false},
	{"GET /open", "X-API-Key: nobody\r\n", TOKENS_FRESH, PROBLEM_UNKNOWN_KEY, false},
	{"GET /open", "X-API-Key: nobody\r\n", TOKENS_STALE, PROBLEM_KEYS_UNAVAILABLE,
	 false},
	{"GET /open", "X-API-Key: k\xc3\xa4se\r\n", TOKENS_STALE, PROBLEM_UNKNOWN_KEY,
	 false},
	{"GET /open", "X-API-Key: ntk_00000000000000000000000000000000000000\r\n",
	 TOKENS_FRESH, PROBLEM_MALFORMED_KEY, false},
	{"GET /open", "X-API-Key: ntk_00000000000000000000000000000000000000\r\n",
	 TOKENS_STALE, PROBLEM_KEYS_UNAVAILABLE, false},
	{"GET /open", "Authorization: Bearer sk-other\r\n", TOKENS_FRESH,
	 PROBLEM_MISSING_KEY, false},
	{"GET /open", "Authorization: Bearer ntk_wrong\r\n", TOKENS_FRESH,
	 PROBLEM_UNKNOWN_KEY, false},
	{"GET /open", KEY KEY, TOKENS_FRESH, PROBLEM_AMBIGUOUS_KEY, false},
	{"GET /open", KEY "Authorization: Bearer ntk_different\r\n", TOKENS_FRESH,
	 PROBLEM_AMBIGUOUS_KEY, false},
	{"GET /open?key=ntk_0123456789abcdef", KEY, TOKENS_FRESH, PROBLEM_KEY_IN_URL,
	 false},
	/* the other places, in their order, each with a key that is known */
	{"GET /open", "api-key: " GOOD_KEY "\r\n", TOKENS_FRESH, ADMITTED, true},
	{"GET /open", "x-goog-api-key: " GOOD_KEY "\r\n", TOKENS_FRESH, ADMITTED, true},
	{"GET /open", "api-key: old-shape key\r\n", TOKENS_FRESH, ADMITTED, true},
	{"GET /open", REALTIME GOOD_KEY ", openai-beta.realtime-v1\r\n", TOKENS_FRESH,
	 ADMITTED, true},
	{"GET /open",
	 "Authorization: Bearer sk\r\napi-key: az\r\n" REALTIME GOOD_KEY "\r\n",
	 TOKENS_FRESH, ADMITTED, true},
	{"GET /open", "Authorization: Bearer sk\r\napi-key: " GOOD_KEY "\r\n",
	 TOKENS_STALE, ADMITTED, true},
	{"GET /open", "X-API-Key:\r\nAuthorization: Bearer " GOOD_KEY "\r\n",
	 TOKENS_FRESH, ADMITTED, true},
	{"GET /open", KEY "api-key: " GOOD_KEY "\r\n" REALTIME GOOD_KEY "\r\n",
	 TOKENS_FRESH, ADMITTED, true},
	{"GET /open", KEY "api-key: azure\r\n" REALTIME "sk-1\r\n", TOKENS_FRESH,
	 ADMITTED, true},
	{"GET /open", "api-key: azure\r\n", TOKENS_FRESH, PROBLEM_MISSING_KEY, false},
	{"GET /open", "api-key: azure\r\n", TOKENS_STALE, PROBLEM_KEYS_UNAVAILABLE,
	 false},
	{"GET /open", "api-key: ntk_wrong\r\n", TOKENS_FRESH, PROBLEM_UNKNOWN_KEY, false},
	{"GET /open", "api-key: azure\r\nx-goog-api-key: ntk_wrong\r\n", TOKENS_FRESH,
	 PROBLEM_UNKNOWN_KEY, false},
	{"GET /open", "api-key: revoked\r\n", TOKENS_FRESH, PROBLEM_REVOKED_KEY, true},
	/* two different keys of ours, of whatever shape */
	{"GET /open", KEY "api-key: narrow\r\n", TOKENS_FRESH, PROBLEM_AMBIGUOUS_KEY,
	 false},
	{"GET /open", KEY "Authorization: Bearer narrow\r\n", TOKENS_FRESH,
	 PROBLEM_AMBIGUOUS_KEY, false},
	{"GET /open", KEY "Authorization: Token narrow\r\n", TOKENS_FRESH,
	 PROBLEM_AMBIGUOUS_KEY, false},
	{"GET /open", KEY REALTIME "revoked\r\n", TOKENS_FRESH, PROBLEM_AMBIGUOUS_KEY,
	 false},
	{"GET /open", "api-key: narrow\r\nx-goog-api-key: " GOOD_KEY "\r\n", TOKENS_FRESH,
	 PROBLEM_AMBIGUOUS_KEY, false},
	{"GET /open", "api-key: narrow\r\napi-key: expired\r\n", TOKENS_FRESH,
	 PROBLEM_AMBIGUOUS_KEY, false},
	{"GET /open", "X-API-Key: nobody\r\napi-key: narrow\r\n", TOKENS_FRESH,
	 PROBLEM_UNKNOWN_KEY, false},
	{"GET /open", KEY "api-key: ntk_other\r\n", TOKENS_NONE, PROBLEM_AMBIGUOUS_KEY,
	 false},
	/* the presented key in the URL, of another shape */
	{"GET /open?k=old-shape%20key", "X-API-Key: old-shape key\r\n", TOKENS_FRESH,
	 PROBLEM_KEY_IN_URL, true},
	{"GET /open/old-shape+key", "api-key: old-shape key\r\n", TOKENS_FRESH,
	 PROBLEM_KEY_IN_URL, true},
	{"GET /open/narrow?narrow", "X-API-Key: narrow\r\n", TOKENS_FRESH, ADMITTED,
	 true},
	/* a known token, refused: recorded all the same */
	{"GET /open", "X-API-Key: revoked\r\n", TOKENS_FRESH, PROBLEM_REVOKED_KEY, true},
	{"GET /open", "X-API-Key: expired\r\n", TOKENS_FRESH, PROBLEM_EXPIRED_KEY, true},
	{"GET /open", "X-API-Key: rotated\r\n", TOKENS_FRESH, PROBLEM_EXPIRED_KEY, true},
	{"GET /open", "X-API-Key: disabled\r\n", TOKENS_FRESH, PROBLEM_DISABLED_KEY,
	 true},
	{"GET /open", "X-API-Key: team disabled\r\n", TOKENS_STALE, PROBLEM_DISABLED_KEY,
	 true},
	{"GET /nowhere", "X-API-Key: from home\r\n", TOKENS_FRESH,
	 PROBLEM_ADDRESS_FORBIDDEN, true},
	{"GET /nowhere", KEY, TOKENS_FRESH, PROBLEM_NO_ROUTE, true},
	{"GET /openx", KEY, TOKENS_FRESH, PROBLEM_NO_ROUTE, true},
	{"GET /open/../api/ai", KEY, TOKENS_FRESH, PROBLEM_BAD_PATH, true},
	{"POST /api/ai", "X-API-Key: narrow\r\n", TOKENS_FRESH, PROBLEM_SCOPE_MISSING,
	 true},
	{"GET /api/ai", KEY, TOKENS_FRESH, PROBLEM_METHOD_NOT_ALLOWED, true},
	{"POST /api/ai", KEY "Content-Length: 10\r\n", TOKENS_FRESH, ADMITTED, true},
	{"POST /api/ai", KEY "Content-Length: 11\r\n", TOKENS_FRESH,
	 PROBLEM_BODY_TOO_LARGE, true},
	{"BREW /open", KEY, TOKENS_FRESH, PROBLEM_NOT_IMPLEMENTED, false},
};

static void test_addresses(void **state)
{
	static const struct {
		const char *key, *client; /* NULL: a Unix socket's */
		bool ok;
		const char *detail;
	} rows[] = {
		{"from home", "10.255.0.1", true, ""},
		{"from home", "::ffff:10.1.2.3", true, ""},
		{"from home", "2001:db8:ffff::1", true, ""},
		{"from home", "11.0.0.1", false, "the key may not be used from 11.0.0.1"},
		{"from home", "2001:db9::1", false,
		 "the key may not be used from 2001:db9::1"},
		{"from home", NULL, false,
		 "the key may not be used from a Unix socket without the client's "
		 "address"},
		{"from nowhere", "10.0.0.1", false,
		 "the key may not be used from 10.0.0.1"},
		{"not yet expired", NULL, true, ""},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct admission a;
		char field[64];

		f->client = (struct net_ip){0};
		if (rows[i].client)
			assert_true(net_ip_parse(&f->client, str_of(rows[i].client)));
		snprintf(field, sizeof field, "X-API-Key: %s\r\n", rows[i].key);
		ask(f, "GET /open", field, &a);
		assert_int_equal(a.admitted, rows[i].ok);
		assert_string_equal(a.detail, rows[i].detail);
		if (!a.admitted)
			assert_int_equal(a.problem, PROBLEM_ADDRESS_FORBIDDEN);
	}
}

static void test_a_disabled_team_is_told_apart(void **state)
{
	struct admission a;

	ask(*state, "GET /open", "X-API-Key: team disabled\r\n", &a);
	assert_non_null(strstr(a.detail, "team is disabled"));
	ask(*state, "GET /open", "X-API-Key: disabled\r\n", &a);
	assert_non_null(strstr(a.detail, "key is disabled"));
}

static void test_verdicts(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct ask_case *t = &cases[i];
		struct admission a;
		enum problem_id got;

		f->state = t->state;
		ask(f, t->line, t->fields, &a);
		got = a.admitted ? ADMITTED : a.problem;
		if (got != t->expected || a.token_known != t->known)
			fail_msg("case %zu (%s): got %s, known %d", i, t->line,
				 a.admitted ? "admitted" : problem_code(a.problem),
				 a.token_known);
		if (t->known)
			assert_int_equal(a.token_id, 7);
	}
}

static void test_no_table(void **state)
{
	struct fixture *f = *state;
	struct token_table *table = f->table;
	struct admission a;

	f->table = NULL;
	f->state = TOKENS_NONE;
	ask(f, "GET /open", KEY, &a);
	f->table = table;
	assert_int_equal(a.problem, PROBLEM_KEYS_UNAVAILABLE);
}

/* n8n's, browsers' and people's. */
static void test_mistakes_are_named(void **state)
{
	static const struct {
		const char *fields, *word;
		enum problem_id id;
	} rows[] = {
		{"Authorization: Bearer ={{ $json.key }}\r\n", "expression",
		 PROBLEM_MISSING_KEY},
		{"Authorization: Bearer {{$env.KEY}}\r\n", "expression",
		 PROBLEM_MISSING_KEY},
		{"Authorization: ={{$json.key}}\r\n", "expression", PROBLEM_MISSING_KEY},
		{"X-API-Key: ={{ $credentials.key }}\r\n", "expression",
		 PROBLEM_UNKNOWN_KEY},
		{"X-API-Key: =" GOOD_KEY "\r\n", "expression", PROBLEM_UNKNOWN_KEY},
		{"api-key: ${KEY}\r\n", "expression", PROBLEM_MISSING_KEY},
		{"Authorization: Bearer Bearer " GOOD_KEY "\r\n", "twice",
		 PROBLEM_MISSING_KEY},
		{"Authorization: Bearer bearer\r\n", "twice", PROBLEM_MISSING_KEY},
		{"X-API-Key: Bearer " GOOD_KEY "\r\n", "alone", PROBLEM_UNKNOWN_KEY},
		{"Authorization: Bearer\r\n", "without a key", PROBLEM_MISSING_KEY},
		{"Authorization: Bearer \"" GOOD_KEY "\"\r\n", "quotes",
		 PROBLEM_MISSING_KEY},
		{"Authorization: Bearer '" GOOD_KEY "'\r\n", "quotes",
		 PROBLEM_MISSING_KEY},
		{"X-API-Key: \xe2\x80\x9c" GOOD_KEY "\xe2\x80\x9d\r\n", "quotes",
		 PROBLEM_UNKNOWN_KEY},
		{"X-API-Key: " GOOD_KEY "\"\r\n", "quotes", PROBLEM_UNKNOWN_KEY},
		{"X-API-Key: \xe2\x80\x8b" GOOD_KEY "\r\n", "invisible",
		 PROBLEM_UNKNOWN_KEY},
		{"Authorization: Bearer " GOOD_KEY "\xef\xbb\xbf\r\n", "invisible",
		 PROBLEM_UNKNOWN_KEY},
		{"Authorization: Bearer\xc2\xa0" GOOD_KEY "\r\n", "invisible",
		 PROBLEM_MISSING_KEY},
		{"X-API-Key: " GOOD_KEY "\xc3\xa4\r\n", "no key has",
		 PROBLEM_UNKNOWN_KEY},
		{"Authorization: " GOOD_KEY "\r\n", "no scheme", PROBLEM_MISSING_KEY},
		{"Authorization: narrow\r\n", "no scheme", PROBLEM_MISSING_KEY},
		{"Authorization: Token " GOOD_KEY "\r\n", "another scheme",
		 PROBLEM_MISSING_KEY},
		{"X-API-Key: ntk_go od\r\n", "blank", PROBLEM_UNKNOWN_KEY},
		{"X-API-Key:\r\n", "is empty", PROBLEM_MISSING_KEY},
		{"Authorization: \r\n", "is empty", PROBLEM_MISSING_KEY},
		{"Authorization: Basic dTpw\r\n", "send the key", PROBLEM_MISSING_KEY},
		{"Authorization: Bearer sk-other\r\n", "send the key",
		 PROBLEM_MISSING_KEY},
		{"", "send the key", PROBLEM_MISSING_KEY},
	};
	struct fixture *f = *state;
	struct admission a;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask(f, "GET /open", rows[i].fields, &a);
		if (a.admitted || a.problem != rows[i].id ||
		    strstr(a.detail, rows[i].word) == NULL ||
		    strstr(a.detail, GOOD_KEY) != NULL)
			fail_msg("%s: %s %s", rows[i].fields, problem_code(a.problem),
				 a.detail);
	}
	ask(f, "OPTIONS /open",
	    "Origin: https://a\r\nAccess-Control-Request-Method: GET\r\n", &a);
	assert_int_equal(a.problem, PROBLEM_MISSING_KEY);
	assert_non_null(strstr(a.detail, "CORS"));
	ask(f, "OPTIONS /open", "Origin: https://a\r\n", &a);
	assert_null(strstr(a.detail, "CORS"));
}

static void test_details_name_the_way_out(void **state)
{
	struct fixture *f = *state;
	struct admission a;

	ask(f, "POST /api/ai", "X-API-Key: narrow\r\n", &a);
	assert_string_equal(a.detail, "the key lacks the scope 'ai' of route 'ai'");
	assert_string_equal(a.route->name, "ai");
	ask(f, "GET /api/ai", KEY, &a);
	assert_string_equal(a.detail, "route 'ai' does not take GET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verdicts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_disabled_team_is_told_apart,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mistakes_are_named, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_details_name_the_way_out, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
