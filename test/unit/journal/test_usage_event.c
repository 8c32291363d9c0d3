/* The record encoding: round trips, widths, broken text, damaged records. */
#include "gateway/journal/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MARK "\xe2\x80\xa6"
#define BAD "\xef\xbf\xbd"

static struct usage_event full_event(void)
{
	struct usage_event e = {
		.token_id = 42,
		.route_path = STR("/api/openai"),
		.used_at_us = INT64_C(1790000000123456),
		.response_status = 429,
		.response_time_ms = 812,
		.ip_address = STR("2001:db8::1"),
		.user_agent = STR("n8n/1.70"),
		.request_method = STR("POST"),
		.error_message = STR("upstream: 429 Too Many Requests"),
		.request_id = STR("01J0000000"),
		.outcome = STR("complete"),
		.upstream_status = 429,
		.total_ms = 820,
		.ttfb_ms = 815,
		.client_wait_ms = 0,
		.bytes_in = INT64_C(5000000000),
		.bytes_out = 0,
		.trace_id = STR("0af7651916cd43dd8448eb211c80319c"),
		.tags = STR("{\"a\":1}"),
	};

	for (size_t i = 0; i < sizeof e.token_hash; i++)
		e.token_hash[i] = (unsigned char)(i * 9);
	return e;
}

static void assert_str(struct str got, struct str want)
{
	assert_int_equal(got.n, want.n);
	assert_int_equal(got.p == NULL, want.p == NULL);
	if (want.n)
		assert_memory_equal(got.p, want.p, want.n);
}

static void assert_same(const struct usage_event *a, const struct usage_event *b)
{
#define CMP_I32(m) assert_int_equal(a->m, b->m)
#define CMP_I64(m) assert_true(a->m == b->m)
#define CMP_TIME(m) assert_true(a->m == b->m)
#define CMP_MARK(m) assert_true(a->m == b->m)
#define CMP_HASH(m) assert_memory_equal(a->m, b->m, sizeof a->m)
#define CMP_TEXT(m) assert_str(a->m, b->m)
#define CMP_JSON(m) assert_str(a->m, b->m)
#define CMP(number, member, column, kind, width) CMP_##kind(member);
	USAGE_FIELDS(CMP) USAGE_MARKS(CMP)
}

static void test_round_trip(void **state)
{
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e = full_event(), got;
	size_t n = usage_event_encode(&e, buf);

	(void)state;
	assert_true(usage_event_decode(&got, buf, n));
	assert_same(&e, &got);
	assert_true(n < 320); /* compact: about the text plus 100 bytes */
	e.once_at_us = INT64_C(1790000000999999);
	n = usage_event_encode(&e, buf);
	assert_true(usage_event_decode(&got, buf, n));
	assert_same(&e, &got);
}

static void test_nulls_round_trip(void **state)
{
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e, got;
	size_t n;

	(void)state;
	usage_event_init(&e);
	assert_int_equal(e.response_status, USAGE_NULL);
	assert_true(e.bytes_out == USAGE_NULL);
	n = usage_event_encode(&e, buf);
	assert_true(usage_event_decode(&got, buf, n));
	assert_same(&e, &got);
	assert_null(got.error_message.p);
	assert_int_equal(n, 3 + 32 + 2);
}

static void test_integer_borders(void **state)
{
	static const int64_t values[] = {0,     1,         127,       128, 16383,
					 16384, INT32_MAX, INT64_MAX, -1,  INT64_MIN};
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e, got;

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		usage_event_init(&e);
		e.token_id = e.used_at_us = values[i];
		e.total_ms = values[i] > INT32_MAX ? INT32_MAX : (int32_t)values[i];
		assert_true(usage_event_decode(&got, buf, usage_event_encode(&e, buf)));
		assert_same(&e, &got);
	}
}

/* Encodes s as the column and gives what is stored; the slice lives in buf. */
static struct str stored(struct str s, size_t offset, unsigned char *buf)
{
	struct usage_event e, got;

