/* Unit tests of the gateway's own answers; bodies are read back with cJSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/http/problem.h"
#include "gateway/http/request_head.h"
#include "gateway/http/response_head.h"

#define UUID "01234567-89ab-7def-8123-456789abcdef"

struct answer {
	struct sbuf bytes;
	struct response_head head;
	struct str body;
	cJSON *json;
};

/* Writes, and parses what came out as a client would. */
static void write_answer(struct answer *w, const struct problem_answer *a)
{
	const char *why = NULL;
	size_t scan = 0, end;

	sbuf_init(&w->bytes, 1 << 20);
	problem_write(&w->bytes, a);
	assert_false(w->bytes.overflow);
	end = response_head_end(w->bytes.p, w->bytes.n, &scan);
	assert_int_not_equal(end, 0);
	if (!response_head_parse(&w->head, w->bytes.p, end,
				 a->head ? HTTP_HEAD : HTTP_GET, &why))
		fail_msg("%s", why);
	w->body = (struct str){w->bytes.p + end, w->bytes.n - end};
	w->json = NULL;
	if (a->head)
		return;
	assert_int_equal(w->head.content_length, w->body.n);
	w->json = cJSON_ParseWithLength(w->body.p, w->body.n);
	assert_non_null(w->json);
}

static void free_answer(struct answer *w)
{
	cJSON_Delete(w->json);
	sbuf_fini(&w->bytes);
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *s =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return s ? s : "(none)";
}

/* All values of a field, joined by "|"; "" without one. */
static void field_of(const struct answer *w, const char *name, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < w->head.n_fields; i++)
		if (str_ieq(w->head.fields[i].name, str_of(name)))
			n += (size_t)snprintf(out + n, size - n, "%s" STR_FMT,
					      n ? "|" : "",
					      STR_ARG(w->head.fields[i].value));
}

static void assert_field(const struct answer *w, const char *name, const char *value)
{
	char got[512];

	field_of(w, name, got, sizeof got);
	assert_string_equal(got, value);
}

static void each_problem_is_whole(void **state)
{
	static const struct {
		int status;
		const char *type;
	} types[] = {
		{401, "authentication_error"},
		{403, "permission_error"},
	};

	(void)state;
	for (int id = 0; id < PROBLEM_COUNT; id++) {
		enum problem_id p = (enum problem_id)id;
		struct problem_answer a = {.id = p,
					   .detail = "Do this.",
					   .request_id = STR(UUID),
					   .http_minor = 1};
		const char *type =
			problem_status(p) >= 500 ? "api_error" : "invalid_request_error";
		char text[256];
		struct answer w;
		cJSON *error;

		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			if (types[i].status == problem_status(p))
				type = types[i].type;
		write_answer(&w, &a);
		assert_int_equal(w.head.status, problem_status(p));
		assert_true(
			str_eq(w.head.reason, str_of(http_reason(problem_status(p)))));
		assert_field(&w, "Content-Type", "application/json");
		assert_field(&w, "Cache-Control", "no-store");
		assert_field(&w, "Tollgate-Request-Id", UUID);
		assert_field(&w, "X-Request-Id", UUID);
		snprintf(text, sizeof text, "tollgate; error=%s; details=\"%s\"",
			 problem_proxy_error(p), problem_code(p));
		assert_field(&w, "Proxy-Status", text);
		assert_string_equal(text_of(w.json, "title"), problem_title(p));
		assert_string_equal(text_of(w.json, "detail"), "Do this.");
		assert_string_equal(text_of(w.json, "code"), problem_code(p));
		assert_string_equal(text_of(w.json, "instance"), "urn:uuid:" UUID);
		snprintf(text, sizeof text, "urn:tollgate:problem:%s", problem_code(p));
		assert_string_equal(text_of(w.json, "type"), text);
		assert_int_equal(
			cJSON_GetObjectItemCaseSensitive(w.json, "status")->valueint,
			problem_status(p));
		error = cJSON_GetObjectItemCaseSensitive(w.json, "error");
		snprintf(text, sizeof text, "%s: Do this.", problem_title(p));
		assert_string_equal(text_of(error, "message"), text);
		assert_string_equal(text_of(error, "type"), type);
		assert_string_equal(text_of(error, "code"), problem_code(p));
		free_answer(&w);
	}
}

