/* Unit tests of the head that goes to the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/proxy/forward_response.h"

static const struct exchange_ids ids = {"rid", "00-trace", false};
static const struct settings_route plain_route;

/* The upstream's head, ours, and ours as the client reads it. */
struct sent {
	char in[4096];
	struct response_head head;
	struct request_head request;
	struct sbuf out;
	struct response_head got;
};

static void send_back(struct sent *s, struct forward_response f, const char *in,
		      enum http_method method, int minor)
{
	const char *why = NULL;
	size_t scan = 0;

	snprintf(s->in, sizeof s->in, "%s", in);
	if (!response_head_parse(&s->head, s->in, strlen(s->in), method, &why))
		fail_msg("%s: %s", why, in);
	s->request = (struct request_head){.method = method, .minor = minor};
	f.head = &s->head;
	f.request = &s->request;
	f.ids = &ids;
	if (f.route == NULL)
		f.route = &plain_route;
	sbuf_init(&s->out, 16384);
	forward_response_head(&s->out, &f);
	assert_false(s->out.overflow);
	assert_int_equal(response_head_end(s->out.p, s->out.n, &scan), s->out.n);
	if (!response_head_parse(&s->got, s->out.p, s->out.n, method, &why))
		fail_msg("%s: %.*s", why, (int)s->out.n, s->out.p);
	assert_int_equal(s->got.status, s->head.status);
	assert_true(str_eq(s->got.reason, s->head.reason));
	assert_int_equal(s->got.minor, 1);
}

static const char *value_of(const struct sent *s, const char *name)
{
	static char text[1024];
	size_t n = 0;

	memcpy(text, "-", 2);
	for (unsigned i = 0; i < s->got.n_fields; i++)
		if (str_ieq(s->got.fields[i].name, str_of(name)))
			n += (size_t)snprintf(text + n, sizeof text - n, "%s" STR_FMT,
					      n ? "|" : "",
					      STR_ARG(s->got.fields[i].value));
	return text;
}

struct expect {
	const char *name, *value;
};

