/* Unit tests of the head that goes to the upstream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/proxy/forward_request.h"

#define KEY "ntk_0123456789abcdef"

static const struct exchange_ids ids = {"rid", "00-trace", false};
static const struct exchange_ids kept_ids = {"rid", "00-trace", true};

/* Both heads, as bytes and as the upstream reads them. */
struct sent {
	char in[4096];
	struct key_filter keys;
	struct request_head head;
	struct sbuf out;
	struct request_head got;
};

static const struct head_limits limits = {16384, 200};

static char base_path[] = "/v1", route_path[] = "/api", host[] = "up",
	    authority[] = "up.example:81";
static const struct settings_endpoint endpoint = {host, 81, authority};

static struct str presented; /* the caller's key */

static struct settings_route plain_route(void)
{
	return (struct settings_route){.path = route_path,
				       .path_len = 4,
				       .base_path = base_path,
				       .strip_prefix = true};
}

static void send_through(struct sent *s, struct forward_request *f, const char *in)
{
	struct head_refusal why;
	size_t scan = 0;

	snprintf(s->in, sizeof s->in, "%s", in);
	if (!request_head_parse(&s->head, s->in, strlen(s->in), &limits, &why))
		fail_msg("%s: %s", why.detail, in);
	key_filter_init(&s->keys, &s->head, presented);
	f->keys = &s->keys;
	f->head = &s->head;
	f->endpoint = &endpoint;
	if (f->ids == NULL)
		f->ids = &ids;
	sbuf_init(&s->out, 16384);
	forward_request_head(&s->out, f);
	assert_false(s->out.overflow);
	assert_int_equal(request_head_end(s->out.p, s->out.n, &scan), s->out.n);
	if (!request_head_parse(&s->got, s->out.p, s->out.n, &limits, &why))
		fail_msg("%s: %.*s", why.detail, (int)s->out.n, s->out.p);
}

/* All values of a field, joined by "|"; "-" without one. */
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

/* The fields are sent along `GET /api`; each expectation holds for what comes out. */
static void check(struct forward_request f, const char *fields, const struct expect *e,
		  size_t n)
{
	char in[2048];
	struct sent s;

	snprintf(in, sizeof in, "GET /api HTTP/1.1\r\nHost: gw:1\r\n%s\r\n", fields);
	send_through(&s, &f, in);
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
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};
	struct sent s;

	(void)state;
	send_through(&s, &f,
		     "POST /api/chat?q=1 HTTP/1.1\r\n"
		     "host: gw\r\n"
		     "Accept:*/*\r\n"
		     "x-custom: \t a  b \r\n"
		     "Content-Length: 007\r\n\r\n");
	assert_true(str_eq(sbuf_view(&s.out), STR("POST /v1/chat?q=1 HTTP/1.1\r\n"
						  "Host: up.example:81\r\n"
						  "Accept: */*\r\n"
						  "x-custom: a  b\r\n"
						  "Content-Length: 7\r\n"
						  "X-Request-Id: rid\r\n"
						  "traceparent: 00-trace\r\n\r\n")));
	sbuf_fini(&s.out);
}

