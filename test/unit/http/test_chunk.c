/* Unit tests of the chunked decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/http/chunk.h"

#define OUT_MAX 4096

/* What decoding in pieces came to. */
struct outcome {
	enum chunk_result result;
	size_t used, made;
	char data[OUT_MAX];
};

/* Feeds src in pieces of `piece` bytes, each decoded in place in a block of its own. */
static void decode(const char *src, size_t n, size_t piece, struct outcome *o)
{
	struct chunk_decoder d;
	size_t used, made;

	chunk_init(&d);
	*o = (struct outcome){CHUNK_MORE, 0, 0, ""};
	while (o->used < n && o->result == CHUNK_MORE) {
		size_t len = n - o->used < piece ? n - o->used : piece;
		char *block = malloc(len);

		assert_non_null(block);
		memcpy(block, src + o->used, len);
		o->result = chunk_decode(&d, block, len, &used, block, &made);
		assert_true(used <= len && made <= used);
		assert_true(o->result != CHUNK_MORE || used == len);
		assert_true(o->made + made <= sizeof o->data);
		memcpy(o->data + o->made, block, made);
		o->used += used;
		o->made += made;
		free(block);
	}
}

struct row {
	const char *text;
	enum chunk_result result;
	size_t used;
	const char *data;
};

static const struct row good[] = {
	{"0\r\n\r\n", CHUNK_DONE, 5, ""},
	{"000\r\n\r\n", CHUNK_DONE, 7, ""},
	{"0\r\n\r\nGET / HTTP/1.1", CHUNK_DONE, 5, ""},
	{"5\r\nhello\r\n0\r\n\r\n", CHUNK_DONE, 15, "hello"},
	{"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", CHUNK_DONE, 26, "hello world"},
	{"A\r\n0123456789\r\n0\r\n\r\n", CHUNK_DONE, 20, "0123456789"},
	{"a\r\n0123456789\r\n0\r\n\r\n", CHUNK_DONE, 20, "0123456789"},
	{"000000000000005\r\nhello\r\n0\r\n\r\n", CHUNK_DONE, 29, "hello"},
	{"4\r\n\r\n\r\n\r\n0\r\n\r\n", CHUNK_DONE, 14, "\r\n\r\n"},
	{"5;a=b\r\nhello\r\n0;c\r\n\r\n", CHUNK_DONE, 21, "hello"},
	{"5 ; a = \"x y\\\"\"\r\nhello\r\n0\r\n\r\n", CHUNK_DONE, 29, "hello"},
	{"5\t;a\xff\r\nhello\r\n0\r\n\r\n", CHUNK_DONE, 19, "hello"},
	{"0\r\nA: b\r\n\r\n", CHUNK_DONE, 11, ""},
	{"0\r\nA:\r\nContent-Length: 9\r\nB: c\td\xff\r\n\r\nX", CHUNK_DONE, 37, ""},
	{"5\r\nhel", CHUNK_MORE, 6, "hel"},
	{"5\r\nhello", CHUNK_MORE, 8, "hello"},
	{"5\r\nhello\r\n0\r\n", CHUNK_MORE, 13, "hello"},
	{"5\r\nhello\r\n0\r\nA: b\r\n", CHUNK_MORE, 19, "hello"},
	{"7\r\nhello\r\n", CHUNK_MORE, 10, "hello\r\n"},
	{"fffffffffffffff\r\nabc", CHUNK_MORE, 20, "abc"},
};

static void check_row(const struct row *r, size_t piece)
{
	struct outcome o;
	size_t n = strlen(r->text);

	decode(r->text, n, piece, &o);
	if (o.result != r->result || o.used != r->used)
		fail_msg("%d, %zu bytes used in pieces of %zu: %s", o.result, o.used,
			 piece, r->text);
	assert_int_equal(o.made, strlen(r->data));
	assert_memory_equal(o.data, r->data, o.made);
}

static void decodes_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		for (size_t piece = 1; piece <= strlen(good[i].text); piece++)
			check_row(&good[i], piece);
}

