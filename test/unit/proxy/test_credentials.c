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

#define K3 "ntk_cccccccccccccccc"
#define REALTIME "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key."

/* found: what there is, in its order, joined by blanks; places as their first letters. */
static const struct {
	const char *target, *fields;
	enum credential_verdict verdict;
	const char *found;
} rows[] = {
	{"/", "", CREDENTIALS_NONE, ""},
	{"/", "X-API-Key: " K1 "\r\n", CREDENTIALS_FOUND, "X:" K1},
	{"/", "x-api-key:\t" K1 " \r\n", CREDENTIALS_FOUND, "X:" K1},
	{"/", "X-API-Key: old-shape\r\n", CREDENTIALS_FOUND, "X:old-shape"},
	{"/", "X-API-Key:\r\n", CREDENTIALS_NONE, ""},
	{"/", "X-API-Key: " K1 "\r\nX-API-Key: " K1 "\r\n", CREDENTIALS_AMBIGUOUS, NULL},
	{"/", "X-API-Key: " K1 "\r\nX-API-Key:\r\n", CREDENTIALS_AMBIGUOUS, NULL},
	{"/", "Connection: X-API-Key\r\nX-API-Key: " K1 "\r\n", CREDENTIALS_FOUND,
	 "X:" K1},
	/* the SDK's own Authorization beside it */
	{"/", "X-API-Key: " K1 "\r\nAuthorization: Bearer sk-dummy\r\n",
	 CREDENTIALS_FOUND, "X:" K1 " B:sk-dummy"},
	{"/", "X-API-Key: " K1 "\r\nAuthorization: Bearer " K1 "\r\n", CREDENTIALS_FOUND,
	 "X:" K1 " B:" K1},
	{"/", "X-API-Key: " K1 "\r\nAuthorization: Bearer " K2 "\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	{"/", "X-API-Key: " K1 "\r\nAuthorization: Token " K2 "\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	{"/", "X-API-Key: " K1 "\r\nAuthorization: " K2 "\r\n", CREDENTIALS_AMBIGUOUS,
	 NULL},
	{"/",
	 "Authorization: Bearer x\r\nX-API-Key: " K1 "\r\nAuthorization: Bearer " K2
	 "\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	{"/", "X-API-Key: old-shape\r\nAuthorization: Bearer " K1 "\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	/* Bearer alone, or beside an empty X-API-Key */
	{"/", "Authorization: Bearer " K1 "\r\n", CREDENTIALS_FOUND, "B:" K1},
	{"/", "X-API-Key:\r\nAuthorization: Bearer " K1 "\r\n", CREDENTIALS_FOUND,
	 "B:" K1},
	{"/", "Authorization: bEARER   " K1 "\r\n", CREDENTIALS_FOUND, "B:" K1},
	{"/", "Authorization: Bearer sk-other\r\n", CREDENTIALS_FOUND, "B:sk-other"},
	{"/", "Authorization: Bearer\r\n", CREDENTIALS_NONE, NULL},
	{"/", "Authorization: Bearer" K1 "\r\n", CREDENTIALS_NONE, NULL},
	{"/", "Authorization: Basic " K1 "\r\n", CREDENTIALS_NONE, NULL},
	{"/", "Authorization:\r\n", CREDENTIALS_NONE, ""},
	{"/", "Authorization: Bearer " K1 "\r\nAuthorization: Bearer " K1 "\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	/* Azure's, Google's and OpenAI's realtime places, behind those */
	{"/", "api-key: " K1 "\r\n", CREDENTIALS_FOUND, "a:" K1},
	{"/", "API-KEY: azure\r\napi-key: " K1 "\r\n", CREDENTIALS_FOUND,
	 "a:azure a:" K1},
	{"/", "x-goog-api-key: " K1 "\r\napi-key: other\r\nAuthorization: Bearer y\r\n",
	 CREDENTIALS_FOUND, "B:y a:other x:" K1},
	{"/", REALTIME K1 ", openai-beta.realtime-v1\r\n", CREDENTIALS_FOUND, "S:" K1},
	{"/", REALTIME "\r\n", CREDENTIALS_NONE, ""},
	{"/", "Sec-WebSocket-Protocol: " K1 "\r\n", CREDENTIALS_NONE, ""},
	{"/", REALTIME K1 "\r\nX-API-Key: " K1 "\r\n", CREDENTIALS_FOUND,
	 "X:" K1 " S:" K1},
	{"/", "X-API-Key: " K1 "\r\napi-key: azure\r\n", CREDENTIALS_FOUND,
	 "X:" K1 " a:azure"},
	{"/", "X-API-Key: " K1 "\r\napi-key: " K2 "\r\n", CREDENTIALS_AMBIGUOUS, NULL},
	{"/", "api-key: " K1 "\r\nx-goog-api-key: " K2 "\r\n", CREDENTIALS_AMBIGUOUS,
	 NULL},
	{"/", "Authorization: Bearer " K1 "\r\n" REALTIME K3 "\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	{"/", REALTIME K1 ", openai-insecure-api-key." K2 "\r\n", CREDENTIALS_AMBIGUOUS,
	 NULL},
	{"/", "Authorization: Token " K1 "\r\napi-key: " K2 "\r\n", CREDENTIALS_AMBIGUOUS,
	 NULL},
	{"/",
	 "api-key: 1\r\napi-key: 2\r\napi-key: 3\r\napi-key: 4\r\napi-key: 5\r\n"
	 "api-key: 6\r\napi-key: 7\r\napi-key: 8\r\napi-key: 9\r\n",
	 CREDENTIALS_AMBIGUOUS, NULL},
	/* in the URL, whatever else there is */
	{"/a?key=" K1, "X-API-Key: " K1 "\r\n", CREDENTIALS_IN_URL, ""},
	{"/a?key=nt%6b%5Faaaaaaaa", "", CREDENTIALS_IN_URL, ""},
	{"/a/" K1 "/b", "", CREDENTIALS_IN_URL, ""},
	{"/a?ntk_short_1", "", CREDENTIALS_NONE, ""},
};

static void join(char *out, size_t size, const struct credentials *c)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < c->n; i++) {
		char place = *credential_place_name(c->items[i].place);

		if (c->items[i].place == CREDENTIAL_BEARER)
			place = 'B';
		n += (size_t)snprintf(out + n, size - n, "%s%c:" STR_FMT, i ? " " : "",
				      place, STR_ARG(c->items[i].value));
	}
}

static void finds_what_may_be_a_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const struct head_limits limits = {16384, 100};
		struct request_head h;
		struct head_refusal why;
		struct credentials c;
		char text[512], found[512];
		int n = snprintf(text, sizeof text,
				 "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].target,
				 rows[i].fields);
		enum credential_verdict v;

		assert_true(request_head_parse(&h, text, (size_t)n, &limits, &why));
		v = credentials_find(&h, &c);
		if (v != rows[i].verdict)
			fail_msg("%d for %s %s", v, rows[i].target, rows[i].fields);
		join(found, sizeof found, &c);
		if (rows[i].found != NULL)
			assert_string_equal(found, rows[i].found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_may_be_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