static void frames_the_body(void **state)
{
	static const struct {
		const char *in, *length, *coding;
	} rows[] = {
		{"GET /api HTTP/1.1\r\nHost: a\r\n\r\n", "-", "-"},
		{"DELETE /api HTTP/1.1\r\nHost: a\r\n\r\n", "-", "-"},
		{"POST /api HTTP/1.1\r\nHost: a\r\n\r\n", "0", "-"},
		{"PUT /api HTTP/1.0\r\n\r\n", "0", "-"},
		{"PATCH /api HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "5", "-"},
		{"GET /api HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "0", "-"},
		{"GET /api HTTP/1.1\r\n"
		 "Host: a\r\n"
		 "Connection: Content-Length\r\n"
		 "Content-Length: 5\r\n\r\n",
		 "5", "-"},
		{"POST /api HTTP/1.1\r\n"
		 "Host: a\r\n"
		 "Transfer-Encoding: Chunked\r\n"
		 "Connection: Transfer-Encoding\r\n"
		 "Trailer: x\r\n"
		 "TE: trailers\r\n\r\n",
		 "-", "chunked"},
		{"POST /api HTTP/1.1\r\n"
		 "Host: a\r\n"
		 "Content-Length: 5\r\n"
		 "Expect: 100-continue\r\n\r\n",
		 "5", "-"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings_route r = plain_route();
		struct forward_request f = {.route = &r};
		struct sent s;

		send_through(&s, &f, rows[i].in);
		assert_string_equal(value_of(&s, "Content-Length"), rows[i].length);
		assert_string_equal(value_of(&s, "Transfer-Encoding"), rows[i].coding);
		assert_string_equal(value_of(&s, "Expect"), "-");
		assert_string_equal(value_of(&s, "Trailer"), "-");
		assert_string_equal(value_of(&s, "TE"), "-");
		sbuf_fini(&s.out);
	}
}

static void strips_hop_by_hop(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	CHECK_FIELDS(f,
		     "Connection: close, X-Foo\r\n"
		     "Connection: x-bar, X-Request-Id, Host\r\n"
		     "X-Foo: 1\r\n"
		     "X-BAR: 2\r\n"
		     "X-Keep: 3\r\n"
		     "Keep-Alive: 1\r\n"
		     "Proxy-Connection: keep-alive\r\n"
		     "Upgrade: h2c\r\n"
		     "HTTP2-Settings: x\r\n"
		     "Proxy: evil\r\n"
		     "Proxy-Authenticate: x\r\n"
		     "Trailer: x\r\n",
		     {"Connection", "-"}, {"X-Foo", "-"}, {"X-Bar", "-"}, {"X-Keep", "3"},
		     {"Keep-Alive", "-"}, {"Proxy-Connection", "-"}, {"Upgrade", "-"},
		     {"Proxy", "-"}, {"Proxy-Authenticate", "-"}, {"Trailer", "-"},
		     {"X-Request-Id", "rid"}, {"Host", "up.example:81"});
}

static void passes_an_upgrade_that_is_asked_for(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r, .upgrade = true};

	(void)state;
	CHECK_FIELDS(f,
		     "Connection: x, Upgrade\r\n"
		     "Upgrade: websocket\r\n"
		     "X: 1\r\n"
		     "Sec-WebSocket-Key: k\r\n",
		     {"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"X", "-"},
		     {"Sec-WebSocket-Key", "k"});
	CHECK_FIELDS(f, "Upgrade: websocket\r\n", {"Connection", "-"}, {"Upgrade", "-"});
}

#define CREDENTIALS                                                                      \
	"X-API-Key: " KEY "\r\nAuthorization: Bearer mine\r\nCookie: a=b\r\n"            \
	"Proxy-Authorization: Basic x\r\nX-Goog-Api-Key: g\r\n"

static void keeps_credentials_back(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	CHECK_FIELDS(f, CREDENTIALS, {"X-API-Key", "-"}, {"Authorization", "-"},
		     {"Cookie", "-"}, {"Proxy-Authorization", "-"},
		     {"X-Goog-Api-Key", "-"});
	r.forward_credentials = SETTINGS_CREDENTIALS;
	CHECK_FIELDS(f, CREDENTIALS, {"X-API-Key", "-"}, {"Authorization", "Bearer mine"},
		     {"Cookie", "a=b"}, {"Proxy-Authorization", "Basic x"},
		     {"X-Goog-Api-Key", "g"});
	CHECK_FIELDS(f, "Authorization: Bearer " KEY "\r\nCookie: k=" KEY "\r\n",
		     {"Authorization", "-"}, {"Cookie", "-"});
	presented = STR("old-shape");
	CHECK_FIELDS(f, "Authorization: Bearer old-shape\r\nCookie: a=b\r\n",
		     {"Authorization", "-"}, {"Cookie", "a=b"});
	presented = STR("");
}

static void passes_the_credentials_that_are_listed(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	r.forward_credentials = HTTP_H_BIT(HTTP_H_COOKIE);
	CHECK_FIELDS(f, CREDENTIALS, {"X-API-Key", "-"}, {"Authorization", "-"},
		     {"Cookie", "a=b"}, {"Proxy-Authorization", "-"},
		     {"X-Goog-Api-Key", "-"});
	r.forward_credentials =
		HTTP_H_BIT(HTTP_H_AUTHORIZATION) | HTTP_H_BIT(HTTP_H_X_GOOG_API_KEY);
	CHECK_FIELDS(f, CREDENTIALS, {"X-API-Key", "-"}, {"Authorization", "Bearer mine"},
		     {"Cookie", "-"}, {"Proxy-Authorization", "-"},
		     {"X-Goog-Api-Key", "g"});
}

/* Browsers' stand-in for fields. */
static void edits_subprotocols_like_fields(void **state)
{
	static const struct {
		const char *sent, *left;
	} rows[] = {
		{"realtime, openai-organization.org-1, openai-project.p.1, x.y",
		 "realtime, x.y"},
		{"OPENAI-ORGANIZATION.org-1", "-"},
		{"openai_project.p", "-"},
		{"realtime,openai-beta.realtime-v1", "realtime,openai-beta.realtime-v1"},
		{"openai-organization, openai-project.", "openai-organization"},
		{"openai-organizations.a,.b,user-agent.c", ".b"},
	};
	struct settings_header set[] = {
		{(char *)"User-Agent", (char *)"gw", false},
		{(char *)"OpenAI-Organizations", (char *)"1", false}};
	char *removed[] = {(char *)"OpenAI-Organization", (char *)"OpenAI-Project"};
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	r.remove_headers = (struct settings_names){removed, ARRAY_LEN(removed)};
	r.set_headers = (struct settings_headers){set, ARRAY_LEN(set)};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char field[256];

		snprintf(field, sizeof field, "Sec-WebSocket-Protocol: %s\r\n",
			 rows[i].sent);
		CHECK_FIELDS(f, field, {"Sec-WebSocket-Protocol", rows[i].left});
	}
}

#define OWN "OldShape+12/x=%"
#define LONG "ntk_abcdefgh"
#define OTHER "ntk_0123456789abcdefghijklmnopqrstuvwxyzAB"

struct key_case {
	const char *key, *field, *name,
		*value; /* value: what is left of it; "-": nothing */
};

static void check_key_case(const struct key_case *k)
{
	char fields[1024];
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r,
				    .ids = &kept_ids,
				    .peer_trusted = true,
				    .client_ip = STR("1.2.3.4"),
				    .peer_ip = STR("10.0.0.1")};
	struct sent s;
	char in[2048];

	r.forward_client_info = true;
	r.forward_credentials = SETTINGS_CREDENTIALS;
	presented = str_of(k->key);
	snprintf(fields, sizeof fields, "%s", k->field);
	snprintf(in, sizeof in,
		 "GET /api HTTP/1.1\r\nHost: gw\r\n%s\r\nX-Last: 1\r\n\r\n", fields);
	send_through(&s, &f, in);
	if (strcmp(value_of(&s, k->name), k->value) != 0)
		fail_msg("%s: %s is %s, not %s", k->field, k->name, value_of(&s, k->name),
			 k->value);
	if (memmem(s.out.p, s.out.n, LONG, sizeof LONG - 1) != NULL)
		fail_msg("%s passed", k->field);
	assert_string_equal(value_of(&s, "X-Last"), "1");
	sbuf_fini(&s.out);
	presented = STR("");
}

static void lets_no_key_pass_in_any_field(void **state)
{
	static const struct key_case cases[] = {
		{KEY, "api-key: " LONG, "api-key", "-"},
		{KEY, "Api-Key: " KEY, "api-key", "-"},
		{KEY, "api-key: azure-key-of-the-caller", "api-key",
		 "azure-key-of-the-caller"},
		{KEY, "X-Auth-Token: " LONG, "X-Auth-Token", "-"},
		{KEY, "X-Auth-Token: " OTHER, "X-Auth-Token", "-"},
		{KEY, "x: " LONG, "x", "-"},
		{KEY, "X_API_TOKEN: " LONG, "X_API_TOKEN", "-"},
		{KEY, "x: ntk_abcdefg", "x", "ntk_abcdefg"},
		{KEY, "x: ntk-abcdefgh", "x", "ntk-abcdefgh"},
		{KEY, "x: NTK_ABCDEFGH", "x", "-"},
		{KEY, "x: a_b_c_ntk_" LONG, "x", "-"},
		{KEY, "User-Agent: curl/8 (" LONG ")", "User-Agent", "-"},
		{KEY, "Referer: https://a/b?x=1&k=" LONG "&y=2", "Referer", "-"},
		{KEY, "Referer: https://a/b?k=%6e%74%6B%5Fabcdefgh", "Referer", "-"},
		{KEY, "Referer: https://a/b?k=n%74k_abcdefgh", "Referer", "-"},
		{KEY, "Referer: https://a/b?k=ntk%5fabc%64efgh", "Referer", "-"},
		{KEY, "Referer: https://a/b?k=ntk%255fabcdefgh", "Referer", "-"},
		{KEY, "Referer: https://a/b?k=ntk%25255fabcdefgh", "Referer", "-"},
		{KEY, "Referer: https://a/b?k=100%25&l=%zz", "Referer",
		 "https://a/b?k=100%25&l=%zz"},
		{KEY, "Authorization: Bearer " LONG, "Authorization", "-"},
		{KEY, "Authorization: Basic dXNlcjpudGtfYWJjZGVmZ2g=", "Authorization",
		 "-"},
		{KEY, "Authorization: basic  OnNlY3JldDpudGtfYWJjZGVmZ2g",
		 "Authorization", "-"},
		{KEY, "Proxy-Authorization: Basic bnRrX2FiY2RlZmdoOg==",
		 "Proxy-Authorization", "-"},
		{KEY, "Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization",
		 "Basic dXNlcjpwYXNzd29yZA=="},
		{KEY, "x-b64: dXNlcjpudGtfYWJjZGVmZ2g=", "x-b64",
		 "dXNlcjpudGtfYWJjZGVmZ2g="},
		{KEY, "x-goog-api-key: " LONG, "x-goog-api-key", "-"},
		{KEY, LONG ": x", LONG, "-"},
		{KEY, "Ntk_Abcdefgh: x", "Ntk_Abcdefgh", "-"},
		{KEY, "x-ntk%5Fabcdefgh: x", "x-ntk%5Fabcdefgh", "-"},
		{KEY, "X-Forwarded-Host: " LONG ".example", "X-Forwarded-Host", "gw"},
		{KEY, "X-Forwarded-Proto: " LONG, "X-Forwarded-Proto", "http"},
		{KEY, "X-Forwarded-User: " LONG, "X-Forwarded-User", "-"},
		{KEY, "Forwarded: for=1.1.1.1;host=" LONG, "Forwarded", "-"},
		{KEY, "X-Real-IP: " LONG, "X-Real-IP", "-"},
		/* of lists, the item */
		{KEY, "X-Forwarded-For: 1.1.1.1, " LONG ",2.2.2.2", "X-Forwarded-For",
		 "1.1.1.1, 2.2.2.2, 10.0.0.1"},
		{KEY, "X-Forwarded-For: " LONG, "X-Forwarded-For", "1.2.3.4"},
		{KEY, "X-Forwarded-For: 1.1.1.1,2.2.2.2", "X-Forwarded-For",
		 "1.1.1.1,2.2.2.2, 10.0.0.1"},
		{KEY, "Via: 1.1 a, 1.1 " LONG " (x), 1.1 b", "Via",
		 "1.1 a, 1.1 b|1.1 tollgate"},
		{KEY, "tracestate: a=1,b=" LONG ",c=3", "tracestate", "a=1, c=3"},
		{KEY, "baggage: user=1,k=" LONG ";p,z=%20", "baggage", "user=1, z=%20"},
		{KEY, "baggage: k=ntk%5Fabcdefgh", "baggage", "-"},
		{KEY, "Cookie: a=1; k=" LONG "; b=\"2,3\"", "Cookie", "a=1; b=\"2,3\""},
		{KEY, "Cookie: " LONG "=1", "Cookie", "-"},
		{KEY, "Cookie: a=1;b=2", "Cookie", "a=1;b=2"},
		{KEY,
		 "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key." LONG
		 ", openai-beta.realtime-v1",
		 "Sec-WebSocket-Protocol", "realtime, openai-beta.realtime-v1"},
		{KEY, "Sec-WebSocket-Protocol: realtime,openai-insecure-api-key.sk-own",
		 "Sec-WebSocket-Protocol", "realtime,openai-insecure-api-key.sk-own"},
		{KEY, "Sec-WebSocket-Protocol: " LONG, "Sec-WebSocket-Protocol", "-"},
		/* keys of another shape: wherever that one is */
		{OWN, "X-Auth-Token: " OWN, "X-Auth-Token", "-"},
		{OWN, "Referer: https://a/?k=OldShape%2B12%2Fx%3D%25", "Referer", "-"},
		{OWN, "Referer: https://a/?k=" OWN "&l", "Referer", "-"},
		{OWN, "Authorization: Basic T2xkU2hhcGUrMTIveD0lOg==", "Authorization",
		 "-"},
		{OWN, "Cookie: s=1; t=" OWN "; u=2", "Cookie", "s=1; u=2"},
		{OWN, "X: OldShape+12/x=", "X", "OldShape+12/x="},
		{"old;key, of 1999", "Cookie: a=1; b=old;key, of 1999", "Cookie", "-"},
		{"old;key, of 1999", "baggage: a=old;key, of 1999", "baggage", "-"},
		{"old shape", "Referer: https://a/?k=old+shape", "Referer", "-"},
		{"old-shape-key", "Old-Shape-Key: 1", "Old-Shape-Key", "-"},
		{"old-shape-key", "X: a" LONG, "X", "-"},
		/* short ones only as a word */
		{"json", "Content-Type: application/json", "Content-Type",
		 "application/json"},
		{"json", "X-Token: json", "X-Token", "-"},
		{"json", "Authorization: Token json", "Authorization", "-"},
		{"json", "Cookie: a=json; b=jsonp", "Cookie", "b=jsonp"},
		{"json", "Referer: https://a/?k=json&l", "Referer", "-"},
		{"json", "Referer: https://a/json/", "Referer", "https://a/json/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_key_case(&cases[i]);
}

/* The field that the key came in is kept back for its place, not for its looks. */
static void keeps_back_what_held_the_key(void **state)
{
	static const char *const names[] = {"api-key", "x-goog-api-key", "X-Api-Key"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct settings_route r = plain_route();
		struct forward_request f = {.route = &r};
		struct head_refusal why;
		struct sent s;

		r.forward_credentials = SETTINGS_CREDENTIALS;
		snprintf(s.in, sizeof s.in,
			 "GET /api HTTP/1.1\r\nHost: a\r\n%s: " KEY "\r\n\r\n", names[i]);
		assert_true(
			request_head_parse(&s.head, s.in, strlen(s.in), &limits, &why));
		f.head = &s.head;
		f.endpoint = &endpoint;
		f.ids = &ids;
		key_filter_init(&s.keys, &s.head, s.head.fields[1].value);
		f.keys = &s.keys;
		sbuf_init(&s.out, 16384);
		forward_request_head(&s.out, &f);
		assert_null(memmem(s.out.p, s.out.n, KEY, sizeof KEY - 1));
		sbuf_fini(&s.out);
	}
}

static void lets_no_key_pass_in_what_it_makes(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {
		.route = &r, .upgrade = true, .client_ip = STR("1.2.3.4")};
	struct sent s;

	(void)state;
	r.forward_client_info = true;
	send_through(&s, &f,
		     "GET /api HTTP/1.1\r\nHost: " LONG ".gw\r\nConnection: Upgrade\r\n"
		     "Upgrade: " LONG "\r\n\r\n");
	assert_string_equal(value_of(&s, "X-Forwarded-Host"), "-");
	assert_string_equal(value_of(&s, "Upgrade"), "-");
	assert_string_equal(value_of(&s, "Connection"), "-");
	sbuf_fini(&s.out);
	send_through(&s, &f,
		     "GET http://Ntk_Abcdefgh.gw/api HTTP/1.1\r\nHost: gw\r\n\r\n");
	assert_string_equal(value_of(&s, "X-Forwarded-Host"), "-");
	sbuf_fini(&s.out);
}

/* Servers that make variables of names (WSGI, CGI, PHP) cannot tell '_' from '-'. */
static void drops_look_alikes(void **state)
{
	struct settings_header set[] = {{(char *)"X-Backend-Key", (char *)"s", true}};
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r, .peer_trusted = true};

	(void)state;
	r.set_headers = (struct settings_headers){set, 1};
	r.forward_client_info = true;
	CHECK_FIELDS(f,
		     "Content_Length: 5\r\n"
		     "Transfer_Encoding: chunked\r\n"
		     "X_Api_Key: k\r\n"
		     "X_Forwarded-For: 1.1.1.1\r\n"
		     "X_FORWARDED_PROTO: https\r\n"
		     "X_Real_IP: 1\r\n"
		     "Proxy_Authorization: x\r\n"
		     "X_Backend_Key: evil\r\n"
		     "User_Agent: u\r\n"
		     "my_own: 1\r\n",
		     {"Content_Length", "-"}, {"Transfer_Encoding", "-"},
		     {"X_Api_Key", "-"}, {"X_Forwarded-For", "-"},
		     {"X_FORWARDED_PROTO", "-"}, {"X_Real_IP", "-"},
		     {"Proxy_Authorization", "-"}, {"X_Backend_Key", "-"},
		     {"User_Agent", "u"}, {"my_own", "1"}, {"X-Backend-Key", "s"});
}

static void sets_and_removes(void **state)
{
	struct settings_header set[] = {
		{(char *)"Authorization", (char *)"Bearer backend", true},
		{(char *)"X-Api-Key", (char *)"backend", true},
		{(char *)"X-Team", (char *)"", false},
		{(char *)"User-Agent", (char *)"gw", false},
		{(char *)"Content-Length", (char *)"99", false},
		{(char *)"Connection", (char *)"close", false},
	};
	char *removed[] = {(char *)"accept", (char *)"X-Debug", (char *)"traceparent"};
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	r.set_headers = (struct settings_headers){set, ARRAY_LEN(set)};
	r.remove_headers = (struct settings_names){removed, ARRAY_LEN(removed)};
	r.forward_credentials = SETTINGS_CREDENTIALS;
	CHECK_FIELDS(
		f,
		CREDENTIALS "X-TEAM: mine\r\nx-team: again\r\nUser-Agent: curl\r\n"
			    "Accept: */*\r\nACCEPT: a\r\nX-Debug: 1\r\nX-Debugger: 2\r\n",
		{"Authorization", "Bearer backend"}, {"X-API-Key", "backend"},
		{"X-Team", ""}, {"User-Agent", "gw"}, {"Accept", "-"}, {"X-Debug", "-"},
		{"X-Debugger", "2"}, {"traceparent", "-"}, {"X-Request-Id", "rid"},
		{"Content-Length", "-"}, {"Connection", "-"}, {"Cookie", "a=b"});
}

static void set_host_replaces_the_authority(void **state)
{
	struct settings_header set[] = {{(char *)"Host", (char *)"inner", false}};
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	r.set_headers = (struct settings_headers){set, 1};
	CHECK_FIELDS(f, "", {"Host", "inner"});
}

static void keeps_tracestate_with_its_trace(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r};

	(void)state;
	CHECK_FIELDS(f, "traceparent: x\r\ntracestate: a=b\r\nX-Request-Id: bad id\r\n",
		     {"traceparent", "00-trace"}, {"tracestate", "-"},
		     {"X-Request-Id", "rid"});
	f.ids = &kept_ids;
	CHECK_FIELDS(f, "tracestate: a=b\r\ntracestate: c=d\r\n",
		     {"tracestate", "a=b|c=d"});
}

#define CLAIMS                                                                           \
	"X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "     \
	"h\r\n"                                                                          \
	"X-Forwarded-Prefix: /p\r\nForwarded: for=9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\n"     \
	"CF-Connecting-IP: 9.9.9.9\r\nVia: 1.1 other\r\n"

static void tells_nothing_unless_the_route_says_so(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r, .client_ip = STR("1.2.3.4")};

	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		f.peer_trusted = trusted;
		CHECK_FIELDS(f, CLAIMS, {"X-Forwarded-For", "-"},
			     {"X-Forwarded-Proto", "-"}, {"X-Forwarded-Host", "-"},
			     {"X-Forwarded-Prefix", "-"}, {"Forwarded", "-"},
			     {"X-Real-IP", "-"}, {"CF-Connecting-IP", "-"}, {"Via", "-"});
	}
}

