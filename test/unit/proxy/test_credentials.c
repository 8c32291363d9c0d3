/* Unit tests of finding the key that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/proxy/credentials.h"

#define K1 "ntk_aaaaaaaaaaaaaaaa"
#define K2 "ntk_bbbbbbbbbbbbbbbb"

static void picks_the_key(void **state)
{
	static const struct {
		const char *target, *fields;
		enum credential_verdict verdict;
		const char *key;
	} rows[] = {
		{"/", "", CREDENTIAL_NONE, ""},
		{"/", "X-API-Key: " K1 "\r\n", CREDENTIAL_API_KEY, K1},
		{"/", "x-api-key:\t" K1 " \r\n", CREDENTIAL_API_KEY, K1},
		{"/", "X-API-Key: old-shape\r\n", CREDENTIAL_API_KEY, "old-shape"},
		{"/", "X-API-Key:\r\n", CREDENTIAL_AMBIGUOUS, ""},
		{"/", "X-API-Key: " K1 "\r\nX-API-Key: " K1 "\r\n", CREDENTIAL_AMBIGUOUS,
		 ""},
		{"/", "X-API-Key: " K1 "\r\nX-API-Key:\r\n", CREDENTIAL_AMBIGUOUS, ""},
		{"/", "Connection: X-API-Key\r\nX-API-Key: " K1 "\r\n",
		 CREDENTIAL_API_KEY, K1},
		/* the SDK's own Authorization beside it */
		{"/", "X-API-Key: " K1 "\r\nAuthorization: Bearer sk-dummy\r\n",
		 CREDENTIAL_API_KEY, K1},
		{"/", "X-API-Key: " K1 "\r\nAuthorization: Bearer " K1 "\r\n",
		 CREDENTIAL_API_KEY, K1},
		{"/", "X-API-Key: " K1 "\r\nAuthorization: Bearer " K2 "\r\n",
		 CREDENTIAL_AMBIGUOUS, ""},
		{"/", "X-API-Key: " K1 "\r\nAuthorization: Token " K2 "\r\n",
		 CREDENTIAL_AMBIGUOUS, ""},
		{"/", "X-API-Key: " K1 "\r\nAuthorization: " K2 "\r\n",
		 CREDENTIAL_AMBIGUOUS, ""},
		{"/",
		 "Authorization: Bearer x\r\nX-API-Key: " K1
		 "\r\nAuthorization: Bearer " K2 "\r\n",
		 CREDENTIAL_AMBIGUOUS, ""},
		{"/", "X-API-Key: old-shape\r\nAuthorization: Bearer " K1 "\r\n",
		 CREDENTIAL_AMBIGUOUS, ""},
		/* Bearer alone */
		{"/", "Authorization: Bearer " K1 "\r\n", CREDENTIAL_BEARER, K1},
		{"/", "Authorization: bEARER   " K1 "\r\n", CREDENTIAL_BEARER, K1},
		{"/", "Authorization: Bearer sk-other\r\n", CREDENTIAL_BEARER,
		 "sk-other"},
		{"/", "Authorization: Bearer\r\n", CREDENTIAL_NONE, ""},
		{"/", "Authorization: Bearer" K1 "\r\n", CREDENTIAL_NONE, ""},
		{"/", "Authorization: Basic " K1 "\r\n", CREDENTIAL_NONE, ""},
		{"/", "Authorization:\r\n", CREDENTIAL_NONE, ""},
		{"/", "Authorization: Bearer " K1 "\r\nAuthorization: Bearer " K1 "\r\n",
		 CREDENTIAL_AMBIGUOUS, ""},
		/* in the URL, whatever else there is */
		{"/a?key=" K1, "X-API-Key: " K1 "\r\n", CREDENTIAL_IN_URL, ""},
		{"/a?key=nt%6b%5Faaaaaaaa", "", CREDENTIAL_IN_URL, ""},
		{"/a/" K1 "/b", "", CREDENTIAL_IN_URL, ""},
		{"/a?ntk_short_1", "", CREDENTIAL_NONE, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct head_limits limits = {16384, 100};
		struct request_head h;
		struct head_refusal why;
		struct str key;
		char text[512];
		int n = snprintf(text, sizeof text,
				 "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].target,
				 rows[i].fields);
		enum credential_verdict v;

		assert_true(request_head_parse(&h, text, (size_t)n, &limits, &why));
		v = credentials_find(&h, &key);
		if (v != rows[i].verdict)
			fail_msg("%d for %s %s", v, rows[i].target, rows[i].fields);
		assert_true(str_eq(key, str_of(rows[i].key)));
	}
}

static void finds_keys_in_text(void **state)
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
		{"NTK_12345678", false},
		{"ntk-12345678", false},
		{"%6E%74%6b%5f%31%32%33%34%35%36%37%38", true},
		{"ntk%5f1234567%38", true},
		{"ntk%5f1234567%3", false},
		{"ntk%5f12%2034567890", false},
		{"ntk%_12345678", false},
		{"a_b%20c", false},
		{"/x?u=%zz&k=ntk_12345678", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (credentials_in_text(str_of(rows[i].text)) != rows[i].found)
			fail_msg("wrong for %s", rows[i].text);
	/* NUL and high bytes are plain text that matches nothing. */
	assert_true(credentials_in_text(STR("\0\xff ntk_12345678")));
	assert_false(credentials_in_text(STR("ntk_1234\0"
					     "5678")));
	assert_false(credentials_in_text((struct str){NULL, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picks_the_key),
		cmocka_unit_test(finds_keys_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
