/* Unit tests of common/str.c and common/log.c's escaping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/check.h"
#include "common/log.h"
#include "common/str.h"

static void test_ieq(void **state)
{
	(void)state;
	assert_true(str_ieq(STR("Content-Length"), STR("content-LENGTH")));
	assert_false(str_ieq(STR("a"), STR("ab")));
	assert_true(str_ieq(STR(""), STR("")));
	/* Only letters fold: '@' and '`' differ by the same bit. */
	assert_false(str_ieq(STR("@"), STR("`")));
	assert_false(str_ieq(STR("["), STR("{")));
	assert_false(str_ieq(STR("\xc4"), STR("\xe4")));
}

static void test_to_u64(void **state)
{
	static const struct {
		struct str text;
		bool fine;
		uint64_t value;
	} t[] = {
		{STR("0"), true, 0},
		{STR("007"), true, 7},
		{STR("18446744073709551615"), true, UINT64_MAX},
		{STR("18446744073709551616"), false, 0},
		{STR("99999999999999999999"), false, 0},
		{STR("184467440737095516150"), false, 0},
		{STR(""), false, 0},
		{STR("+1"), false, 0},
		{STR("-1"), false, 0},
		{STR(" 1"), false, 0},
		{STR("1 "), false, 0},
		{STR("0x1"), false, 0},
		{STR("1\0"), false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		uint64_t v = 0;

		assert_int_equal(str_to_u64(t[i].text, &v), t[i].fine);
		if (t[i].fine)
			assert_true(v == t[i].value);
	}
}

static void test_list(void **state)
{
	struct str list = STR(" a ,, b\t,c,"), item;
	const char *expected[] = {"a", "b", "c"};
	size_t n = 0;

	(void)state;
	while (str_list_next(&list, &item)) {
		assert_true(n < 3 && str_eq(item, str_of(expected[n])));
		n++;
	}
	assert_int_equal(n, 3);
	list = STR("");
	assert_false(str_list_next(&list, &item));
	list = STR(" , ,");
	assert_false(str_list_next(&list, &item));
}

static void test_trim(void **state)
{
	(void)state;
	assert_true(str_eq(str_trim(STR(" \t a b \t")), STR("a b")));
	assert_int_equal(str_trim(STR(" \t ")).n, 0);
	assert_true(str_eq(str_trim(STR("\na")), STR("\na")));
}

static void test_hex(void **state)
{
	unsigned char bytes[4] = {0x00, 0xff, 0x10, 0xab}, back[4];
	char text[9];

	(void)state;
	hex_encode(text, bytes, sizeof bytes);
	assert_string_equal(text, "00ff10ab");
	assert_true(hex_decode(back, 4, STR("00FF10aB")));
	assert_memory_equal(back, bytes, 4);
	assert_false(hex_decode(back, 4, STR("00ff10a")));
	assert_false(hex_decode(back, 4, STR("00ff10ab0")));
	assert_false(hex_decode(back, 4, STR("00ff10ag")));
}

static void test_sbuf_cap(void **state)
{
	struct sbuf b;

	(void)state;
	sbuf_init(&b, 8);
	sbuf_lit(&b, "12345678");
	assert_false(b.overflow);
	sbuf_lit(&b, "9");
	assert_true(b.overflow);
	assert_int_equal(b.n, 8);
	sbuf_reset(&b);
	sbuf_u64(&b, 0);
	sbuf_printf(&b, "%d-%s", 12, "ab");
	assert_true(str_eq(sbuf_view(&b), STR("012-ab")));
	sbuf_fini(&b);
}

static void test_copy(void **state)
{
	char out[4];

	(void)state;
	assert_true(str_copy(out, sizeof out, STR("abc")));
	assert_string_equal(out, "abc");
	assert_false(str_copy(out, sizeof out, STR("abcd")));
	assert_string_equal(out, "");
	assert_true(str_copy(out, sizeof out, (struct str){0}));
	assert_string_equal(out, "");
	assert_false(str_copy(out, sizeof out, STR("a\0b")));
	assert_string_equal(out, "");
	assert_true(str_copy(out, 1, STR("")));
	assert_false(str_copy(out, 1, STR("a")));
}

static void test_sbuf_text(void **state)
{
	struct sbuf b;

	(void)state;
	sbuf_init(&b, 256);
	assert_string_equal(sbuf_text(&b), "");
	for (size_t i = 0; i < 256; i++) {
		sbuf_lit(&b, "x");
		assert_int_equal(strlen(sbuf_text(&b)), i + 1);
		assert_int_equal(b.n, i + 1); /* the cap is its content's */
	}
	assert_false(b.overflow);
	sbuf_lit(&b, "x");
	assert_true(b.overflow);
	sbuf_fini(&b);
}

static void test_sbuf_numbers(void **state)
{
	struct sbuf b;

	(void)state;
	sbuf_init(&b, 4096);
	sbuf_u64(&b, UINT64_MAX);
	assert_true(str_eq(sbuf_view(&b), STR("18446744073709551615")));
	for (int i = 0; i < 100; i++)
		sbuf_lit(&b, "0123456789");
	assert_int_equal(b.n, 1020);
	sbuf_fini(&b);
}

static void test_escape(void **state)
{
	char out[32], small[8];

	(void)state;
	assert_string_equal(log_escape(out, sizeof out, STR("a\"\\\n\x7f\xe4")),
			    "a\\x22\\x5c\\x0a\\x7f\\xe4");
	assert_string_equal(log_escape(small, sizeof small, STR("abcdefghij")),
			    "abcd...");
	assert_string_equal(log_escape(out, sizeof out, STR("")), "");
	assert_string_equal(log_escape(out, 1, STR("abc")), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ieq),          cmocka_unit_test(test_to_u64),
		cmocka_unit_test(test_list),         cmocka_unit_test(test_trim),
		cmocka_unit_test(test_hex),          cmocka_unit_test(test_copy),
		cmocka_unit_test(test_sbuf_text),    cmocka_unit_test(test_sbuf_cap),
		cmocka_unit_test(test_sbuf_numbers), cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