static void check(struct forward_response f, const char *fields, const struct expect *e,
		  size_t n)
{
	char in[2048];
	struct sent s;

	snprintf(in, sizeof in, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n%s\r\n", fields);
	send_back(&s, f, in, HTTP_GET, 1);
	for (size_t i = 0; i < n; i++)
		if (strcmp(value_of(&s, e[i].name), e[i].value) != 0)
			fail_msg("%s is %s, not %s", e[i].name, value_of(&s, e[i].name),
				 e[i].value);
	sbuf_fini(&s.out);
}

#define CHECK_FIELDS(f, fields, ...)                                                     \
	check(f, fields, (const struct expect[]){__VA_ARGS__},                           \
	      ARRAY_LEN(((const struct expect[]){__VA_ARGS__})))

static void writes_the_whole_head(void **state)
{
	struct forward_response f = {.gateway_us = 310, .upstream_us = 12400};
	struct sent s;

	(void)state;
	send_back(&s, f,
		  "HTTP/1.1 207 Very  Multi\r\n"
		  "Date: then\r\n"
		  "ETag:\"x\"\r\n"
		  "Set-Cookie: a\r\n"
		  "set-cookie: b\r\n"
		  "Content-Length: 005\r\n\r\n",
		  HTTP_GET, 1);
	assert_true(str_eq(
		sbuf_view(&s.out),
		STR("HTTP/1.1 207 Very  Multi\r\n"
		    "Date: then\r\n"
		    "ETag: \"x\"\r\n"
		    "Set-Cookie: a\r\n"
		    "set-cookie: b\r\n"
		    "Content-Length: 5\r\n"
		    "Tollgate-Request-Id: rid\r\n"
		    "X-Request-Id: rid\r\n"
		    "Server-Timing: tollgate;dur=0.31, upstream;dur=12.4\r\n\r\n")));
	sbuf_fini(&s.out);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void frames_for_the_client(void **state)
{
	static const struct {
		const char *in;
		enum http_method method;
		int minor;
		enum http_framing framing;
		const char *length, *coding, *connection;
	} rows[] = {
		{OK "Content-Length: 0\r\n\r\n", HTTP_GET, 1, HTTP_LENGTH, "0", "-", "-"},
		{OK "Content-Length: 5\r\n\r\n", HTTP_GET, 0, HTTP_LENGTH, "5", "-",
		 "close"},
		{OK "Transfer-Encoding: chunked\r\n\r\n", HTTP_GET, 1, HTTP_CHUNKED, "-",
		 "chunked", "-"},
		{OK "Transfer-Encoding: chunked\r\n\r\n", HTTP_GET, 0, HTTP_UNTIL_EOF,
		 "-", "-", "close"},
		{OK "\r\n", HTTP_GET, 1, HTTP_CHUNKED, "-", "chunked", "-"},
		{OK "\r\n", HTTP_GET, 0, HTTP_UNTIL_EOF, "-", "-", "close"},
		{"HTTP/1.0 200 OK\r\n\r\n", HTTP_GET, 1, HTTP_CHUNKED, "-", "chunked",
		 "-"},
		{OK "Connection: close\r\nContent-Length: 5\r\n\r\n", HTTP_GET, 1,
		 HTTP_LENGTH, "5", "-", "-"},
		{OK "Content-Length: 5\r\n\r\n", HTTP_HEAD, 1, HTTP_NO_BODY, "5", "-",
		 "-"},
		{OK "Transfer-Encoding: chunked\r\n\r\n", HTTP_HEAD, 1, HTTP_NO_BODY, "-",
		 "-", "-"},
		{OK "\r\n", HTTP_HEAD, 0, HTTP_NO_BODY, "-", "-", "close"},
		{"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", HTTP_GET, 1,
		 HTTP_NO_BODY, "-", "-", "-"},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", HTTP_GET, 1,
		 HTTP_NO_BODY, "5", "-", "-"},
		{"HTTP/1.1 304 Not Modified\r\n\r\n", HTTP_GET, 1, HTTP_NO_BODY, "-", "-",
		 "-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct forward_response f = {0};
		struct sent s;

		send_back(&s, f, rows[i].in, rows[i].method, rows[i].minor);
		assert_int_equal(forward_response_framing(&s.head, &s.request),
				 rows[i].framing);
		if (rows[i].framing != HTTP_NO_BODY)
			assert_int_equal(s.got.framing, rows[i].framing);
		assert_string_equal(value_of(&s, "Content-Length"), rows[i].length);
		assert_string_equal(value_of(&s, "Transfer-Encoding"), rows[i].coding);
		assert_string_equal(value_of(&s, "Connection"), rows[i].connection);
		sbuf_fini(&s.out);
	}
}

static void strips_hop_by_hop(void **state)
{
	struct forward_response f = {.close = true};

	(void)state;
	CHECK_FIELDS(f,
		     "Connection: X-Hop\r\n"
		     "X-Hop: 1\r\n"
		     "Keep-Alive: timeout=5\r\n"
		     "Trailer: x\r\n"
		     "Proxy-Connection: close\r\n"
		     "Upgrade: h2c\r\n"
		     "X-Keep: 1\r\n"
		     "Via: 1.1 x\r\n",
		     {"X-Hop", "-"}, {"Keep-Alive", "-"}, {"Trailer", "-"},
		     {"Proxy-Connection", "-"}, {"Upgrade", "-"}, {"X-Keep", "1"},
		     {"Via", "1.1 x"}, {"Connection", "close"});
}

static void adds_ids_and_dates(void **state)
{
	struct forward_response f = {.wall_us = 784111777000000};

	(void)state;
	CHECK_FIELDS(f, "", {"Tollgate-Request-Id", "rid"}, {"X-Request-Id", "rid"},
		     {"Date", "Sun, 06 Nov 1994 08:49:37 GMT"});
	CHECK_FIELDS(f,
		     "X-Request-Id: theirs\r\nTollgate-Request-Id: inner\r\nDate: d\r\n",
		     {"Tollgate-Request-Id", "rid"}, {"X-Request-Id", "theirs"},
		     {"Date", "d"});
}

static void appends_server_timing(void **state)
{
	static const struct {
		uint32_t us;
		const char *value;
	} rows[] = {
		{0, "0"},
		{9, "0"},
		{10, "0.01"},
		{100, "0.1"},
		{999, "0.99"},
		{1000, "1"},
		{12050, "12.05"},
		{123456789, "123456.78"},
		{UINT32_MAX, "4294967.29"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct forward_response f = {.gateway_us = rows[i].us,
					     .upstream_us = 1000};
		char value[128];

		snprintf(value, sizeof value, "db;dur=1|tollgate;dur=%s, upstream;dur=1",
			 rows[i].value);
		CHECK_FIELDS(f, "Server-Timing: db;dur=1\r\n", {"Server-Timing", value});
	}
}

static void unbuffers_event_streams(void **state)
{
	static const struct {
		const char *fields, *value;
	} rows[] = {
		{"Content-Type: text/event-stream\r\n", "no"},
		{"Content-Type: Text/Event-Stream; charset=utf-8\r\n", "no"},
		{"Content-Type: text/event-stream\r\nX-Accel-Buffering: yes\r\n", "no"},
		{"Content-Type: text/event-streams\r\n", "-"},
		{"Content-Type: text/plain\r\n", "-"},
		{"Content-Type: text/plain\r\nX-Accel-Buffering: yes\r\n", "yes"},
		{"", "-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct forward_response f = {0};

		CHECK_FIELDS(f, rows[i].fields, {"X-Accel-Buffering", rows[i].value});
	}
}

static void sets_and_removes(void **state)
{
	struct settings_header set[] = {
		{(char *)"Cache-Control", (char *)"no-store", false},
		{(char *)"X-Team", (char *)"a", false},
		{(char *)"Content-Length", (char *)"99", false},
		{(char *)"Date", (char *)"never", false},
	};
	char *removed[] = {(char *)"server", (char *)"X-Powered-By",
			   (char *)"Server-Timing", (char *)"X-Request-Id"};
	struct settings_route r = {0};
	struct forward_response f = {.route = &r};

	(void)state;
	r.response_set = (struct settings_headers){set, ARRAY_LEN(set)};
	r.response_remove = (struct settings_names){removed, ARRAY_LEN(removed)};
	CHECK_FIELDS(f,
		     "Server: x\r\n"
		     "X-Powered-By: y\r\n"
		     "X-Powered-By: z\r\n"
		     "Cache-Control: max-age=9\r\n"
		     "cache-control: public\r\n"
		     "Server-Timing: db\r\n"
		     "X-Request-Id: theirs\r\n",
		     {"Server", "-"}, {"X-Powered-By", "-"},
		     {"Cache-Control", "no-store"}, {"X-Team", "a"},
		     {"Server-Timing", "-"}, {"X-Request-Id", "-"},
		     {"Content-Length", "5"}, {"Date", "never"},
		     {"Tollgate-Request-Id", "rid"});
}

static void switches_protocols(void **state)
{
	struct forward_response f = {.upgrade = true, .close = true};
	struct sent s;

	(void)state;
	send_back(&s, f,
		  "HTTP/1.1 101 Switching Protocols\r\n"
		  "Upgrade: websocket\r\n"
		  "Connection: upgrade\r\n"
		  "Sec-WebSocket-Accept: x\r\n\r\n",
		  HTTP_GET, 1);
	assert_string_equal(value_of(&s, "Connection"), "Upgrade");
	assert_string_equal(value_of(&s, "Upgrade"), "websocket");
	assert_string_equal(value_of(&s, "Sec-WebSocket-Accept"), "x");
	assert_string_equal(value_of(&s, "Tollgate-Request-Id"), "rid");
	sbuf_fini(&s.out);
}

static void leaves_interim_responses_alone(void **state)
{
	struct forward_response f = {.close = true};
	struct sent s;

	(void)state;
	send_back(&s, f,
		  "HTTP/1.1 103 Early Hints\r\n"
		  "Link: </s.css>\r\n"
		  "Connection: x\r\n"
		  "X: 1\r\n\r\n",
		  HTTP_GET, 1);
	assert_true(str_eq(sbuf_view(&s.out),
			   STR("HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n")));
	sbuf_fini(&s.out);
}

static void keeps_an_empty_reason(void **state)
{
	struct forward_response f = {0};
	struct sent s;

	(void)state;
	send_back(&s, f, "HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n", HTTP_GET, 1);
	assert_true(str_has_prefix(sbuf_view(&s.out), STR("HTTP/1.1 299 \r\n")));
	sbuf_fini(&s.out);
}

/* What the route says of CORS takes the place of what the upstream says. */
static void speaks_cors_for_the_upstream(void **state)
{
	static const char upstreams[] = "access-control-allow-origin: https://up\r\n"
					"Access-Control-Allow-Credentials: true\r\n"
					"Access-Control-Max-Age: 1\r\n"
					"Vary: Accept\r\n";
	char *origins[] = {(char[]){"*"}};
	struct settings_route route = {.cors = {.origins = {origins, 1}}};
	struct forward_response f = {.route = &route};

	(void)state;
	CHECK_FIELDS(f, upstreams, {"Access-Control-Allow-Origin", "-"},
		     {"Vary", "Accept|Origin"});
	route.cors.any_origin = true;
	CHECK_FIELDS(f, upstreams, {"Access-Control-Allow-Origin", "*"},
		     {"Access-Control-Allow-Credentials", "-"},
		     {"Access-Control-Max-Age", "-"}, {"Vary", "Accept"});
	route.cors.origins.n = 0;
	CHECK_FIELDS(f, upstreams, {"Access-Control-Allow-Origin", "https://up"},
		     {"Access-Control-Allow-Credentials", "true"},
		     {"Access-Control-Max-Age", "1"}, {"Vary", "Accept"});
}

static void overflows_without_a_trace(void **state)
{
	static const char in[] = OK "A: b\r\nContent-Length: 5\r\n\r\n";
	struct forward_response f = {.ids = &ids, .route = &plain_route};
	struct sent s;
	const char *why;

	(void)state;
	assert_true(response_head_parse(&s.head, in, sizeof in - 1, HTTP_GET, &why));
	s.request = (struct request_head){.minor = 1};
	f.head = &s.head;
	f.request = &s.request;
	for (size_t cap = 1; cap < 100; cap++) {
		sbuf_init(&s.out, cap);
		forward_response_head(&s.out, &f);
		assert_true(s.out.overflow);
		assert_true(s.out.n <= cap);
		sbuf_fini(&s.out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_whole_head),
		cmocka_unit_test(frames_for_the_client),
		cmocka_unit_test(strips_hop_by_hop),
		cmocka_unit_test(adds_ids_and_dates),
		cmocka_unit_test(appends_server_timing),
		cmocka_unit_test(unbuffers_event_streams),
		cmocka_unit_test(sets_and_removes),
		cmocka_unit_test(switches_protocols),
		cmocka_unit_test(leaves_interim_responses_alone),
		cmocka_unit_test(keeps_an_empty_reason),
		cmocka_unit_test(speaks_cors_for_the_upstream),
		cmocka_unit_test(overflows_without_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
