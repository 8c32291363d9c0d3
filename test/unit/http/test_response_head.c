/* Unit tests of an upstream's response head. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/http/response_head.h"

#define OK "HTTP/1.1 200 OK\r\n"

static bool parse(struct response_head *h, const char *p, size_t n, enum http_method m,
		  char **copy)
{
	const char *why = NULL;
	size_t scan = 0;
	bool ok;

	*copy = malloc(n);
	assert_non_null(*copy);
	memcpy(*copy, p, n);
	assert_int_equal(response_head_end(*copy, n, &scan), n);
	ok = response_head_parse(h, *copy, n, m, &why);
	if (!ok)
		assert_non_null(why);
	return ok;
}

struct bad_row {
	const char *p;
	size_t n;
};

#define B(text)                                                                          \
	{                                                                                \
		text, sizeof(text) - 1                                                   \
	}

static void check_refused(const struct bad_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct response_head h;
		char *copy;

		if (parse(&h, rows[i].p, rows[i].n, HTTP_GET, &copy))
			fail_msg("accepted: %s", rows[i].p);
		free(copy);
	}
}

static void refuses_bad_status_lines(void **state)
{
	static const struct bad_row rows[] = {
		B("\r\n\r\n"),
		B("HTP/1.1 200 OK\r\n\r\n"),
		B("http/1.1 200 OK\r\n\r\n"),
		B("this is not http at all\r\n\r\n"),
		B("HTTP/01.1 200 OK\r\n\r\n"),
		B("HTTP/2.0 200 OK\r\n\r\n"),
		B("HTTP/1.x 200 OK\r\n\r\n"),
		B("HTTP/1.1200 OK\r\n\r\n"),
		B("HTTP/1.1  200 OK\r\n\r\n"),
		B("HTTP/1.1 2 OK\r\n\r\n"),
		B("HTTP/1.1 20\r\n\r\n"),
		B("HTTP/1.1 2000 OK\r\n\r\n"),
		B("HTTP/1.1 000 OK\r\n\r\n"),
		B("HTTP/1.1 099 OK\r\n\r\n"),
		B("HTTP/1.1 600 OK\r\n\r\n"),
		B("HTTP/1.1 -20 OK\r\n\r\n"),
		B("HTTP/1.1 200OK\r\n\r\n"),
		B("HTTP/1.1 200\tOK\r\n\r\n"),
		B("HTTP/1.1 200 O\0K\r\n\r\n"),
		B("HTTP/1.1 200 O\x7fK\r\n\r\n"),
		B("HTTP/1.1 200 O\rK\r\n\r\n"),
		B("HTTP/1.1 200 OK\n\r\n"),
		B("HTTP/1.1 200 OK\n\n"),
		B("\r\nHTTP/1.1 200 OK\r\n\r\n"),
		B(" HTTP/1.1 200 OK\r\n\r\n"),
	};
	size_t scan = 0;

	(void)state;
	/* Nothing precedes a status line: two empty lines are a head of their own. */
	assert_int_equal(response_head_end("\r\n\r\nHTTP", 8, &scan), 4);
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_fields(void **state)
{
	static const struct bad_row rows[] = {
		B(OK "NoColon\r\n\r\n"),
		B(OK "A : b\r\n\r\n"),
		B(OK "en-US Content-Type: text/xml\r\n\r\n"),
		B(OK ": v\r\n\r\n"),
		B(OK "X-\x01"
		     "A: v\r\n\r\n"),
		B(OK "A: a\0b\r\n\r\n"),
		B(OK "A: 1\rB: 2\r\n\r\n"),
		B(OK "A: 1\n\r\n"),
		B(OK "A: 1\r\n 2\r\n\r\n"),
		B(OK " A: 1\r\n\r\n"),
		B(OK "Content-Length:\r\n 5\r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

static void refuses_bad_framing(void **state)
{
	static const struct bad_row rows[] = {
		B(OK "Content-Length: foo\r\n\r\n"),
		B(OK "Content-Length: +5\r\n\r\n"),
		B(OK "Content-Length: 0x5\r\n\r\n"),
		B(OK "Content-Length: 5x\r\n\r\n"),
		B(OK "Content-Length: 5 5\r\n\r\n"),
		B(OK "Content-Length: 5, 5\r\n\r\n"),
		B(OK "Content-Length: \r\n\r\n"),
		B(OK "Content-Length: 1000000000000000000\r\n\r\n"),
		B(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
		B(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
		B(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
		B(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
		B(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"),
		B(OK "Transfer-Encoding: chunked, gzip\r\n\r\n"),
		B(OK "Transfer-Encoding: identity\r\n\r\n"),
		B(OK "Transfer-Encoding: chunked;a=b\r\n\r\n"),
		B(OK "Transfer-Encoding: \r\n\r\n"),
		B("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	};

	(void)state;
	check_refused(rows, ARRAY_LEN(rows));
}

struct good_row {
	const char *text;
	enum http_method method;
	int status, minor;
	enum http_framing framing;
	uint64_t length;
	bool has_length, close;
	uint32_t keep_alive_s;
	const char *reason;
};

#define G HTTP_GET

static const struct good_row good[] = {
	{OK "Content-Length: 5\r\n\r\n", G, 200, 1, HTTP_LENGTH, 5, true, false, 0, "OK"},
	{OK "Content-Length: 0\r\n\r\n", G, 200, 1, HTTP_LENGTH, 0, true, false, 0, "OK"},
	{OK "Content-Length: 999999999999999999\r\n\r\n", G, 200, 1, HTTP_LENGTH,
	 999999999999999999, true, false, 0, "OK"},
	{OK "transfer-encoding: Chunked\r\n\r\n", G, 200, 1, HTTP_CHUNKED, 0, false,
	 false, 0, "OK"},
	{OK "Content-Length-X: 0\r\nTransfer-Encoding: chunked\r\n\r\n", G, 200, 1,
	 HTTP_CHUNKED, 0, false, false, 0, "OK"},
	{OK "\r\n", G, 200, 1, HTTP_UNTIL_EOF, 0, false, true, 0, "OK"},
	{"HTTP/1.0 200 OK\r\n\r\n", G, 200, 0, HTTP_UNTIL_EOF, 0, false, true, 0, "OK"},
	{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", G, 200, 0, HTTP_LENGTH, 5, true,
	 true, 0, "OK"},
	{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\n", G, 200,
	 0, HTTP_LENGTH, 5, true, false, 0, "OK"},
	{"HTTP/1.2 404 Not Here\r\nContent-Length: 5\r\n\r\n", G, 404, 1, HTTP_LENGTH, 5,
	 true, false, 0, "Not Here"},
	{OK "Connection: x, Close\r\nContent-Length: 5\r\n\r\n", G, 200, 1, HTTP_LENGTH,
	 5, true, true, 0, "OK"},
	{OK "Content-Length: 5\r\n\r\n", HTTP_HEAD, 200, 1, HTTP_NO_BODY, 5, true, false,
	 0, "OK"},
	{OK "\r\n", HTTP_HEAD, 200, 1, HTTP_NO_BODY, 0, false, false, 0, "OK"},
	{OK "Transfer-Encoding: chunked\r\n\r\n", HTTP_HEAD, 200, 1, HTTP_NO_BODY, 0,
	 false, false, 0, "OK"},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", G, 204, 1, HTTP_NO_BODY,
	 0, true, false, 0, "No Content"},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", G, 304, 1,
	 HTTP_NO_BODY, 5, true, false, 0, "Not Modified"},
	{"HTTP/1.1 100 Continue\r\n\r\n", HTTP_POST, 100, 1, HTTP_NO_BODY, 0, false,
	 false, 0, "Continue"},
	{"HTTP/1.1 599\r\nContent-Length: 1\r\n\r\n", G, 599, 1, HTTP_LENGTH, 1, true,
	 false, 0, ""},
	{"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n", G, 200, 1, HTTP_LENGTH, 1, true,
	 false, 0, ""},
	{"HTTP/1.1 200 Ori\xc3\xabntatie\t1\r\nContent-Length: 0\r\n\r\n", G, 200, 1,
	 HTTP_LENGTH, 0, true, false, 0, "Ori\xc3\xabntatie\t1"},
	{OK "Keep-Alive: timeout=5, max=100\r\nContent-Length: 1\r\n\r\n", G, 200, 1,
	 HTTP_LENGTH, 1, true, false, 5, "OK"},
	{OK "Keep-Alive: max=1, Timeout=99999999999\r\nContent-Length: 1\r\n\r\n", G, 200,
	 1, HTTP_LENGTH, 1, true, false, UINT32_MAX, "OK"},
	{OK "Keep-Alive: timeout=, timeout=x, 300\r\nContent-Length: 1\r\n\r\n", G, 200,
	 1, HTTP_LENGTH, 1, true, false, 0, "OK"},
};

static void accepts_and_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct good_row *r = &good[i];
		struct response_head h;
		char *copy;

		if (!parse(&h, r->text, strlen(r->text), r->method, &copy))
			fail_msg("refused: %s", r->text);
		assert_int_equal(h.status, r->status);
		assert_int_equal(h.minor, r->minor);
		assert_int_equal(h.framing, r->framing);
		assert_int_equal(h.content_length, r->length);
		assert_int_equal(h.has_content_length, r->has_length);
		assert_int_equal(h.close, r->close);
		assert_int_equal(h.keep_alive_s, r->keep_alive_s);
		assert_true(str_eq(h.reason, str_of(r->reason)));
		free(copy);
	}
}

static void notes_fields(void **state)
{
	static const char text[] = "HTTP/1.1 101 Switching Protocols\r\n"
				   "Connection: Upgrade, X-Hop\r\n"
				   "Upgrade: websocket\r\n"
				   "X-Hop: 1\r\n"
				   "Content-Type: a/b; c\r\n"
				   "X-Request-Id: 1\r\n"
				   "Date: now\r\n"
				   "ETag: \"x\"\r\n\r\n";
	static const bool hop[] = {true, true, true, false, false, false, false};
	static const char plain[] = OK "Upgrade: h2c\r\nContent-Length: 1\r\n\r\n";
	struct response_head h;
	char *copy;

	(void)state;
	assert_true(parse(&h, text, sizeof text - 1, HTTP_GET, &copy));
	assert_int_equal(h.n_fields, ARRAY_LEN(hop));
	for (unsigned i = 0; i < h.n_fields; i++)
		assert_int_equal(h.fields[i].hop, hop[i]);
	assert_true(str_eq(h.upgrade, STR("websocket")));
	assert_true(str_eq(h.content_type, STR("a/b; c")));
	assert_true(h.has_request_id);
	assert_true(h.has_date);
	free(copy);
	assert_true(parse(&h, plain, sizeof plain - 1, HTTP_GET, &copy));
	assert_int_equal(h.upgrade.n, 0);
	assert_false(h.has_request_id);
	assert_false(h.has_date);
	free(copy);
}

static void keeps_to_the_limits(void **state)
{
	static struct response_head h;
	static char text[RESPONSE_HEAD_MAX + 2];
	const char *why = NULL;
	size_t n = sizeof(OK) - 1;

	(void)state;
	memcpy(text, OK, n);
	for (int i = 0; i < RESPONSE_FIELDS_MAX; i++, n += 4)
		memcpy(text + n, "a:\r\n", 4);
	memcpy(text + n, "\r\n", 2);
	assert_true(response_head_parse(&h, text, n + 2, HTTP_GET, &why));
	assert_int_equal(h.n_fields, RESPONSE_FIELDS_MAX);
	memcpy(text + n, "a:\r\n\r\n", 6);
	assert_false(response_head_parse(&h, text, n + 6, HTTP_GET, &why));

	n = sizeof(OK) - 1;
	memset(text + n, 'a', sizeof text - n);
	text[n + 1] = ':';
	memcpy(text + RESPONSE_HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_true(response_head_parse(&h, text, RESPONSE_HEAD_MAX, HTTP_GET, &why));
	memcpy(text + RESPONSE_HEAD_MAX - 4, "a\r\n\r\n", 5);
	assert_false(
		response_head_parse(&h, text, RESPONSE_HEAD_MAX + 1, HTTP_GET, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_status_lines),
		cmocka_unit_test(refuses_bad_fields),
		cmocka_unit_test(refuses_bad_framing),
		cmocka_unit_test(accepts_and_frames),
		cmocka_unit_test(notes_fields),
		cmocka_unit_test(keeps_to_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