	usage_event_init(&e);
	*(struct str *)((char *)&e + offset) = s;
	assert_true(usage_event_decode(&got, buf, usage_event_encode(&e, buf)));
	return *(struct str *)((char *)&got + offset);
}

static struct str as_method(struct str s, unsigned char *buf)
{
	return stored(s, offsetof(struct usage_event, request_method), buf);
}

static void test_text_is_cut_and_cleaned(void **state)
{
	/* request_method is 10 bytes wide: what goes in, what is stored. */
	static const struct {
		struct str in, out;
	} cases[] = {
		{STR(""), STR("")},
		{STR("PROPPATCH"), STR("PROPPATCH")},
		{STR("0123456789"), STR("0123456789")},
		{STR("0123456789A"), STR("0123456" MARK)},
		{STR("0123456789\0"), STR("0123456" MARK)},
		{STR("a\0b"), STR("a" BAD "b")},
		{STR("01234567\0"), STR("0123456" MARK)},
		{STR("0123456\0"), STR("0123456" BAD)},
		{STR("\xff"), STR(BAD)},
		{STR("\xc3\xa9"), STR("\xc3\xa9")},
		{STR("\xc3"), STR(BAD)},                 /* ends within a character */
		{STR("\xc0\x80"), STR(BAD BAD)},         /* overlong NUL */
		{STR("\xc1\xbf"), STR(BAD BAD)},         /* overlong */
		{STR("\xe0\x9f\xbf"), STR(BAD BAD BAD)}, /* overlong */
		{STR("\xe0\xa0\x80"), STR("\xe0\xa0\x80")},
		{STR("\xed\xa0\x80"), STR(BAD BAD BAD)}, /* surrogate */
		{STR("\xed\x9f\xbf"), STR("\xed\x9f\xbf")},
		{STR("\xf0\x9f\x98\x80"), STR("\xf0\x9f\x98\x80")},
		{STR("\xf0\x8f\xbf\xbf"),
		 STR(BAD BAD MARK)}, /* overlong: four bad bytes */
		{STR("\xf4\x90\x80\x80"), STR(BAD BAD MARK)}, /* above U+10FFFF */
		{STR("\xf4\x8f\xbf\xbf"), STR("\xf4\x8f\xbf\xbf")},
		{STR("\xf5"), STR(BAD)},
		{STR("\x80"), STR(BAD)},
		{STR("abcdefgh\xc3\xa9"), STR("abcdefgh\xc3\xa9")}, /* exactly 10 */
		{STR("abcdefghi\xc3\xa9"), STR("abcdefg" MARK)},    /* 11 */
		{STR("abcdef\xc3\xa9xyz"), STR("abcdef" MARK)},     /* no cut inside é */
		{STR("abcde\xc3\xa9wxyz"), STR("abcde\xc3\xa9" MARK)},
	};
	unsigned char buf[USAGE_RECORD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("case %zu\n", i);
		assert_str(as_method(cases[i].in, buf), cases[i].out);
	}
}

static void test_every_width(void **state)
{
#define WIDTH_OF_I32(m, w)
#define WIDTH_OF_I64(m, w)
#define WIDTH_OF_TIME(m, w)
#define WIDTH_OF_HASH(m, w)
#define WIDTH_OF_JSON(m, w)
#define WIDTH_OF_TEXT(m, w) {offsetof(struct usage_event, m), w},
#define WIDTH_OF(number, member, column, kind, width) WIDTH_OF_##kind(member, width)
	static const struct {
		size_t offset, width;
	} columns[] = {USAGE_FIELDS(WIDTH_OF)};
	unsigned char buf[USAGE_RECORD_MAX];
	char *text = malloc(5000);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 5000);
	for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
		size_t w = columns[i].width;
		struct str got;

		assert_str(stored((struct str){text, w}, columns[i].offset, buf),
			   (struct str){text, w});
		got = stored((struct str){text, w + 1}, columns[i].offset, buf);
		assert_int_equal(got.n, w);
		assert_memory_equal(got.p + w - 3, MARK, 3);
		assert_int_equal(
			stored((struct str){text, 5000}, columns[i].offset, buf).n, w);
	}
	free(text);
}

