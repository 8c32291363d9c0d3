/* Unit tests of the request head: what is accepted, what is refused, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/http/request_head.h"

#define RL "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define GET RL HOST
#define POST "POST / HTTP/1.1\r\n" HOST

static const struct head_limits limits = {16384, 100};

/* Parses a heap copy of exactly that size, so that a sanitizer sees one byte too far. */
static bool parse(struct request_head *h, const char *p, size_t n,
		  struct head_refusal *why, char **copy)
{
	size_t scan = 0;

	*copy = malloc(n ? n : 1);
	assert_non_null(*copy);
	memcpy(*copy, p, n);
	*why = (struct head_refusal){0};
	assert_int_equal(request_head_end(*copy, n, &scan), n);
	return request_head_parse(h, *copy, n, &limits, why);
}

struct refused {
	int status;
	const char *p;
	size_t n;
};

#define R(status, text)                                                                  \
	{                                                                                \
		status, text, sizeof(text) - 1                                           \
	}

static void check_refused(const struct refused *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct request_head h;
		struct head_refusal why;
		char *copy;

		if (parse(&h, rows[i].p, rows[i].n, &why, &copy))
			fail_msg("accepted: %s", rows[i].p);
		if (why.status != rows[i].status)
			fail_msg("%d, not %d: %s", why.status, rows[i].status, rows[i].p);
		assert_non_null(why.detail);
		free(copy);
	}
}