static void decodes_at_every_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		size_t n = strlen(good[i].text);

		for (size_t cut = 0; cut <= n; cut++) {
			struct chunk_decoder d;
			char out[OUT_MAX];
			size_t used, made, used2 = 0, made2 = 0;
			enum chunk_result r;

			chunk_init(&d);
			r = chunk_decode(&d, good[i].text, cut, &used, out, &made);
			if (r == CHUNK_MORE)
				r = chunk_decode(&d, good[i].text + cut, n - cut, &used2,
						 out + made, &made2);
			assert_int_equal(r, good[i].result);
			assert_int_equal(used + used2, good[i].used);
			assert_int_equal(made + made2, strlen(good[i].data));
			assert_memory_equal(out, good[i].data, made + made2);
		}
	}
}

struct bad_row {
	const char *p;
	size_t n;
};

#define BAD_ROW(text)                                                                    \
	{                                                                                \
		text, sizeof(text) - 1                                                   \
	}

static void refuses_bad_forms(void **state)
{
	static const struct bad_row rows[] = {
		BAD_ROW("\r\n"),
		BAD_ROW("\n"),
		BAD_ROW(" 5\r\n"),
		BAD_ROW("+5\r\n"),
		BAD_ROW("-5\r\n"),
		BAD_ROW("0x5\r\n"),
		BAD_ROW("5_0\r\n"),
		BAD_ROW("5g\r\n"),
		BAD_ROW("Z\r\n"),
		BAD_ROW(";a\r\n"),
		BAD_ROW("5 \r\n"),
		BAD_ROW("5 5\r\n"),
		BAD_ROW("5 zzz\r\n"),
		BAD_ROW("5\0zz\r\n"),
		BAD_ROW("5\x0b\r\n"),
		BAD_ROW("5\n"),
		BAD_ROW("5\r\r\n"),
		BAD_ROW("5\rX"),
		BAD_ROW("5;a\n"),
		BAD_ROW("5;a\rX"),
		BAD_ROW("5;a\0\r\n"),
		BAD_ROW("5;a\x7f\r\n"),
		BAD_ROW("0000000000000005\r\n"),
		BAD_ROW("10000000000000005\r\n"),
		BAD_ROW("1\r\na\n"),
		BAD_ROW("1\r\nab"),
		BAD_ROW("1\r\na0\r\n"),
		BAD_ROW("1\r\na\rb"),
		BAD_ROW("1\r\na\r\n\r\n"),
		BAD_ROW("0\r\n\n"),
		BAD_ROW("0\r\n\rX"),
		BAD_ROW("0\n\n"),
		BAD_ROW("0\r\n A: b\r\n"),
		BAD_ROW("0\r\nA: b\r\n c\r\n"),
		BAD_ROW("0\r\nA b: c\r\n"),
		BAD_ROW("0\r\nA : c\r\n"),
		BAD_ROW("0\r\n: c\r\n"),
		BAD_ROW("0\r\nA\r\n"),
		BAD_ROW("0\r\nA: \0\r\n"),
		BAD_ROW("0\r\nA: b\n"),
		BAD_ROW("0\r\nA: b\rc"),
		BAD_ROW("0\r\nA\xff: b\r\n"),
		BAD_ROW("0\r\n\0: b\r\n"),
	};
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece <= rows[i].n;
		     piece += rows[i].n > 1 ? rows[i].n - 1 : 1) {
			decode(rows[i].p, rows[i].n, piece, &o);
			if (o.result != CHUNK_BAD)
				fail_msg("row %zu accepted: %s", i, rows[i].p);
		}
}

static enum chunk_result decode_filled(const char *before, size_t fill, const char *after)
{
	struct chunk_decoder d;
	size_t a = strlen(before), z = strlen(after), used, made;
	char *text = malloc(a + fill + z);
	enum chunk_result r;

	assert_non_null(text);
	memcpy(text, before, a);
	memset(text + a, 'x', fill);
	memcpy(text + a + fill, after, z);
	chunk_init(&d);
	r = chunk_decode(&d, text, a + fill + z, &used, text, &made);
	free(text);
	return r;
}