static void replaces_what_strangers_claim(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {
		.route = &r, .client_ip = STR("1.2.3.4"), .peer_ip = STR("1.2.3.4")};

	(void)state;
	r.forward_client_info = true;
	CHECK_FIELDS(f, CLAIMS, {"X-Forwarded-For", "1.2.3.4"},
		     {"X-Forwarded-Proto", "http"}, {"X-Forwarded-Host", "gw:1"},
		     {"X-Forwarded-Prefix", "-"}, {"Forwarded", "-"}, {"X-Real-IP", "-"},
		     {"CF-Connecting-IP", "-"}, {"Via", "1.1 other|1.1 tollgate"});
	f.client_tls = true;
	CHECK_FIELDS(f, "", {"X-Forwarded-For", "1.2.3.4"},
		     {"X-Forwarded-Proto", "https"}, {"Via", "1.1 tollgate"});
	CHECK_FIELDS(f,
		     "Connection: X-Forwarded-For, Via\r\nX-Forwarded-For: 9.9.9.9\r\n",
		     {"X-Forwarded-For", "1.2.3.4"}, {"Via", "1.1 tollgate"});
}

static void adds_to_what_trusted_proxies_say(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r,
				    .client_ip = STR("9.9.9.9"),
				    .peer_ip = STR("10.0.0.1"),
				    .peer_trusted = true};

	(void)state;
	r.forward_client_info = true;
	CHECK_FIELDS(f, CLAIMS, {"X-Forwarded-For", "9.9.9.9, 10.0.0.1"},
		     {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "h"},
		     {"X-Forwarded-Prefix", "/p"}, {"Forwarded", "for=9.9.9.9"},
		     {"X-Real-IP", "9.9.9.9"}, {"CF-Connecting-IP", "9.9.9.9"});
	CHECK_FIELDS(f,
		     "X-Forwarded-For: 8.8.8.8\r\n"
		     "X-Forwarded-For:\r\n"
		     "x-forwarded-for: 9.9.9.9\r\n",
		     {"X-Forwarded-For", "8.8.8.8, 9.9.9.9, 10.0.0.1"});
	CHECK_FIELDS(f, "", {"X-Forwarded-For", "9.9.9.9"},
		     {"X-Forwarded-Proto", "http"});
	f.peer_ip = STR(""); /* a unix socket */
	CHECK_FIELDS(f, "X-Forwarded-For: 9.9.9.9\r\n", {"X-Forwarded-For", "9.9.9.9"});
	f.client_ip = STR("");
	CHECK_FIELDS(f, "", {"X-Forwarded-For", "-"});
}