static void refuses_bad_request_lines(void **state)
{
	static const struct refused rows[] = {
		R(400, "GET /\r\n\r\n"),
		R(400, "GET\r\n\r\n"),
		R(400, "GET HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET  HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
		R(400, "GET / HTTP/1.1 x\r\n" HOST "\r\n"),
		R(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /\tHTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/1.1\n" HOST "\r\n"),
		R(400, "GET /\r HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "G(T / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET: / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "G\0T / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET\xff / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "/ HTTP/1.1\r\n" HOST "\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_versions(void **state)
{
	static const struct refused rows[] = {
		R(505, "GET / HTTP/0.9\r\n" HOST "\r\n"),
		R(505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
		R(505, "PRI * HTTP/2.0\r\n\r\n"),
		R(400, "GET / HTTP/1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/11\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/1.10\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/01.1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/4294967297.1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/1.-1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/+1.1\r\n" HOST "\r\n"),
		R(400, "GET / http/1.1\r\n" HOST "\r\n"),
		R(400, "GET / HTTPS/1.1\r\n" HOST "\r\n"),
		R(400, "GET / HTTP/1,1\r\n" HOST "\r\n"),
		R(400, "GET / FTP/1.1\r\n" HOST "\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void reads_higher_minor_versions_as_1_1(void **state)
{
	static const char *const versions[] = {"1.2", "1.9"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct request_head h;
		struct head_refusal why;
		char text[64], *copy;
		int n = snprintf(text, sizeof text, "GET / HTTP/%s\r\n" HOST "\r\n",
				 versions[i]);

		assert_true(parse(&h, text, (size_t)n, &why, &copy));
		assert_int_equal(h.minor, 1);
		assert_false(h.close);
		free(copy);
	}
}

static void refuses_bad_targets(void **state)
{
	static const struct refused rows[] = {
		R(400, "GET a HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET a/b HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET * HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET a:80 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "OPTIONS */x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /a b HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /a\0b HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /a\x7f HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /caf\xc3\xa9#\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /caf\xc3\xa9\x7f HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /caf\xe9 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /x?caf\xe9 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /caf\xc3 HTTP/1.0\r\n" HOST "\r\n"),
		R(400, "GET /a\xc0\xaf HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /\xe0\x80\xae/ HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /?\xed\xa0\x80\xed\xb0\x80 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /\xf4\x90\x80\x80 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /\xff HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET caf\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://caf\xc3\xa9/ HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "OPTIONS *\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET foo://h/x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http:/h/x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://:80/x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://u@h/x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://u:p@h/x HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://h:x/ HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://a\\b/ HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "GET http://h/x HTTP/1.1\r\n\r\n"),
		R(400, "GET http://h/x HTTP/1.1\r\nHost: a b\r\n\r\n"),
		R(405, "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n"),
		R(405, "TRACE / HTTP/1.1\r\n" HOST "\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_lines(void **state)
{
	static const struct refused rows[] = {
		R(400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
		R(400, GET "\n"),
		R(400, GET "A: b\n\r\n"),
		R(400, GET "A: b\rC: d\r\n\r\n"),
		R(400, GET "\rA: b\r\n\r\n"),
		R(400, GET "A: b\r\r\n\r\n"),
		R(400, GET "A\r: b\r\n\r\n"),
		R(400, GET "A\n: b\r\n\r\n"),
		R(400, GET "A:\nB: c\r\n\r\n"),
		R(400, "\nGET / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "\r\rGET / HTTP/1.1\r\n" HOST "\r\n"),
		R(400, "\r\n\r\n\r\n\r\n\r\n" GET "\r\n"),
		R(400, RL " Host: a\r\n\r\n"),
		R(400, RL "\tA: b\r\n" HOST "\r\n"),
		R(400, GET "A: b\r\n c\r\n\r\n"),
		R(400, GET "A: b\r\n\tc\r\n\r\n"),
		R(400, GET "A:\r\n b\r\n\r\n"),
		R(400, GET " \r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_fields(void **state)
{
	static const struct refused rows[] = {
		R(400, GET "NoColon\r\n\r\n"),
		R(400, GET ": b\r\n\r\n"),
		R(400, GET ":\r\n\r\n"),
		R(400, GET "A : b\r\n\r\n"),
		R(400, GET "A\t: b\r\n\r\n"),
		R(400, GET "A b: c\r\n\r\n"),
		R(400, GET "A(b: c\r\n\r\n"),
		R(400, GET "A\xff: c\r\n\r\n"),
		R(400, GET "A\0: c\r\n\r\n"),
		R(400, GET "A\x7f: c\r\n\r\n"),
		R(400, GET "\0A: c\r\n\r\n"),
		R(400, GET "A: b\0c\r\n\r\n"),
		R(400, GET "A: \x0b"
			   "b\r\n\r\n"),
		R(400, GET "A: b\x7f\r\n\r\n"),
		R(400, GET "A: b\x1f\r\n\r\n"),
		R(417, GET "Expect: 200-ok\r\n\r\n"),
		R(417, GET "Expect: 100-continue, x\r\n\r\n"),
		R(417, "GET / HTTP/1.0\r\nExpect: x\r\n\r\n"),
		R(400, GET "Max-Forwards: x\r\n\r\n"),
		R(400, GET "Max-Forwards:\r\n\r\n"),
		R(400, GET "Max-Forwards: -1\r\n\r\n"),
		R(400, GET "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_hosts(void **state)
{
	static const struct refused rows[] = {
		R(400, RL "\r\n"),
		R(400, RL "A: b\r\n\r\n"),
		R(400, GET HOST "\r\n"),
		R(400, GET "host: b\r\n\r\n"),
		R(400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
		R(400, RL "Host: a b\r\n\r\n"),
		R(400, RL "Host: a/b\r\n\r\n"),
		R(400, RL "Host: a@b\r\n\r\n"),
		R(400, RL "Host: a\\b\r\n\r\n"),
		R(400, RL "Host: a?b\r\n\r\n"),
		R(400, RL "Host: a\"b\r\n\r\n"),
		R(400, RL "Host: a\xff\r\n\r\n"),
		R(400, RL "Host: a%2\r\n\r\n"),
		R(400, RL "Host: a%zz\r\n\r\n"),
		R(400, RL "Host: :80\r\n\r\n"),
		R(400, RL "Host: a:b\r\n\r\n"),
		R(400, RL "Host: a:80:80\r\n\r\n"),
		R(400, RL "Host: a:65536\r\n\r\n"),
		R(400, RL "Host: a:000080\r\n\r\n"),
		R(400, RL "Host: a:+80\r\n\r\n"),
		R(400, RL "Host: 4714::abcd:8001\r\n\r\n"),
		R(400, RL "Host: [::1\r\n\r\n"),
		R(400, RL "Host: [::1]x\r\n\r\n"),
		R(400, RL "Host: []\r\n\r\n"),
		R(400, RL "Host: [1.2.3.4]\r\n\r\n"),
		R(400, RL "Host: [fe80::1%25lo]\r\n\r\n"),
		R(400,
		  RL "Host: [0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]\r\n\r\n"),
		R(400, RL "Host: [v1.a]\r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_lengths(void **state)
{
	static const struct refused rows[] = {
		R(400, POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"),
		R(400, POST "Content-Length: 3\r\ncontent-length: 4\r\n\r\n"),
		R(400, POST "Content-Length: 3, 3\r\n\r\n"),
		R(400, POST "Content-Length:\r\n\r\n"),
		R(400, POST "Content-Length: -1\r\n\r\n"),
		R(400, POST "Content-Length: +3\r\n\r\n"),
		R(400, POST "Content-Length: 0x3\r\n\r\n"),
		R(400, POST "Content-Length: 3;\r\n\r\n"),
		R(400, POST "Content-Length: 3 3\r\n\r\n"),
		R(400, POST "Content-Length: 1_0\r\n\r\n"),
		R(400, POST "Content-Length: 1e1\r\n\r\n"),
		R(400, POST "Content-Length: 3.0\r\n\r\n"),
		R(400, POST "Content-Length: \x0b"
			    "3\r\n\r\n"),
		R(400, POST "Content-Length: 3\xa0\r\n\r\n"),
		R(400, POST "Content-Length: 1000000000000000000\r\n\r\n"),
		R(400, POST "Content-Length: 18446744073709551619\r\n\r\n"),
		R(400, POST "Content-Length : 3\r\n\r\n"),
		R(400, "HEAD / HTTP/1.1\r\n" HOST
		       "Content-Length: 4\r\nContent-Length: 5\r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_codings(void **state)
{
	static const struct refused rows[] = {
		R(400, POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
		R(400, POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
		R(400, POST "Content-Length: 3\r\nTransfer-Encoding: identity\r\n\r\n"),
		R(400, POST
		  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
		R(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
		R(400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
		R(400, POST "Transfer-Encoding: chunked;x=y\r\n\r\n"),
		R(400, POST "Transfer-Encoding: ,chunked\r\n\r\n"),
		R(400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
		R(400, POST "Transfer-Encoding:\r\n\r\n"),
		R(400, POST "Transfer-Encoding : chunked\r\n\r\n"),
		R(400, POST "Transfer-Encoding: \x0b"
			    "chunked\r\n\r\n"),
		R(400, POST "Transfer-Encoding: chunked\xff\r\n\r\n"),
		R(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
		R(501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
		R(501, POST "Transfer-Encoding: gzip\r\n\r\n"),
		R(501, POST "Transfer-Encoding: identity\r\n\r\n"),
		R(501, POST "Transfer-Encoding: xchunked\r\n\r\n"),
		R(501, POST "Transfer-Encoding: chunkedchunked\r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void accepts_targets(void **state)
{
	static const struct {
		const char *line, *path, *query, *host;
		bool has_query;
	} rows[] = {
		{"GET / HTTP/1.1", "/", "", "a", false},
		{"GET /? HTTP/1.1", "/", "", "a", true},
		{"GET /a/b?c=d?e&f HTTP/1.1", "/a/b", "c=d?e&f", "a", true},
		{"GET //evil/path HTTP/1.1", "//evil/path", "", "a", false},
		{"GET /a%2Fb%00\"<>\\^`{|} HTTP/1.1", "/a%2Fb%00\"<>\\^`{|}", "", "a",
		 false},
		{"OPTIONS * HTTP/1.1", "*", "", "a", false},
		{"OPTIONS http://b HTTP/1.1", "*", "", "b", false},
		{"OPTIONS http://b/ HTTP/1.1", "/", "", "b", false},
		{"GET http://b HTTP/1.1", "/", "", "b", false},
		{"GET http://b?q HTTP/1.1", "/", "q", "b", true},
		{"GET HTTP://b:81/x?q HTTP/1.1", "/x", "q", "b:81", true},
		{"GET https://[::1]:8/x HTTP/1.1", "/x", "", "[::1]:8", false},
		{"get /x HTTP/1.1", "/x", "", "a", false},
		{"GET /\xc3\xa9?\xe2\x82\xac HTTP/1.0", "/\xc3\xa9", "\xe2\x82\xac", "a",
		 true},
		{"GET http://b/\xf0\x9f\x98\x80 HTTP/1.1", "/\xf0\x9f\x98\x80", "", "b",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request_head h;
		struct head_refusal why;
		char text[256], *copy;
		int n = snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n",
				 rows[i].line);

		assert_true(parse(&h, text, (size_t)n, &why, &copy));
		assert_true(str_eq(h.path, str_of(rows[i].path)));
		assert_true(str_eq(h.query, str_of(rows[i].query)));
		assert_true(str_eq(h.host, str_of(rows[i].host)));
		assert_int_equal(h.has_query, rows[i].has_query);
		free(copy);
	}
}

static void accepts_hosts(void **state)
{
	static const char *const hosts[] = {
		"",        "a",           "a.b-c_d~e", "A:80",     "a:",
		"a:65535", "127.0.0.1:1", "[::1]",     "[::1]:80", "[::ffff:1.2.3.4]:",
		"a%20b",   "!$&'()*+,;=",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct request_head h;
		struct head_refusal why;
		char text[256], *copy;
		int n = snprintf(text, sizeof text, RL "Host: %s \r\n\r\n", hosts[i]);

		if (!parse(&h, text, (size_t)n, &why, &copy))
			fail_msg("refused: %s", hosts[i]);
		assert_true(str_eq(h.host, str_of(hosts[i])));
		free(copy);
	}
}

struct accepted {
	const char *text;
	enum http_method method;
	int minor;
	enum http_framing framing;
	uint64_t length;
	bool expect, close;
};

static void accepts_framings(void **state)
{
	static const struct accepted rows[] = {
		{GET "\r\n", HTTP_GET, 1, HTTP_NO_BODY, 0, false, false},
		{"\r\n\r\n\r\n\r\n" GET "\r\n", HTTP_GET, 1, HTTP_NO_BODY, 0, false,
		 false},
		{POST "\r\n", HTTP_POST, 1, HTTP_NO_BODY, 0, false, false},
		{POST "Content-Length: 0\r\n\r\n", HTTP_POST, 1, HTTP_LENGTH, 0, false,
		 false},
		{POST "conTENT-lenGTH:\t 5\t \r\n\r\n", HTTP_POST, 1, HTTP_LENGTH, 5,
		 false, false},
		{POST "Content-Length: 00005\r\n\r\n", HTTP_POST, 1, HTTP_LENGTH, 5,
		 false, false},
		{POST "Content-Length: 999999999999999999\r\n\r\n", HTTP_POST, 1,
		 HTTP_LENGTH, 999999999999999999, false, false},
		{POST "Transfer-Encoding: Chunked \r\n\r\n", HTTP_POST, 1, HTTP_CHUNKED,
		 0, false, false},
		{GET "Content-Length: 5\r\n\r\n", HTTP_GET, 1, HTTP_LENGTH, 5, false,
		 false},
		{"HEAD / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", HTTP_HEAD, 1,
		 HTTP_LENGTH, 5, false, false},
		{"DELETE / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		 HTTP_DELETE, 1, HTTP_CHUNKED, 0, false, false},
		{"FOO / HTTP/1.1\r\n" HOST "\r\n", HTTP_OTHER, 1, HTTP_NO_BODY, 0, false,
		 false},
		{"GET / HTTP/1.0\r\n\r\n", HTTP_GET, 0, HTTP_NO_BODY, 0, false, true},
		{"POST / HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
		 HTTP_POST, 0, HTTP_LENGTH, 5, false, true},
		{POST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n", HTTP_POST, 1,
		 HTTP_LENGTH, 5, true, false},
		{POST "Expect: 100-continue\r\n\r\n", HTTP_POST, 1, HTTP_NO_BODY, 0,
		 false, false},
		{POST "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n", HTTP_POST, 1,
		 HTTP_LENGTH, 0, false, false},
		{POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
		 HTTP_POST, 1, HTTP_CHUNKED, 0, true, false},
		{"POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
		 HTTP_POST, 0, HTTP_LENGTH, 5, false, true},
		{GET "Connection: Close\r\n\r\n", HTTP_GET, 1, HTTP_NO_BODY, 0, false,
		 true},
		{GET "Connection: keep-alive, close\r\n\r\n", HTTP_GET, 1, HTTP_NO_BODY,
		 0, false, true},
		{GET "Connection: a\r\nConnection: b ,, close\r\n\r\n", HTTP_GET, 1,
		 HTTP_NO_BODY, 0, false, true},
		{GET "Connection: closed, x close\r\n\r\n", HTTP_GET, 1, HTTP_NO_BODY, 0,
		 false, false},
		{GET "Max-Forwards: 0\r\n\r\n", HTTP_GET, 1, HTTP_NO_BODY, 0, false,
		 false},
		{GET "A: \xc3\xa9\t\"x\r\nB:\r\n!#$: ok\r\n\r\n", HTTP_GET, 1,
		 HTTP_NO_BODY, 0, false, false},
		{POST "Content_Length: 5\r\n\r\n", HTTP_POST, 1, HTTP_NO_BODY, 0, false,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct accepted *row = &rows[i];
		struct request_head h;
		struct head_refusal why;
		char *copy;

		if (!parse(&h, row->text, strlen(row->text), &why, &copy))
			fail_msg("refused: %s", row->text);
		assert_int_equal(h.method, row->method);
		assert_int_equal(h.minor, row->minor);
		assert_int_equal(h.framing, row->framing);
		assert_int_equal(h.content_length, row->length);
		assert_int_equal(h.expect_continue, row->expect);
		assert_int_equal(h.close, row->close);
		free(copy);
	}
}

static void marks_hop_by_hop(void **state)
{
	static const char text[] = GET "Connection: x-a, Authorization ,X-API-Key,x_b\r\n"
				       "X-A: 1\r\nX-B: 1\r\nAuthorization: "
				       "1\r\nx-api-key: 1\r\nX-a: 2\r\nX_B: 3\r\n"
				       "Keep-Alive: 1\r\nProxy-Connection: 1\r\nTE: "
				       "1\r\nTrailer: 1\r\nUpgrade: 1\r\n"
				       "Proxy-Authenticate: 1\r\nProxy: "
				       "1\r\nProxy-Authorization: 1\r\nCookie: 1\r\n\r\n";
	/* Host, Connection, X-A, X-B, Authorization, x-api-key, X-a, X_B ... */
	static const bool hop[] = {false, true, true, false, true, true,
				   true,  true, true, true,  true, true,
				   true,  true, true, false, false};
	struct request_head h;
	struct head_refusal why;
	char *copy;

	(void)state;
	assert_true(parse(&h, text, sizeof text - 1, &why, &copy));
	assert_int_equal(h.n_fields, ARRAY_LEN(hop));
	for (unsigned i = 0; i < h.n_fields; i++)
		assert_int_equal(h.fields[i].hop, hop[i]);
	assert_int_equal(h.upgrade.n, 0); /* Connection does not name it */
	free(copy);
}

static void reads_upgrade_and_te(void **state)
{
	static const struct {
		const char *text, *upgrade;
		bool trailers;
	} rows[] = {
		{GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "websocket",
		 false},
		{GET "Connection: x, upgrade\r\nUpgrade: a, b/1\r\n\r\n", "a, b/1",
		 false},
		{GET "Upgrade: websocket\r\n\r\n", "", false},
		{GET "Connection: upgrade\r\n\r\n", "", false},
		{GET "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n", "",
		 false},
		{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		 "", false},
		{GET "TE: Trailers\r\n\r\n", "", true},
		{GET "TE: deflate;q=0.5\r\nTE: x, trailers\r\n\r\n", "", true},
		{GET "TE: gzip\r\n\r\n", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request_head h;
		struct head_refusal why;
		char *copy;

		assert_true(parse(&h, rows[i].text, strlen(rows[i].text), &why, &copy));
		assert_true(str_eq(h.upgrade, str_of(rows[i].upgrade)));
		assert_int_equal(h.te_trailers, rows[i].trailers);
		free(copy);
	}
}

static void finds_fields(void **state)
{
	static const char text[] = GET "Accept: 1\r\nX-Api-Key: k\r\naccept: 2\r\n\r\n";
	struct request_head h;
	struct head_refusal why;
	unsigned count = 9;
	char *copy;

	(void)state;
	assert_true(parse(&h, text, sizeof text - 1, &why, &copy));
	assert_null(request_head_field(&h, HTTP_H_COOKIE, &count));
	assert_int_equal(count, 0);
	assert_null(request_head_field(&h, HTTP_H_ACCEPT, &count));
	assert_int_equal(count, 2);
	assert_true(str_eq(request_head_field(&h, HTTP_H_X_API_KEY, &count)->value,
			   STR("k")));
	assert_int_equal(count, 1);
	assert_true(request_head_has(&h, HTTP_H_ACCEPT));
	assert_false(request_head_has(&h, HTTP_H_COOKIE));
	free(copy);
}

/* The head's end is found wherever the input was cut, and only there. */
static void finds_the_end_at_each_split(void **state)
{
	static const struct {
		const char *text;
		size_t end;
	} rows[] = {
		{GET "\r\nbody\r\n\r\n", sizeof(GET) + 1},
		{"\r\n\r\n" GET "A: b\r\n\r\n", sizeof(GET) - 1 + 12},
		{"GET / HTTP/1.1\n\nrest", 16},
		{"GET / HTTP/1.1\r\n\nrest", 17},
		{"a\r\n\rb\r\n\r\n", 9},
		{"\r\n\r\n\r\n", 0},
		{"", 0},
		{GET, 0},
		{GET "\r", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text), scan = 0, got = 0;

		assert_int_equal(request_head_end(rows[i].text, n, &scan), rows[i].end);
		scan = 0;
		for (size_t have = 0; have <= n && got == 0; have++) {
			got = request_head_end(rows[i].text, have, &scan);
			assert_true(got == 0 || got == have);
		}
		assert_int_equal(got, rows[i].end);
		for (size_t cut = 0; cut <= n; cut++) {
			scan = 0;
			got = request_head_end(rows[i].text, cut, &scan);
			if (got == 0)
				got = request_head_end(rows[i].text, n, &scan);
			assert_int_equal(got, rows[i].end);
		}
	}
}

static void tls_is_told_apart(void **state)
{
	static const struct {
		const char *p;
		size_t n;
		bool refused, tls;
	} rows[] = {
		{"\x16", 1, false, false},
		{"\x16\x03", 2, false, false},
		{"\x16\x03\x00", 3, true, true},
		{"\x16\x03\x01\x02\x00\x01", 6, true, true},
		{"\x16\x03\x04", 3, true, true},
		{"\x16\x03\x05", 3, true, false},
		{"\x16\x02\x01", 3, true, false},
		{"\x15\x03\x01", 3, true, false},
		{"\x80", 1, true, false},
	};
	/* An empty line inside, by chance. */
	static const char whole[] = "\x16\x03\x01\x02\x00\r\n\r\n";
	struct request_head h;
	struct head_refusal why;
	char *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		why = (struct head_refusal){0};
		assert_int_equal(
			request_head_refuse_early(rows[i].p, rows[i].n, &limits, &why),
			rows[i].refused);
		assert_int_equal(why.tls, rows[i].tls);
		assert_int_equal(why.status, rows[i].refused ? 400 : 0);
	}
	assert_false(parse(&h, whole, sizeof whole - 1, &why, &copy));
	assert_true(why.tls);
	free(copy);
}

/* A head with a request line of line bytes and fields field lines of 4 + value bytes. */
static char *make_head(size_t line, unsigned fields, size_t value, size_t *n)
{
	size_t room = line + 64 + fields * (value + 5), at = 0;
	char *p = malloc(room);

	assert_non_null(p);
	memset(p, 'a', line);
	memcpy(p, "GET /", 5);
	memcpy(p + line - 9, " HTTP/1.1\r\n", 11);
	at = line + 2;
	memcpy(p + at, HOST, sizeof(HOST) - 1);
	at += sizeof(HOST) - 1;
	for (unsigned i = 1; i < fields; i++) {
		memcpy(p + at, "x:", 2);
		memset(p + at + 2, 'v', value);
		memcpy(p + at + 2 + value, "\r\n", 2);
		at += value + 4;
	}
	memcpy(p + at, "\r\n", 2);
	*n = at + 2;
	return p;
}

static int status_of_size(size_t line, unsigned fields, size_t value,
			  struct head_limits limit)
{
	struct request_head h;
	struct head_refusal why = {0};
	size_t n, scan = 0;
	char *p = make_head(line, fields, value, &n);
	bool ok;

	assert_int_equal(request_head_end(p, n, &scan), n);
	ok = request_head_parse(&h, p, n, &limit, &why);
	assert_int_equal(ok, why.status == 0);
	free(p);
	return why.status;
}

static void keeps_to_the_limits(void **state)
{
	struct head_limits tight = {1024, 5}, wide = {65536, 200};
	size_t rest = sizeof(HOST) - 1 + 4; /* CRLF of the line, and the empty line */

	(void)state;
	assert_int_equal(status_of_size(1024 - rest, 1, 0, tight), 0);
	assert_int_equal(status_of_size(1024 - rest + 1, 1, 0, tight), 431);
	assert_int_equal(status_of_size(1024, 1, 0, tight), 431);
	assert_int_equal(status_of_size(1025, 1, 0, tight), 414);
	assert_int_equal(status_of_size(REQUEST_LINE_MAX, 1, 0, wide), 0);
	assert_int_equal(status_of_size(REQUEST_LINE_MAX + 1, 1, 0, wide), 414);
	assert_int_equal(status_of_size(20, 5, 10, tight), 0);
	assert_int_equal(status_of_size(20, 6, 10, tight), 431);
	assert_int_equal(status_of_size(20, 200, 10, wide), 0);
	assert_int_equal(status_of_size(20, 201, 10, wide), 431);
	wide.headers = 1000; /* never more than the array holds */
	assert_int_equal(status_of_size(20, 200, 10, wide), 0);
	assert_int_equal(status_of_size(20, 201, 10, wide), 431);
}

static bool parse_with_options(unsigned options, int *status)
{
	static const char start[] = GET "Connection: ", end[] = "\r\n\r\n";
	char text[512], *copy;
	struct request_head h;
	struct head_refusal why;
	size_t n = sizeof start - 1;
	bool ok;

	memcpy(text, start, n);
	for (unsigned i = 0; i < options; i++, n += 2)
		memcpy(text + n, "x,", 2);
	memcpy(text + n, end, sizeof end - 1);
	ok = parse(&h, text, n + sizeof end - 1, &why, &copy);
	*status = why.status;
	free(copy);
	return ok;
}

static void bounds_connection_options(void **state)
{
	int status;

	(void)state;
	assert_true(parse_with_options(64, &status));
	assert_false(parse_with_options(65, &status));
	assert_int_equal(status, 400);
}

static void refuses_early(void **state)
{
	static const struct refused rows[] = {
		R(0, ""),
		R(0, "\r\n"),
		R(0, "GET / HTT"),
		R(0, "GET / HTTP/1.1\r"),
		R(0, "GET / HTTP/1.1\r\nA: \x01"),
		R(400, "\x16\x03\x01\x02"),
		R(400, " GET"),
		R(400, "GET /\x01"),
		R(400, "GET / HTTP/1.0\r\r"),
		R(400, "\r\n\r\n\r\n\r\n\r\n"),
	};
	struct head_limits tight = {1024, 5}, wide = {16384, 5};
	struct head_refusal why;
	char big[16385];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		why.status = 0;
		assert_int_equal(
			request_head_refuse_early(rows[i].p, rows[i].n, &limits, &why),
			rows[i].status != 0);
		assert_int_equal(why.status, rows[i].status);
	}
	memset(big, 'a', sizeof big);
	assert_false(request_head_refuse_early(big, 1024, &tight, &why));
	assert_true(request_head_refuse_early(big, 1025, &tight, &why));
	assert_int_equal(why.status, 414);
	assert_false(request_head_refuse_early(big, REQUEST_LINE_MAX + 1, &wide, &why));
	assert_true(request_head_refuse_early(big, REQUEST_LINE_MAX + 2, &wide, &why));
	assert_int_equal(why.status, 414);
	memcpy(big + 100, "\r\n", 2);
	assert_false(request_head_refuse_early(big, 16384, &wide, &why));
	assert_true(request_head_refuse_early(big, 16385, &wide, &why));
	assert_int_equal(why.status, 431);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_request_lines),
		cmocka_unit_test(refuses_bad_versions),
		cmocka_unit_test(reads_higher_minor_versions_as_1_1),
		cmocka_unit_test(refuses_bad_targets),
		cmocka_unit_test(refuses_bad_lines),
		cmocka_unit_test(refuses_bad_fields),
		cmocka_unit_test(refuses_bad_hosts),
		cmocka_unit_test(refuses_bad_lengths),
		cmocka_unit_test(refuses_bad_codings),
		cmocka_unit_test(accepts_targets),
		cmocka_unit_test(accepts_hosts),
		cmocka_unit_test(accepts_framings),
		cmocka_unit_test(marks_hop_by_hop),
		cmocka_unit_test(reads_upgrade_and_te),
		cmocka_unit_test(finds_fields),
		cmocka_unit_test(finds_the_end_at_each_split),
		cmocka_unit_test(tls_is_told_apart),
		cmocka_unit_test(keeps_to_the_limits),
		cmocka_unit_test(bounds_connection_options),
		cmocka_unit_test(refuses_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