static void bounds_lines_and_trailers(void **state)
{
	(void)state;
	assert_int_equal(decode_filled("1;", CHUNK_LINE_MAX - 4, "\r\na\r\n0\r\n\r\n"),
			 CHUNK_DONE);
	assert_int_equal(decode_filled("1;", CHUNK_LINE_MAX - 3, "\r\na\r\n0\r\n\r\n"),
			 CHUNK_BAD);
	assert_int_equal(decode_filled("0\r\nA:", CHUNK_TRAILERS_MAX - 6, "\r\n\r\n"),
			 CHUNK_DONE);
	assert_int_equal(decode_filled("0\r\nA:", CHUNK_TRAILERS_MAX - 5, "\r\n\r\n"),
			 CHUNK_BAD);
}

/* The line's bound starts anew with each chunk. */
static void takes_many_chunks(void **state)
{
	static const char piece[] = "1;eeeeeeeeeeeeeeeeeeeeeeeeeeeeee\r\nz\r\n";
	struct chunk_decoder d;
	char src[sizeof piece];
	size_t used, made;
	enum chunk_result r;

	(void)state;
	chunk_init(&d);
	for (int i = 0; i < 2000; i++) {
		memcpy(src, piece, sizeof piece);
		r = chunk_decode(&d, src, sizeof piece - 1, &used, src, &made);
		assert_int_equal(r, CHUNK_MORE);
		assert_int_equal(used, sizeof piece - 1);
		assert_int_equal(made, 1);
		assert_int_equal(src[0], 'z');
	}
}

/* A chunk of 2^40 bytes passes in pieces, with nothing kept. */
static void streams_one_huge_chunk(void **state)
{
	static char block[1 << 16];
	struct chunk_decoder d;
	const uint64_t size = UINT64_C(1) << 40;
	size_t used, made;

	(void)state;
	chunk_init(&d);
	assert_int_equal(chunk_decode(&d, "10000000000\r\n", 13, &used, block, &made),
			 CHUNK_MORE);
	assert_int_equal(made, 0);
	assert_int_equal(d.left, size);
	memset(block, 'h', sizeof block);
	for (uint64_t i = 0; i < size / sizeof block; i++) {
		assert_int_equal(
			chunk_decode(&d, block, sizeof block, &used, block, &made),
			CHUNK_MORE);
		if (made != sizeof block || used != sizeof block)
			fail();
		if (i == 1000) /* far enough; jump to the last block */
			i = size / sizeof block - 2, d.left = sizeof block;
	}
	assert_int_equal(d.left, 0);
	assert_int_equal(chunk_decode(&d, "\r\n0\r\n\r\n", 7, &used, block, &made),
			 CHUNK_DONE);
}

static void stays_done_and_stays_bad(void **state)
{
	struct chunk_decoder d;
	char out[8];
	size_t used, made;

	(void)state;
	chunk_init(&d);
	assert_int_equal(chunk_decode(&d, "0\r\n\r\n", 5, &used, out, &made), CHUNK_DONE);
	assert_int_equal(chunk_decode(&d, "1\r\na", 4, &used, out, &made), CHUNK_DONE);
	assert_int_equal(used, 0);
	assert_int_equal(made, 0);
	chunk_init(&d);
	assert_int_equal(chunk_decode(&d, "x", 1, &used, out, &made), CHUNK_BAD);
	assert_int_equal(chunk_decode(&d, "0\r\n\r\n", 5, &used, out, &made), CHUNK_BAD);
	assert_int_equal(used, 0);
}

static void nothing_in_nothing_out(void **state)
{
	struct chunk_decoder d;
	char out[1];
	size_t used = 9, made = 9;

	(void)state;
	chunk_init(&d);
	assert_int_equal(chunk_decode(&d, "", 0, &used, out, &made), CHUNK_MORE);
	assert_int_equal(used, 0);
	assert_int_equal(made, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_in_pieces_of_any_size),
		cmocka_unit_test(decodes_at_every_split),
		cmocka_unit_test(refuses_bad_forms),
		cmocka_unit_test(bounds_lines_and_trailers),
		cmocka_unit_test(takes_many_chunks),
		cmocka_unit_test(streams_one_huge_chunk),
		cmocka_unit_test(stays_done_and_stays_bad),
		cmocka_unit_test(nothing_in_nothing_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