static void codes_are_unique(void **state)
{
	(void)state;
	for (int a = 0; a < PROBLEM_COUNT; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(problem_code((enum problem_id)a),
						problem_code((enum problem_id)b));
}

static void adds_what_a_status_asks_for(void **state)
{
	static const struct {
		struct problem_answer a;
		const char *field, *value;
	} rows[] = {
		{{.id = PROBLEM_MISSING_KEY},
		 "WWW-Authenticate",
		 "ApiKey realm=\"tollgate\"|Bearer realm=\"tollgate\""},
		{{.id = PROBLEM_EXPIRED_KEY},
		 "WWW-Authenticate",
		 "ApiKey realm=\"tollgate\"|Bearer realm=\"tollgate\", error=\"invalid_token\""},
		{{.id = PROBLEM_SCOPE_MISSING}, "WWW-Authenticate", ""},
		{{.id = PROBLEM_METHOD_NOT_ALLOWED},
		 "Allow",
		 "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{{.id = PROBLEM_METHOD_NOT_ALLOWED,
		  .allow_methods =
			  HTTP_METHOD_BIT(HTTP_POST) | HTTP_METHOD_BIT(HTTP_GET)},
		 "Allow",
		 "GET, POST"},
		{{.id = PROBLEM_NO_ROUTE}, "Allow", ""},
		{{.id = PROBLEM_KEYS_UNAVAILABLE}, "Retry-After", "5"},
		{{.id = PROBLEM_KEYS_UNAVAILABLE, .retry_after_s = 30},
		 "Retry-After",
		 "30"},
		{{.id = PROBLEM_DNS_ERROR}, "Retry-After", ""},
		{{.id = PROBLEM_DNS_ERROR, .retry_after_s = 1}, "Retry-After", "1"},
		{{.id = PROBLEM_NO_ROUTE, .http_minor = 1}, "Connection", ""},
		{{.id = PROBLEM_NO_ROUTE, .http_minor = 1, .close = true},
		 "Connection",
		 "close"},
		{{.id = PROBLEM_NO_ROUTE, .http_minor = 0}, "Connection", "close"},
		{{.id = PROBLEM_NO_ROUTE, .problem_json = true},
		 "Content-Type",
		 "application/problem+json"},
		{{.id = PROBLEM_NO_ROUTE, .wall_us = 784111777123456},
		 "Date",
		 "Sun, 06 Nov 1994 08:49:37 GMT"},
		{{.id = PROBLEM_NO_ROUTE}, "Tollgate-Request-Id", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer w;

		write_answer(&w, &rows[i].a);
		assert_field(&w, rows[i].field, rows[i].value);
		free_answer(&w);
	}
}

static void adds_further_fields(void **state)
{
	struct problem_answer a = {.id = PROBLEM_MISSING_KEY,
				   .fields = STR("A: b\r\nC: d\r\n"),
				   .close = true};
	struct answer w;

	(void)state;
	write_answer(&w, &a);
	assert_field(&w, "A", "b");
	assert_field(&w, "C", "d");
	assert_field(&w, "Connection", "close");
	free_answer(&w);
}

static void head_has_the_length_and_no_body(void **state)
{
	struct problem_answer a = {
		.id = PROBLEM_NO_ROUTE, .detail = "x", .http_minor = 1};
	struct answer get, head;

	(void)state;
	write_answer(&get, &a);
	a.head = true;
	write_answer(&head, &a);
	assert_int_equal(head.body.n, 0);
	assert_int_equal(head.head.content_length, get.head.content_length);
	free_answer(&get);
	free_answer(&head);
}

#define FFFD "\xef\xbf\xbd"

static void escapes_any_detail(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"a\"b\\c/d", "a\"b\\c/d"},
		{"\x01\x1f\t\r\n\x7f", "\x01\x1f\t\r\n\x7f"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xff", FFFD},
		{"\x80z", FFFD "z"},
		{"\xc3", FFFD},
		{"\xc3(", FFFD "("},
		{"\xc0\xaf", FFFD FFFD},
		{"\xe0\x9f\xbf", FFFD FFFD FFFD},
		{"\xed\xa0\x80", FFFD FFFD FFFD},
		{"\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80"},
		{"\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD},
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
		{"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
		{"\xf5\x80\x80\x80", FFFD FFFD FFFD FFFD},
		{"\xe2\x82", FFFD FFFD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct problem_answer a = {.id = PROBLEM_BAD_REQUEST,
					   .detail = rows[i].in};
		struct answer w;

		write_answer(&w, &a);
		assert_string_equal(text_of(w.json, "detail"), rows[i].out);
		for (size_t k = 0; k + 1 < w.body.n; k++)
			assert_true((unsigned char)w.body.p[k] >= 0x20);
		free_answer(&w);
	}
}

static void drops_a_detail_of_absurd_size(void **state)
{
	char *detail = malloc(100001);
	struct problem_answer a = {.id = PROBLEM_BAD_REQUEST, .detail = detail};
	struct answer w;

	(void)state;
	assert_non_null(detail);
	memset(detail, 'x', 100000);
	detail[100000] = '\0';
	write_answer(&w, &a);
	assert_string_equal(text_of(w.json, "detail"),
			    problem_title(PROBLEM_BAD_REQUEST));
	free_answer(&w);
	free(detail);
}

static void names_any_request(void **state)
{
	struct problem_answer a = {.id = PROBLEM_NO_ROUTE,
				   .request_id = STR("job/1:a+b=@._-")};
	struct answer w;

	(void)state;
	write_answer(&w, &a);
	assert_string_equal(text_of(w.json, "instance"),
			    "urn:tollgate:request:job/1:a+b=@._-");
	free_answer(&w);
	a.request_id = (struct str){NULL, 0};
	write_answer(&w, &a);
	assert_null(cJSON_GetObjectItemCaseSensitive(w.json, "instance"));
	free_answer(&w);
}

static void maps_refusals(void **state)
{
	static const int statuses[] = {400, 405, 408, 413, 414, 417, 431, 501, 505};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		assert_int_equal(problem_status(problem_of_status(statuses[i])),
				 statuses[i]);
	assert_int_equal(problem_of_status(0), PROBLEM_BAD_REQUEST);
}

static void reads_accept(void **state)
{
	static const struct {
		const char *accept;
		bool wanted;
	} rows[] = {
		{"", false},
		{"Accept: */*\r\n", false},
		{"Accept: application/*\r\n", false},
		{"Accept: application/json\r\n", false},
		{"Accept: application/problem+json\r\n", true},
		{"Accept: text/html , Application/Problem+JSON ; q=0.5\r\n", true},
		{"Accept: a/b\r\nAccept: application/problem+json\r\n", true},
		{"Accept: application/problem+json;q=0\r\n", false},
		{"Accept: application/problem+json; a=b; Q=0.000\r\n", false},
		{"Accept: application/problem+json; q=0.001\r\n", true},
		{"Accept: application/problem+jsonx\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct head_limits limits = {16384, 100};
		struct request_head h;
		struct head_refusal why;
		char text[512];
		int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
				 rows[i].accept);

		assert_true(request_head_parse(&h, text, (size_t)n, &limits, &why));
		assert_int_equal(problem_wants_json(&h), rows[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_problem_is_whole),
		cmocka_unit_test(codes_are_unique),
		cmocka_unit_test(adds_what_a_status_asks_for),
		cmocka_unit_test(adds_further_fields),
		cmocka_unit_test(head_has_the_length_and_no_body),
		cmocka_unit_test(escapes_any_detail),
		cmocka_unit_test(drops_a_detail_of_absurd_size),
		cmocka_unit_test(names_any_request),
		cmocka_unit_test(maps_refusals),
		cmocka_unit_test(reads_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
