/* Unit tests of finding keys in text, and hiding them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/token/key_text.h"

#define KEY "ntk_abcdefghijklmnopqrstuvwxyz012345ABCDEF"

static const struct str none = {NULL, 0};

/* Of the exact size, for the address sanitizer. */
static struct str exact(struct str s)
{
	char *copy = malloc(s.n ? s.n : 1);

	assert_non_null(copy);
	if (s.n)
		memcpy(copy, s.p, s.n);
	return (struct str){copy, s.n};
}

static bool in_text(struct str s, struct str own)
{
	struct str copy = exact(s);
	bool found = key_in_text(copy, own);

	free((void *)(uintptr_t)copy.p);
	return found;
}

static void finds_keys_of_ours(void **state)
{
	static const struct {
		const char *text;
		bool found;
	} rows[] = {
		{"", false},
		{"ntk_", false},
		{"ntk_1234567", false},
		{"ntk_12345678", true},
		{"ntk_1234567-8", false},
		{"ntk_ABCDwxyz", true},
		{"xntk_12345678x", true},
		{"ntntk_12345678", true},
		{"ntkntk_12345678", true},
		{"ntk_ntk_12345678", true},
		{"ntk_123ntk_12345678", true},
		{"ntk_1234567n", true},
		{"tgu_12345678", true},
		{"tgs_12345678", true},
		{"tgu_1234567", false},
		{"tgt_12345678", false},
		{"a=b; tollgate_session=tgs_12345678", true},
		{"tg%75_12345678", true},
		{"ntk-12345678", false},
		{"%6E%74%6b%5f%31%32%33%34%35%36%37%38", true},
		{"ntk%5f1234567%38", true},
		{"ntk%5f1234567%3", false},
		{"ntk%5f12%2034567890", false},
		{"ntk%_12345678", false},
		{"a_b%20c", false},
		{"/x?u=%zz&k=ntk_12345678", true},
		{"ntk%255f12345678", true},
		{"ntk%2525255f12345678", true},
		{"%256Etk_12345678", true},
		{"%25ntk_12345678", true},
		{"ntk%5", false},
		{"ntk_1234567%", false},
		{"%%%%%%%%%%%%", false},
		{"%2525252525252525252525", false},
		{"_ntk_12345678", true},
		{"____________ntk_12345678", true},
		{"tk_1234567890", false},
		{"_1234567890123", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (in_text(str_of(rows[i].text), none) != rows[i].found)
			fail_msg("wrong for %s", rows[i].text);
		if (key_in_url(str_of(rows[i].text), none) != rows[i].found)
			fail_msg("wrong for %s in a URL", rows[i].text);
	}
	/* NUL and high bytes are plain text that matches nothing. */
	assert_true(in_text(STR("\0\xff ntk_12345678"), none));
	assert_false(in_text(STR("ntk_1234\0"
				 "5678"),
			     none));
	assert_false(key_in_text(none, none));
	/* Names and hosts lose their case; a target does not. */
	assert_true(in_text(STR("NTK_12345678"), none));
	assert_true(in_text(STR("Ntk_Abcdefgh"), none));
	assert_true(in_text(STR("%4e%54K_ABCDEFGH"), none));
	assert_false(key_in_url(STR("/?table=NTK_CUSTOMERS"), none));
}

static void finds_the_callers_own(void **state)
{
	static const struct {
		const char *own, *text;
		bool found, in_url;
	} rows[] = {
		{"old-style-key", "/x?k=old-style-key", true, true},
		{"old-style-key", "OLD-Style-Key", true, false},
		{"old-style-key", "xold-style-keyx", true, true},
		{"old-style-key", "old-style-ke", false, false},
		{"old-style-key", "old%2dstyle%2Dkey", true, true},
		{"old-style-key", "old%252dstyle-key", true, true},
		{"a+b/c=d&", "a%2Bb%2Fc%3Dd%26", true, true},
		{"a b c d e", "a+b+c+d+e", true, true},
		{"100%25key", "k=100%25key", true, true},
		{"100%key!", "k=100%25key%21", true, true},
		{"abc", "abc", true, false},
		{"abc", "x=abc&y", true, false},
		{"abc", "%22abc%22", true, false},
		{"abc", "xabc", false, false},
		{"abc", "abcx", false, false},
		{"abc", "/abc/", false, false},
		{"ntk_good", "k=ntk_good", true, true},
		{"ntk_12345678-90", "ntk_12345678-90", true, true},
		{KEY, "ntk_12345678", true, true},
		{KEY, "plain text that is longer than the key that was presented", false,
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str own = str_of(rows[i].own);

		if (in_text(str_of(rows[i].text), own) != rows[i].found)
			fail_msg("wrong for %s", rows[i].text);
		if (key_in_url(str_of(rows[i].text), own) != rows[i].in_url)
			fail_msg("wrong for %s in a URL", rows[i].text);
	}
}

static void looks_into_base64(void **state)
{
	static const struct {
		const char *text, *own;
		bool found;
	} rows[] = {
		{"Basic dXNlcjpudGtfYWJjZGVmZ2g=", "", true},
		{"Basic dXNlcjpudGtfYWJjZGVmZ2g", "", true},
		{"dXNlcjpudGtfYWJjZGVmZ2g=", "", true},
		{"Basic bnRrX2FiY2RlZmdoOg==", "", true},
		{"Basic  \tbnRrX2FiY2RlZmdoOg==", "", true},
		{"Token a=\"b\", c=\"bnRrX2FiY2RlZmdoOg==\"", "", true},
		{"Basic bnRrJTVGYWJjZGVmZ2g6", "", true}, /* ntk%5Fabcdefgh: */
		{"Basic dXNlcjpwYXNzd29yZA==", "", false},
		{"Basic bnRrX2FiY2RlZmc=", "", false}, /* seven characters */
		{"Basic b2xkLXN0eWxlLWtleTo=", "old-style-key", true},
		{"Basic b2xkLXN0eWxlLWtleTo=", "other-style-key", false},
		{"Basic fn5-Pz8_bnRrX2FiY2RlZmdo", "", true}, /* RFC 4648 5 */
		{"Basic fn5+Pz8/bnRrX2FiY2RlZmdo", "", true},
		{"Basic", "", false},
		{"", "", false},
		{"====================", "", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str copy = exact(str_of(rows[i].text));

		if (key_in_base64(copy, str_of(rows[i].own)) != rows[i].found)
			fail_msg("wrong for %s", rows[i].text);
		free((void *)(uintptr_t)copy.p);
	}
}

static void hides_what_it_finds(void **state)
{
	static const struct {
		const char *text, *own, *shown;
	} rows[] = {
		{"curl/8", "", "curl/8"},
		{"", "", ""},
		{KEY, "", "***"},
		{"curl " KEY " x", "", "curl *** x"},
		{"a ntk_12345678 b ntk_abcdefgh", "", "a *** b ***"},
		{"a tgu_12345678 b tgs_abcdefgh", "", "a *** b ***"},
		{"k=ntk%5f1234567%38&x", "", "k=***&x"},
		{"ntk_1234567ntk_abcdefgh", "", "***"},
		{"ntk_12345678_abcdefgh", "", "***"},
		{"ntk_1234567", "", "ntk_1234567"},
		{"{\"k\":\"" KEY "\"}", "", "{\"k\":\"***\"}"},
		{"a old-style-key b", "old-style-key", "a *** b"},
		{"OLD%2Dstyle-key", "old-style-key", "***"},
		{"x 100%25key", "100%25key", "x ***"},
		{"x abc abcd abc", "abc", "x *** abcd ***"},
		{"ntk_12345678.rest", "ntk_12345678.rest", "***"},
	};
	char buf[KEY_TEXT_ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str shown =
			key_text_hidden(str_of(rows[i].text), str_of(rows[i].own), buf);

		if (!str_eq(shown, str_of(rows[i].shown)))
			fail_msg("%s became " STR_FMT, rows[i].text, STR_ARG(shown));
	}
}

static void finds_a_key_by_its_hash(void **state)
{
	static const struct {
		const char *key, *text;
		bool found;
	} rows[] = {
		{"old-style-key", "old-style-key", true},
		{"old-style-key", "curl (old-style-key) x", true},
		{"old-style-key", "/x?k=old-style-key&y", true},
		{"old-style-key", "xold-style-key", false},
		{"old-style-key", "", false},
		{"a=b;c", "curl a=b;c x", true},
		{"abc", "x \"abc\"", true},
	};
	struct key_hasher *hasher = key_hasher_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str found;
		unsigned char hash[KEY_HASH_BYTES];

		key_hash(hasher, str_of(rows[i].key), hash);
		found = key_text_hashed(str_of(rows[i].text), hash);
		if ((found.n > 0) != rows[i].found)
			fail_msg("wrong for %s", rows[i].text);
		if (found.n)
			assert_true(str_eq(found, str_of(rows[i].key)));
	}
	key_hasher_free(&hasher);
}

static void cuts_what_it_copies(void **state)
{
	char text[2 * KEY_TEXT_ROOM], buf[KEY_TEXT_ROOM];
	struct str shown, long_text = {text, sizeof text};

	(void)state;
	memset(text, 'a', sizeof text);
	assert_true(key_text_hidden(long_text, none, buf).p == text);
	for (size_t at = KEY_TEXT_ROOM - 50; at < KEY_TEXT_ROOM + 50; at++) {
		memset(text, 'a', sizeof text);
		memcpy(text + at, "-" KEY, sizeof KEY);
		shown = key_text_hidden(long_text, none, buf);
		assert_true(shown.p == buf && shown.n <= sizeof buf && shown.n > 1000);
		assert_null(memmem(shown.p, shown.n, "ntk_", 4));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_keys_of_ours),
		cmocka_unit_test(finds_the_callers_own),
		cmocka_unit_test(looks_into_base64),
		cmocka_unit_test(hides_what_it_finds),
		cmocka_unit_test(finds_a_key_by_its_hash),
		cmocka_unit_test(cuts_what_it_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