static void test_long_json_becomes_null(void **state)
{
	const size_t tags = offsetof(struct usage_event, tags);
	unsigned char buf[USAGE_RECORD_MAX];
	char text[1025];

	(void)state;
	memset(text, '1', sizeof text);
	assert_int_equal(stored((struct str){text, 1024}, tags, buf).n, 1024);
	assert_null(stored((struct str){text, 1025}, tags, buf).p);
}

static void test_widest_record_fits(void **state)
{
	static char text[5000];
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e = full_event(), got;

	(void)state;
	memset(text, 0xff, sizeof text); /* each byte becomes three */
	e.token_id = e.used_at_us = e.bytes_in = e.bytes_out = INT64_MIN;
	e.route_path = e.ip_address = e.user_agent = (struct str){text, sizeof text};
	e.request_method = e.error_message = e.request_id = e.route_path;
	e.outcome = e.trace_id = e.route_path;
	e.tags = (struct str){text, 341};
	assert_true(usage_event_decode(&got, buf, usage_event_encode(&e, buf)));
	assert_int_equal(got.tags.n, 1023);
}

static void test_unknown_tags_are_skipped(void **state)
{
	static const unsigned char later[] = {
		60 << 1 | 1, 3,    0,    'a',  'b', 'c', /* text of a later release */
		61 << 1,     0xff, 0xff, 0x03,           /* number of a later release */
	};
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e = full_event(), got;
	size_t n = usage_event_encode(&e, buf);

	(void)state;
	memcpy(buf + n, later, sizeof later);
	assert_true(usage_event_decode(&got, buf, n + sizeof later));
	assert_same(&e, &got);
}

static void test_damaged_records_are_refused(void **state)
{
	static const struct {
		struct str tail;
	} cases[] = {
		{STR("\x02")},     /* varint without its bytes */
		{STR("\x02\xff")}, /* varint that goes on */
		{STR("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")}, /* above 64 bits */
		{STR("\x07\x05")}, /* length cut off */
		{STR("\x07\x05\x00"
		     "abcd")},                     /* text cut off */
		{STR("\x06\x01")},                 /* number where text belongs */
		{STR("\x0b\x01\x00x")},            /* text where a number belongs */
		{STR("\x05\x01\x00x")},            /* hash of one byte */
		{STR("\x0a\xff\xff\xff\xff\x0f")}, /* status above 32 bits */
	};
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e, got;
	size_t n;

	(void)state;
	usage_event_init(&e);
	n = usage_event_encode(&e, buf);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		memcpy(buf + n, cases[i].tail.p, cases[i].tail.n);
		assert_false(usage_event_decode(&got, buf, n + cases[i].tail.n));
	}
	assert_false(usage_event_decode(&got, buf, 0));
	assert_false(usage_event_decode(&got, buf, 35));          /* hash, but no time */
	assert_false(usage_event_decode(&got, buf + 35, n - 35)); /* time, but no hash */
}

/* Every cut of a good record is either refused or a shorter good one; never a wild read
 * (the copy has the exact size, for the address sanitizer). */
static void test_truncations(void **state)
{
	unsigned char buf[USAGE_RECORD_MAX];
	struct usage_event e = full_event(), got;
	size_t n = usage_event_encode(&e, buf), good = 0;

	(void)state;
	for (size_t i = 0; i <= n; i++) {
		unsigned char *copy = malloc(i ? i : 1);

		assert_non_null(copy);
		memcpy(copy, buf, i);
		good += usage_event_decode(&got, copy, i);
		free(copy);
	}
	assert_int_equal(good,
			 17); /* behind used_at and behind each of the 16 after it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nulls_round_trip),
		cmocka_unit_test(test_integer_borders),
		cmocka_unit_test(test_text_is_cut_and_cleaned),
		cmocka_unit_test(test_every_width),
		cmocka_unit_test(test_long_json_becomes_null),
		cmocka_unit_test(test_widest_record_fits),
		cmocka_unit_test(test_unknown_tags_are_skipped),
		cmocka_unit_test(test_damaged_records_are_refused),
		cmocka_unit_test(test_truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
