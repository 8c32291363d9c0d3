/* What a request brings to say who calls. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/http/request_head.h"
#include "gateway/manager/bearer.h"

#define REST "23456789abcdefghijABCDEFGHIJ0123456XYZ"
#define KEY "tgu_" REST
#define COOKIE "tgs_" REST

_Static_assert(sizeof KEY - 1 == 42, "as long as keys are");

static struct bearer find(const char *fields, bool secure, bool *is_cookie)
{
	static struct request_head h;
	static char text[20000];
	const struct head_limits limits = {16384, 100};
	struct head_refusal why;
	int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n",
			 fields);

	if (!request_head_parse(&h, text, (size_t)n, &limits, &why))
		fail_msg("%s: %s", fields, why.detail);
	*is_cookie = bearer_is_cookie(&h);
	return bearer_find(&h, secure);
}

struct brought {
	const char *fields;
	enum bearer_kind kind;
	const char *text; /* or of why not, a part */
	bool is_cookie;
};

static void check(const struct brought *b, bool secure)
{
	bool is_cookie;
	struct bearer got = find(b->fields, secure, &is_cookie);

	print_message("%s\n", b->fields);
	assert_int_equal(got.kind, b->kind);
	assert_int_equal(is_cookie, b->is_cookie);
	if (got.kind == BEARER_BAD)
		assert_non_null(strstr(got.why, b->text));
	else if (b->text != NULL)
		assert_true(str_eq(got.text, str_of(b->text)));
}

static void test_what_is_brought(void **state)
{
	static const struct brought t[] = {
		{"", BEARER_NONE, NULL, false},
		{"X-API-Key: " KEY "\r\n", BEARER_NONE, NULL, false},
		{"Authorization: Bearer " KEY "\r\n", BEARER_KEY, KEY, false},
		{"authorization: bEARER   " KEY "\t\r\n", BEARER_KEY, KEY, false},
		{"Authorization: Bearer a.b.c\r\n", BEARER_JWT, "a.b.c", false},
		{"Authorization: Bearer ntk_" REST "\r\n", BEARER_BAD,
		 "a key of the gateway", false},
		{"Authorization: Bearer tgu_short\r\n", BEARER_BAD, "mistyped", false},
		{"Authorization: Bearer " KEY "x\r\n", BEARER_BAD, "mistyped", false},
		{"Authorization: Bearer tgu_.3456789abcdefghijABCDEFGHIJ0123456XYZ\r\n",
		 BEARER_BAD, "mistyped", false},
		{"Authorization: Bearer " COOKIE "\r\n", BEARER_BAD,
		 "neither a personal key", false},
		{"Authorization: Bearer\r\n", BEARER_BAD, "must be Bearer", false},
		{"Authorization: Bearer \r\n", BEARER_BAD, "must be Bearer", false},
		{"Authorization: \r\n", BEARER_BAD, "must be Bearer", false},
		{"Authorization: Basic dTpw\r\n", BEARER_BAD, "must be Bearer", false},
		{"Authorization: " KEY "\r\n", BEARER_BAD, "must be Bearer", false},
		{"Authorization: Bearer " KEY "\r\nAuthorization: Bearer " KEY "\r\n",
		 BEARER_BAD, "more than one Authorization", false},
		/* Authorization goes first. */
		{"Authorization: Bearer " KEY "\r\nCookie: tollgate_session=" COOKIE
		 "\r\n",
		 BEARER_KEY, KEY, false},
		{"Authorization: Basic x\r\nCookie: tollgate_session=" COOKIE "\r\n",
		 BEARER_BAD, "must be Bearer", false},
		{"Cookie: tollgate_session=" COOKIE "\r\n", BEARER_SESSION, COOKIE, true},
		{"Cookie: a=b; tollgate_session=" COOKIE "; c\r\n", BEARER_SESSION,
		 COOKIE, true},
		{"Cookie: a=b;tollgate_session=" COOKIE "\r\n", BEARER_SESSION, COOKIE,
		 true},
		{"Cookie: a=b\r\nCookie: tollgate_session=" COOKIE "\r\n", BEARER_SESSION,
		 COOKIE, true},
		{"Cookie: tollgate_session=" COOKIE "; tollgate_session=" COOKIE "\r\n",
		 BEARER_BAD, "more than one session's cookie", true},
		{"Cookie: tollgate_session=" COOKIE "\r\nCookie: tollgate_session=x\r\n",
		 BEARER_BAD, "more than one session's cookie", true},
		{"Cookie: tollgate_session=\r\n", BEARER_BAD, "none of ours", true},
		{"Cookie: tollgate_session=" KEY "\r\n", BEARER_BAD, "none of ours",
		 true},
		{"Cookie: tollgate_session=\"" COOKIE "\"\r\n", BEARER_BAD,
		 "none of ours", true},
		{"Cookie: xtollgate_session=" COOKIE "\r\n", BEARER_NONE, NULL, false},
		{"Cookie: Tollgate_session=" COOKIE "\r\n", BEARER_NONE, NULL, false},
		{"Cookie: tollgate_session\r\n", BEARER_NONE, NULL, false},
		{"Cookie: ;;; ;\r\n", BEARER_NONE, NULL, false},
		/* The other name's origin counts as well, though it says nothing. */
		{"Cookie: __Host-tollgate_session=" COOKIE "\r\n", BEARER_NONE, NULL,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		check(&t[i], false);
}

static void test_a_secure_cookie(void **state)
{
	static const struct brought t[] = {
		{"Cookie: __Host-tollgate_session=" COOKIE "\r\n", BEARER_SESSION, COOKIE,
		 true},
		{"Cookie: tollgate_session=" COOKIE "\r\n", BEARER_NONE, NULL, true},
		{"Cookie: tollgate_session=x; __Host-tollgate_session=" COOKIE "\r\n",
		 BEARER_SESSION, COOKIE, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		check(&t[i], true);
}

static void test_a_huge_token(void **state)
{
	char *fields = xasprintf("Authorization: Bearer a.%09000d.c\r\n", 0);
	bool is_cookie;
	struct bearer b = find(fields, false, &is_cookie);

	(void)state;
	assert_int_equal(b.kind, BEARER_BAD);
	assert_non_null(strstr(b.why, "8 KB"));
	free(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_brought),
		cmocka_unit_test(test_a_secure_cookie),
		cmocka_unit_test(test_a_huge_token),
	};

	return cmocka_run_group_tests_name("bearer", tests, NULL, NULL);
}