static void route_edits_win_over_client_info(void **state)
{
	struct settings_header set[] = {
		{(char *)"X-Forwarded-Proto", (char *)"https", false}};
	char *removed[] = {(char *)"X-Forwarded-For", (char *)"Via",
			   (char *)"x-forwarded-host"};
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r, .client_ip = STR("1.2.3.4")};

	(void)state;
	r.forward_client_info = true;
	r.set_headers = (struct settings_headers){set, 1};
	r.remove_headers = (struct settings_names){removed, ARRAY_LEN(removed)};
	CHECK_FIELDS(f, "", {"X-Forwarded-For", "-"}, {"X-Forwarded-Proto", "https"},
		     {"X-Forwarded-Host", "-"}, {"Via", "-"});
}

static void tells_a_1_0_client_in_via(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r, .client_ip = STR("1.2.3.4")};
	struct sent s;

	(void)state;
	r.forward_client_info = true;
	send_through(&s, &f, "GET /api HTTP/1.0\r\n\r\n");
	assert_string_equal(value_of(&s, "Via"), "1.0 tollgate");
	assert_string_equal(value_of(&s, "X-Forwarded-Host"), "-");
	assert_int_equal(s.got.minor, 1);
	sbuf_fini(&s.out);
}

static void parse_only(struct sent *s, const char *line, const char *fields)
{
	struct head_refusal why;

	snprintf(s->in, sizeof s->in, "%s HTTP/1.1\r\nHost: a\r\n%s\r\n", line, fields);
	assert_true(request_head_parse(&s->head, s->in, strlen(s->in), &limits, &why));
}

