/* Unit tests of CORS: preflights, and what answers carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/proxy/cors.h"

#define APP "https://app.example"
#define OPTIONS(fields) "OPTIONS /r HTTP/1.1\r\nHost: h\r\n" fields "\r\n"
#define GET(fields) "GET /r HTTP/1.1\r\nHost: h\r\n" fields "\r\n"
#define ASK "Access-Control-Request-Method: POST\r\n"
#define METHODS (HTTP_METHOD_BIT(HTTP_GET) | HTTP_METHOD_BIT(HTTP_POST))

static char *app_origin[] = {(char[]){APP}, (char[]){"http://localhost:5173"}};
static char *any_origin[] = {(char[]){"*"}};
static char *two_names[] = {(char[]){"X-API-Key"}, (char[]){"Content-Type"}};

static const struct settings_route plain = {.methods = METHODS};
static const struct settings_route app = {
	.methods = METHODS, .cors = {.origins = {app_origin, 2}, .max_age_ms = 600000}};
static const struct settings_route any = {
	.methods = METHODS,
	.cors = {.origins = {any_origin, 1}, .any_origin = true, .max_age_ms = 600000}};
static const struct settings_route full = {.methods =
						   METHODS | HTTP_METHOD_BIT(HTTP_DELETE),
					   .cors = {.origins = {app_origin, 1},
						    .methods = HTTP_METHOD_BIT(HTTP_POST),
						    .headers = {two_names, 2},
						    .expose_headers = {two_names, 2},
						    .max_age_ms = 0,
						    .credentials = true}};

static struct request_head head;

static const struct request_head *parse(const char *text)
{
	static char copy[32768];
	static const struct head_limits limits = {32768, 100};
	struct head_refusal why;

	snprintf(copy, sizeof copy, "%s", text);
	if (!request_head_parse(&head, copy, strlen(copy), &limits, &why))
		fail_msg("%s: %s", why.detail, text);
	return &head;
}

static void test_what_a_preflight_is(void **state)
{
	static const struct {
		const char *text;
		bool preflight;
	} rows[] = {
		{OPTIONS("Origin: " APP "\r\n" ASK), true},
		{OPTIONS("origin: x\r\naccess-control-request-method: get\r\n"), true},
		{OPTIONS("Origin: null\r\n" ASK), true},
		{OPTIONS(""), false},
		{OPTIONS("Origin: " APP "\r\n"), false},
		{OPTIONS(ASK), false},
		{OPTIONS("Origin:\r\n" ASK), false},
		{OPTIONS("Origin: a\r\nOrigin: b\r\n" ASK), false},
		{OPTIONS("Origin: a\r\n" ASK ASK), false},
		{OPTIONS("Origin: a\r\nAccess-Control-Request-Method:\r\n"), false},
		{OPTIONS("Origin: a\r\nAccess-Control-Request-Method: a b\r\n"), false},
		{OPTIONS("Origin: a\r\nAccess-Control-Request-Headers: a\r\n"), false},
		{GET("Origin: " APP "\r\n" ASK), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (cors_is_preflight(parse(rows[i].text)) != rows[i].preflight)
			fail_msg("%s", rows[i].text);
}

static void test_what_is_replaced(void **state)
{
	(void)state;
	assert_true(cors_replaces(STR("Access-Control-Allow-Origin")));
	assert_true(cors_replaces(STR("access-control-expose-headers")));
	assert_true(cors_replaces(STR("ACCESS-CONTROL-MAX-AGE")));
	assert_true(cors_replaces(STR("Access-Control-Allow-Private-Network")));
	assert_false(cors_replaces(STR("Access-Control-")));
	assert_false(cors_replaces(STR("Access-Control")));
	assert_false(cors_replaces(STR("X-Access-Control-Allow-Origin")));
	assert_false(cors_replaces(STR("Vary")));
	assert_false(cors_replaces(STR("")));
}

struct answer_case {
	const struct settings_route *route;
	const char *text, *fields;
};

static void check(const struct answer_case *rows, size_t n,
		  void (*add)(struct sbuf *, const struct settings_route *,
			      const struct request_head *))
{
	for (size_t i = 0; i < n; i++) {
		struct sbuf out;

		sbuf_init(&out, CORS_FIELDS_MAX);
		add(&out, rows[i].route, parse(rows[i].text));
		assert_false(out.overflow);
		sbuf_add(&out, "", 1);
		if (strcmp(out.p, rows[i].fields) != 0)
			fail_msg("%zu: %s\nnot\n%s", i, out.p, rows[i].fields);
		sbuf_fini(&out);
	}
}

static void test_answers(void **state)
{
	static const struct answer_case rows[] = {
		{&plain, GET("Origin: " APP "\r\n"), ""},
		{&any, GET(""), "Access-Control-Allow-Origin: *\r\n"},
		{&any, GET("Origin: null\r\n"), "Access-Control-Allow-Origin: *\r\n"},
		{&app, GET("Origin: " APP "\r\n"),
		 "Vary: Origin\r\nAccess-Control-Allow-Origin: " APP "\r\n"},
		{&app, GET("Origin: http://localhost:5173\r\n"),
		 "Vary: Origin\r\n"
		 "Access-Control-Allow-Origin: http://localhost:5173\r\n"},
		/* A cache must not give one page the answer of another. */
		{&app, GET(""), "Vary: Origin\r\n"},
		{&app, GET("Origin: https://other.example\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: null\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: " APP "\r\nOrigin: " APP "\r\n"), "Vary: Origin\r\n"},
		/* Neither prefix, suffix, case nor port may differ. */
		{&app, GET("Origin: " APP ".evil.example\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: https://app.exampl\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: https://evil-app.example\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: https://APP.example\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: http://app.example\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: " APP ":8443\r\n"), "Vary: Origin\r\n"},
		{&app, GET("Origin: " APP "/\r\n"), "Vary: Origin\r\n"},
		{&full, GET("Origin: " APP "\r\n"),
		 "Vary: Origin\r\nAccess-Control-Allow-Origin: " APP
		 "\r\nAccess-Control-Allow-Credentials: true\r\n"
		 "Access-Control-Expose-Headers: X-API-Key, Content-Type\r\n"},
		{&full, GET("Origin: http://localhost:5173\r\n"), "Vary: Origin\r\n"},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), cors_add_fields);
}

