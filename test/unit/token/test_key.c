/* Keys: shape, checksum, hash, and the CRC below them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/check.h"
#include "common/crc32.h"
#include "gateway/token/key.h"

static void test_crc32(void **state)
{
	static const struct {
		const char *text;
		uint32_t crc;
	} rows[] = {
		{"", 0},
		{"a", 0xe8b7be43},
		{"123456789", 0xcbf43926}, /* the check value of every CRC catalogue */
		{"The quick brown fox jumps over the lazy dog", 0x414fa339},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = strlen(rows[i].text), half = n / 2;
		uint32_t in_two = crc32_add(0, rows[i].text, half);

		assert_int_equal(crc32_add(0, rows[i].text, n), rows[i].crc);
		assert_int_equal(crc32_add(in_two, rows[i].text + half, n - half),
				 rows[i].crc);
	}
}

static void test_made_keys_are_ours(void **state)
{
	char a[KEY_LENGTH + 1], b[KEY_LENGTH + 1];

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_true(key_make(a));
		assert_true(key_make(b));
		assert_int_equal(strlen(a), KEY_LENGTH);
		assert_memory_equal(a, KEY_PREFIX, strlen(KEY_PREFIX));
		assert_string_not_equal(a, b);
		assert_int_equal(key_shape_of(str_of(a)), KEY_SHAPE_OURS);
	}
}

/* Every digit must be able to appear at every place: a bias shows as a missing one. */
static void test_made_keys_use_all_digits(void **state)
{
	bool seen[128] = {false};
	char key[KEY_LENGTH + 1];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 400; i++) {
		assert_true(key_make(key));
		for (size_t k = 4; k < 36; k++)
			seen[(unsigned char)key[k]] = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		n += seen[i];
	assert_int_equal(n, 62);
}

static void test_each_typo_is_seen(void **state)
{
	char key[KEY_LENGTH + 1];

	(void)state;
	assert_true(key_make(key));
	for (size_t i = strlen(KEY_PREFIX); i < KEY_LENGTH; i++) {
		char was = key[i];

		key[i] = was == 'x' ? 'y' : 'x';
		assert_int_equal(key_shape_of(str_of(key)), KEY_SHAPE_MISTYPED);
		key[i] = was;
	}
}

static void test_shapes(void **state)
{
	static char longest[KEY_MAX + 1];
	const struct {
		struct str key;
		enum key_shape shape;
	} rows[] = {
		{STR(""), KEY_SHAPE_IMPOSSIBLE},
		{{NULL, 0}, KEY_SHAPE_IMPOSSIBLE},
		{STR("a"), KEY_SHAPE_FOREIGN},
		{STR("ntk_"), KEY_SHAPE_FOREIGN},
		{STR("sk-proj-abc_DEF-123"), KEY_SHAPE_FOREIGN},
		{STR("~!@#$%^&*()"), KEY_SHAPE_FOREIGN},
		{STR("with space"), KEY_SHAPE_IMPOSSIBLE},
		{STR("with\ttab"), KEY_SHAPE_IMPOSSIBLE},
		{STR("with\0nul"), KEY_SHAPE_IMPOSSIBLE},
		{STR("del\x7f"), KEY_SHAPE_IMPOSSIBLE},
		{STR("h\xc3\xa9"), KEY_SHAPE_IMPOSSIBLE},
		/* 41, 42 and 43 characters */
		{STR("ntk_0123456789012345678901234567890123456"), KEY_SHAPE_FOREIGN},
		{STR("ntk_01234567890123456789012345678901234567"), KEY_SHAPE_MISTYPED},
		{STR("ntk_012345678901234567890123456789012345678"), KEY_SHAPE_FOREIGN},
		{STR("NTK_01234567890123456789012345678901234567"), KEY_SHAPE_FOREIGN},
		{{longest, KEY_MAX}, KEY_SHAPE_FOREIGN},
		{{longest, KEY_MAX + 1}, KEY_SHAPE_IMPOSSIBLE},
	};

	(void)state;
	memset(longest, 'k', sizeof longest);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(key_shape_of(rows[i].key), rows[i].shape);
}

/* FIPS 180-4's examples; the older system stored exactly this. */
static void test_hash(void **state)
{
	static const struct {
		struct str key;
		const char *hex;
	} rows[] = {
		{STR(""),
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{STR("abc"),
		 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
		{STR("\0"),
		 "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	};
	struct key_hasher *h = key_hasher_new();
	unsigned char hash[KEY_HASH_BYTES];
	char hex[KEY_HASH_HEX + 1];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			key_hash(h, rows[i].key, hash);
			hex_encode(hex, hash, sizeof hash);
			assert_string_equal(hex, rows[i].hex);
		}
	}
	key_hasher_free(&h);
	assert_null(h);
	key_hasher_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32),
		cmocka_unit_test(test_made_keys_are_ours),
		cmocka_unit_test(test_made_keys_use_all_digits),
		cmocka_unit_test(test_each_typo_is_seen),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