static void detects_loops(void **state)
{
	static const struct {
		const char *fields;
		bool loop;
	} rows[] = {
		{"", false},
		{"Via: 1.1 other\r\n", false},
		{"Via: 1.1 tollgate\r\n", false},
		{"Via: 1.1 tollgate, 1.1 other\r\nVia: HTTP/1.1 Tollgate (x)\r\n", true},
		{"Via: 1.1 tollgate,1.0\ttollgate\r\n", true},
		{"Via: 1.1 tollgate, 1.0  TOLLGATE\t(b)\r\n", true},
		{"Via: 1.1 tollgate-2, 1.1 xtollgate, 1.1 tollgate:80\r\n", false},
		{"Via: tollgate, tollgate, tollgate\r\n", false},
		{"Via: 1.1 x (tollgate), 1.1 x tollgate\r\n", false},
	};
	struct sent s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		parse_only(&s, "GET /", rows[i].fields);
		if (forward_is_loop(&s.head) != rows[i].loop)
			fail_msg("wrong for %s", rows[i].fields);
	}
}

static void counts_max_forwards(void **state)
{
	static const struct {
		const char *line, *value, *out;
		bool ends;
	} rows[] = {
		{"OPTIONS /api", "0", "0", true},
		{"OPTIONS /api", "000", "0", true},
		{"OPTIONS /api", "1", "0", false},
		{"OPTIONS /api", "5", "4", false},
		{"OPTIONS /api", "99999999999999999999999", "4294967294", false},
		{"GET /api", "0", "0", false},
		{"GET /api", "5", "5", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct settings_route r = plain_route();
		struct forward_request f = {.route = &r};
		struct sent s;
		char in[256];

		snprintf(in, sizeof in,
			 "%s HTTP/1.1\r\nHost: a\r\nMax-Forwards: %s\r\n\r\n",
			 rows[i].line, rows[i].value);
		send_through(&s, &f, in);
		assert_string_equal(value_of(&s, "Max-Forwards"), rows[i].out);
		assert_int_equal(forward_ends_here(&s.head), rows[i].ends);
		sbuf_fini(&s.out);
	}
}

static void overflows_without_a_trace(void **state)
{
	struct settings_route r = plain_route();
	struct forward_request f = {.route = &r, .endpoint = &endpoint, .ids = &ids};
	struct sent s;

	(void)state;
	parse_only(&s, "GET /api/x", "A: b\r\n");
	f.head = &s.head;
	key_filter_init(&s.keys, f.head, presented);
	f.keys = &s.keys;
	for (size_t cap = 1; cap < 80; cap++) {
		sbuf_init(&s.out, cap);
		forward_request_head(&s.out, &f);
		assert_true(s.out.overflow);
		assert_true(s.out.n <= cap);
		sbuf_fini(&s.out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_whole_head),
		cmocka_unit_test(frames_the_body),
		cmocka_unit_test(strips_hop_by_hop),
		cmocka_unit_test(passes_an_upgrade_that_is_asked_for),
		cmocka_unit_test(keeps_credentials_back),
		cmocka_unit_test(passes_the_credentials_that_are_listed),
		cmocka_unit_test(edits_subprotocols_like_fields),
		cmocka_unit_test(lets_no_key_pass_in_any_field),
		cmocka_unit_test(keeps_back_what_held_the_key),
		cmocka_unit_test(lets_no_key_pass_in_what_it_makes),
		cmocka_unit_test(drops_look_alikes),
		cmocka_unit_test(sets_and_removes),
		cmocka_unit_test(set_host_replaces_the_authority),
		cmocka_unit_test(keeps_tracestate_with_its_trace),
		cmocka_unit_test(tells_nothing_unless_the_route_says_so),
		cmocka_unit_test(replaces_what_strangers_claim),
		cmocka_unit_test(adds_to_what_trusted_proxies_say),
		cmocka_unit_test(route_edits_win_over_client_info),
		cmocka_unit_test(tells_a_1_0_client_in_via),
		cmocka_unit_test(detects_loops),
		cmocka_unit_test(counts_max_forwards),
		cmocka_unit_test(overflows_without_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