static void test_preflights(void **state)
{
	static const struct answer_case rows[] = {
		{&plain, OPTIONS("Origin: " APP "\r\n" ASK), ""},
		{&app, OPTIONS("Origin: https://other.example\r\n" ASK),
		 "Vary: Origin\r\n"},
		{&app, OPTIONS("Origin: " APP "\r\n" ASK),
		 "Vary: Origin\r\nAccess-Control-Allow-Origin: " APP
		 "\r\nAccess-Control-Allow-Methods: GET, POST\r\n"
		 "Access-Control-Max-Age: 600\r\n"},
		{&any,
		 OPTIONS("Origin: x\r\n" ASK "Access-Control-Request-Headers: "
			 "authorization,content-type\r\n"),
		 "Access-Control-Allow-Origin: *\r\n"
		 "Access-Control-Allow-Methods: GET, POST\r\n"
		 "Access-Control-Allow-Headers: authorization, content-type\r\n"
		 "Access-Control-Max-Age: 600\r\n"},
		/* What is no list of names is not given back. */
		{&any,
		 OPTIONS("Origin: x\r\n" ASK
			 "Access-Control-Request-Headers: a, b c\r\n"),
		 "Access-Control-Allow-Origin: *\r\n"
		 "Access-Control-Allow-Methods: GET, POST\r\n"
		 "Access-Control-Max-Age: 600\r\n"},
		{&any,
		 OPTIONS("Origin: x\r\n" ASK "Access-Control-Request-Headers: ,,\r\n"),
		 "Access-Control-Allow-Origin: *\r\n"
		 "Access-Control-Allow-Methods: GET, POST\r\n"
		 "Access-Control-Max-Age: 600\r\n"},
		{&full,
		 OPTIONS("Origin: " APP "\r\nAccess-Control-Request-Method: DELETE\r\n"
			 "Access-Control-Request-Headers: x-other\r\n"),
		 "Vary: Origin\r\nAccess-Control-Allow-Origin: " APP
		 "\r\nAccess-Control-Allow-Credentials: true\r\n"
		 "Access-Control-Allow-Methods: POST\r\n"
		 "Access-Control-Allow-Headers: X-API-Key, Content-Type\r\n"
		 "Access-Control-Max-Age: 0\r\n"},
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), cors_add_preflight);
}

/* As many names as fit, and one byte more; separators make the answer longer than the
 * question. */
static void test_many_asked_headers(void **state)
{
	for (size_t bytes = SETTINGS_CORS_BYTES; bytes <= SETTINGS_CORS_BYTES + 1;
	     bytes++) {
		char *names = xcalloc(1, bytes + 1), *text;
		struct sbuf out;

		for (size_t i = 0; i < bytes; i++)
			names[i] = i % 2 ? ',' : 'x';
		text = xasprintf(OPTIONS("Origin: x\r\n" ASK
					 "Access-Control-Request-Headers: %s\r\n"),
				 names);
		sbuf_init(&out, CORS_FIELDS_MAX);
		cors_add_preflight(&out, &any, parse(text));
		assert_false(out.overflow);
		sbuf_add(&out, "", 1);
		assert_int_equal(strstr(out.p, "Allow-Headers: x, x, ") != NULL,
				 bytes == SETTINGS_CORS_BYTES);
		sbuf_fini(&out);
		free(text);
		free(names);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_preflight_is),
		cmocka_unit_test(test_what_is_replaced),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_preflights),
		cmocka_unit_test(test_many_asked_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
