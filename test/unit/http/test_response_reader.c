/* Unit tests of gateway/http/response_reader.c: heads and bodies in reads of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/check.h"
#include "gateway/http/response_reader.h"

#define READ_MAX 65536

/* What came of a response that arrived in reads of some size. */
struct outcome {
	enum response_found heads[8];
	unsigned n_heads;
	int status;
	char body[256];
	size_t n_body;
	bool done, bad, excess;
};

static void take_body(struct outcome *o, struct response_reader *r, char *bytes, size_t n)
{
	struct response_piece p = response_reader_body(r, bytes, n);

	assert_true(o->n_body + p.n <= sizeof o->body);
	memcpy(o->body + o->n_body, bytes, p.n);
	o->n_body += p.n;
	o->done = o->done || p.done;
	o->bad = o->bad || p.bad;
	o->excess = o->excess || p.excess;
}

static void take_heads(struct outcome *o, struct response_reader *r, char *bytes,
		       size_t n)
{
	struct response_bytes b;
	struct response_head h;
	enum response_found found;
	const char *why = NULL;

	response_bytes_init(&b, r, bytes, n);
	do {
		found = response_reader_head(r, &b, &h, &why);
		if (found == RESPONSE_NOTHING)
			break;
		assert_true(o->n_heads < ARRAY_LEN(o->heads));
		o->heads[o->n_heads++] = found;
		assert_true(found != RESPONSE_BAD || why != NULL);
		if (found != RESPONSE_BAD && found != RESPONSE_TOO_LARGE)
			o->status = h.status;
	} while (found == RESPONSE_INTERIM);
	assert_int_equal(r->has_head, found == RESPONSE_FINAL);
	if (found == RESPONSE_FINAL)
		take_body(o, r, b.p, b.n);
	response_bytes_fini(&b);
}

/* Reads text in pieces of step bytes, each of which is gone afterwards. */
static struct outcome read_in_steps(const char *text, size_t n, size_t step,
				    enum http_method method)
{
	struct response_reader r;
	struct outcome o = {0};

	response_reader_init(&r, method, READ_MAX);
	for (size_t at = 0; at < n && !o.done && !o.bad; at += step) {
		size_t k = n - at < step ? n - at : step;
		char *read = xmalloc(k);

		memcpy(read, text + at, k);
		if (r.has_head)
			take_body(&o, &r, read, k);
		else
			take_heads(&o, &r, read, k);
		free(read);
		if (o.n_heads && !r.has_head &&
		    o.heads[o.n_heads - 1] != RESPONSE_INTERIM)
			break;
	}
	response_reader_fini(&r);
	return o;
}

struct reader_case {
	const char *text;
	enum http_method method;
	enum response_found heads[3];
	unsigned n_heads;
	int status;
	const char *body;
	bool done, bad, excess;
};

#define INTERIM RESPONSE_INTERIM
#define FINAL RESPONSE_FINAL

static const struct reader_case cases[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	 HTTP_GET,
	 {FINAL},
	 1,
	 200,
	 "hello",
	 true,
	 false,
	 false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
	 HTTP_GET,
	 {FINAL},
	 1,
	 200,
	 "hello",
	 false,
	 false,
	 false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	 HTTP_GET,
	 {FINAL},
	 1,
	 200,
	 "",
	 true,
	 false,
	 false},
	{"HTTP/1.1 204 No Content\r\n\r\n",
	 HTTP_GET,
	 {FINAL},
	 1,
	 204,
	 "",
	 true,
	 false,
	 false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
	 HTTP_HEAD,
	 {FINAL},
	 1,
	 200,
	 "",
	 true,
	 false,
	 false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
	 HTTP_POST,
	 {FINAL},
	 1,
	 200,
	 "hello!",
	 true,
	 false,
	 false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
	 HTTP_GET,
	 {FINAL},
	 1,
	 200,
	 "hello",
	 false,
	 true,
	 false},
	{"HTTP/1.0 200 OK\r\n\r\nuntil the end",
	 HTTP_GET,
	 {FINAL},
	 1,
	 200,
	 "until the end",
	 false,
	 false,
	 false},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	 "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
	 HTTP_GET,
	 {INTERIM, INTERIM, FINAL},
	 3,
	 404,
	 "no",
	 true,
	 false,
	 false},
	{"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
	 "Upgrade: websocket\r\n\r\n",
	 HTTP_GET,
	 {RESPONSE_SWITCHED},
	 1,
	 101,
	 "",
	 false,
	 false,
	 false},
	{"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
	 HTTP_GET,
	 {RESPONSE_BAD},
	 1,
	 0,
	 "",
	 false,
	 false,
	 false},
};

static void test_reads_of_any_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct reader_case *t = &cases[i];
		size_t n = strlen(t->text);

		for (size_t step = 1; step <= n; step++) {
			struct outcome o = read_in_steps(t->text, n, step, t->method);

			assert_int_equal(o.n_heads, t->n_heads);
			assert_memory_equal(o.heads, t->heads,
					    t->n_heads * sizeof t->heads[0]);
			assert_int_equal(o.status, t->status);
			assert_int_equal(o.n_body, strlen(t->body));
			assert_memory_equal(o.body, t->body, o.n_body);
			/* A body that is none ends with the head, a chunk's fault
			 * shows when it comes. */
			assert_int_equal(o.done, t->done);
			assert_int_equal(o.bad, t->bad);
			assert_int_equal(o.excess, t->excess);
		}
	}
}

static void test_bytes_behind_the_end(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		size_t n = strlen(texts[i]);
		struct outcome o = read_in_steps(texts[i], n, n, HTTP_GET);

		assert_true(o.done && o.excess);
		assert_int_equal(o.n_body, 2);
	}
}

static void test_a_head_without_end(void **state)
{
	static const char start[] = "HTTP/1.1 200 OK\r\nA: ";
	size_t n = RESPONSE_HEAD_MAX + 1;
	char *text = xmalloc(n);
	struct outcome o;

	(void)state;
	memset(text, 'a', n);
	memcpy(text, start, sizeof start - 1);
	o = read_in_steps(text, n - 1, 1000, HTTP_GET);
	assert_int_equal(o.n_heads, 0);
	o = read_in_steps(text, n, 1000, HTTP_GET);
	assert_int_equal(o.n_heads, 1);
	assert_int_equal(o.heads[0], RESPONSE_TOO_LARGE);
	free(text);
}

static void test_what_is_inside_a_head(void **state)
{
	struct response_reader r;
	char bytes[] = "HTTP/1.1 100 Continue\r\n\r\nHTTP";
	struct response_bytes b;
	struct response_head h;
	const char *why;

	(void)state;
	response_reader_init(&r, HTTP_GET, READ_MAX);
	assert_false(response_reader_is_inside_head(&r));
	response_bytes_init(&b, &r, bytes, sizeof bytes - 1 - 4);
	assert_int_equal(response_reader_head(&r, &b, &h, &why), RESPONSE_INTERIM);
	assert_int_equal(response_reader_head(&r, &b, &h, &why), RESPONSE_NOTHING);
	response_bytes_fini(&b);
	assert_false(response_reader_is_inside_head(&r));
	response_bytes_init(&b, &r, bytes + sizeof bytes - 1 - 4, 4);
	assert_int_equal(response_reader_head(&r, &b, &h, &why), RESPONSE_NOTHING);
	response_bytes_fini(&b);
	assert_true(response_reader_is_inside_head(&r));
	response_reader_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_of_any_size),
		cmocka_unit_test(test_bytes_behind_the_end),
		cmocka_unit_test(test_a_head_without_end),
		cmocka_unit_test(test_what_is_inside_a_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
