/* Heads of WebSocket frames (RFC 6455 5.2, 1.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/dev/ws_frame.h"

#define MASK "\x01\x02\x03\x04"

static void good_heads(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool fin;
		uint8_t opcode;
		uint64_t length;
	} rows[] = {
		{"\x81\x80" MASK, 6, true, WS_TEXT, 0},
		{"\x01\x85" MASK, 6, false, WS_TEXT, 5},
		{"\x80\xfd" MASK, 6, true, WS_CONTINUATION, 125},
		{"\x82\xfe\x00\x7e" MASK, 8, true, WS_BINARY, 126},
		{"\x82\xfe\xff\xff" MASK, 8, true, WS_BINARY, 65535},
		{"\x82\xff\0\0\0\0\0\1\0\0" MASK, 14, true, WS_BINARY, 65536},
		{"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK, 14, true, WS_BINARY,
		 INT64_MAX},
		{"\x88\x82" MASK, 6, true, WS_CLOSE, 2},
		{"\x89\xfd" MASK, 6, true, WS_PING, 125},
		{"\x8a\x80" MASK, 6, true, WS_PONG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const unsigned char *p = (const unsigned char *)rows[i].bytes;
		struct ws_frame f;
		size_t used = 0;

		for (size_t n = 0; n < rows[i].n; n++)
			assert_int_equal(ws_frame_parse(&f, p, n, &used), WS_MORE);
		assert_int_equal(ws_frame_parse(&f, p, rows[i].n, &used), WS_FRAME);
		assert_int_equal(used, rows[i].n);
		assert_int_equal(f.fin, rows[i].fin);
		assert_int_equal(f.opcode, rows[i].opcode);
		assert_true(f.length == rows[i].length);
		assert_memory_equal(f.mask, MASK, 4);
	}
}

static void bad_heads(void **state)
{
	static const struct {
		const char *bytes, *why;
	} rows[] = {
		{"\x81\x05" MASK "........", "not masked"},
		{"\xc1\x80" MASK "........", "RSV1"},
		{"\xa1\x80" MASK "........", "RSV2"},
		{"\x91\x80" MASK "........", "RSV3"},
		{"\x83\x80" MASK "........", "opcode 3"},
		{"\x87\x80" MASK "........", "opcode 7"},
		{"\x8b\x80" MASK "........", "opcode 11"},
		{"\x8f\x80" MASK "........", "opcode 15"},
		{"\x09\x80" MASK "........", "fragmented ping"},
		{"\x08\x80" MASK "........", "fragmented close"},
		{"\x89\xfe\x00\x7e" MASK "......", "long ping"},
		{"\x82\xff\x80\0\0\0\0\0\0\0" MASK, "length's top bit"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_frame f;
		size_t used = 0;

		if (ws_frame_parse(&f, (const unsigned char *)rows[i].bytes, 14, &used) !=
		    WS_BAD)
			fail_msg("%s", rows[i].why);
	}
}

static void written_heads(void **state)
{
	static const struct {
		bool fin;
		uint8_t opcode;
		uint64_t length;
		const char *bytes;
		size_t n;
	} rows[] = {
		{true, WS_TEXT, 0, "\x81\x00", 2},
		{false, WS_CONTINUATION, 125, "\x00\x7d", 2},
		{true, WS_BINARY, 126, "\x82\x7e\x00\x7e", 4},
		{true, WS_BINARY, 65535, "\x82\x7e\xff\xff", 4},
		{true, WS_BINARY, 65536, "\x82\x7f\0\0\0\0\0\1\0\0", 10},
		{true, WS_CLOSE, 2, "\x88\x02", 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char head[WS_HEAD_MAX];
		size_t n =
			ws_frame_write(head, rows[i].fin, rows[i].opcode, rows[i].length);

		assert_int_equal(n, rows[i].n);
		assert_memory_equal(head, rows[i].bytes, n);
	}
}

static void accept_of_the_rfc_example(void **state)
{
	char accept[WS_ACCEPT_LENGTH + 1];

	(void)state;
	ws_accept(accept, STR("dGhlIHNhbXBsZSBub25jZQ=="));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_heads),
		cmocka_unit_test(bad_heads),
		cmocka_unit_test(written_heads),
		cmocka_unit_test(accept_of_the_rfc_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
