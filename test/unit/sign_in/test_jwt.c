/* Bearer JWTs: how they are read, and which claims let someone in. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "gateway/sign_in/jwt.h"
#include "test/unit/sign_in/signer.h"

#define NOW 1795503148
#define ISSUER "https://clerk.example.com"
#define HEADER "{\"alg\":\"RS256\",\"kid\":\"a\",\"typ\":\"JWT\"}"

static const char *const audiences[] = {"tollgate", "https://api.example.com"};
static const char *const parties[] = {"https://app.example.com", "http://localhost:5173"};

static const struct jwt_rules oidc = {
	.issuer = ISSUER,
	.kind = JWT_OIDC,
	.audiences = audiences,
	.n_audiences = ARRAY_LEN(audiences),
	.algorithms = 1u << JWT_RS256 | 1u << JWT_ES256,
};
static const struct jwt_rules clerk = {
	.issuer = ISSUER,
	.kind = JWT_CLERK,
	.parties = parties,
	.n_parties = ARRAY_LEN(parties),
	.algorithms = 1u << JWT_RS256,
};

static void put_token(struct sbuf *out, struct str header, struct str claims)
{
	put_base64url(out, header.p, header.n);
	sbuf_lit(out, ".");
	put_base64url(out, claims.p, claims.n);
	sbuf_lit(out, ".AAAA");
}

/* "": let in; else why not. */
static const char *judge(const char *header, const char *claims,
			 const struct jwt_rules *rules)
{
	static char why[512];
	struct sbuf token, error;
	struct jwt t;
	bool ok;

	sbuf_init(&token, 1 << 20);
	sbuf_init(&error, sizeof why - 1);
	put_token(&token, str_of(header), str_of(claims));
	ok = jwt_read(&t, sbuf_view(&token), &error) &&
	     jwt_check_header(&t, rules, &error) &&
	     jwt_check_claims(&t, rules, NOW, &error);
	assert_int_equal(ok, error.n == 0);
	snprintf(why, sizeof why, "%.*s", (int)error.n, error.p ? error.p : "");
	jwt_fini(&t);
	sbuf_fini(&token);
	sbuf_fini(&error);
	return why;
}

struct judged {
	const char *text, *why; /* of the reason a part; "": let in */
};

static void assert_judged(const char *why, const struct judged *j)
{
	print_message("%s: %s\n", j->text, why);
	if (*j->why == '\0')
		assert_string_equal(why, "");
	else
		assert_non_null(strstr(why, j->why));
}

#define SUB "\"iss\":\"" ISSUER "\",\"sub\":\"user_1\""
#define TIMED SUB ",\"exp\":1795503200"

static void test_headers(void **state)
{
	static const struct judged cases[] = {
		{HEADER, ""},
		{"{\"alg\":\"RS256\"}", ""},
		{"{\"alg\":\"ES256\",\"kid\":\"b\",\"x5t\":\"abc\"}", ""},
		/* What a token says of keys is not followed. */
		{"{\"alg\":\"RS256\",\"jku\":\"https://evil\",\"jwk\":{\"kty\":\"oct\"},"
		 "\"x5u\":\"https://evil\"}",
		 ""},
		{"{\"alg\":\"none\"}", "RS256"},
		{"{\"alg\":\"None\"}", "RS256"},
		{"{\"alg\":\"HS256\"}", "RS256"},
		{"{\"alg\":\"RS512\"}", "RS256"},
		{"{\"alg\":\"PS256\"}", "RS256"},
		{"{\"alg\":\"rs256\"}", "RS256"},
		{"{\"alg\":[\"RS256\"]}", "RS256"},
		{"{}", "RS256"},
		{"{\"alg\":\"RS256\",\"crit\":[\"exp\"]}", "crit"},
		{"{\"alg\":\"RS256\",\"crit\":[]}", "crit"},
		{"{\"alg\":\"RS256\",\"b64\":false}", "crit"},
		{"{\"alg\":\"RS256\",\"kid\":7}", "kid"},
		{"{\"alg\":\"RS256\",\"kid\":\"\"}", "kid"},
		{"{\"alg\":\"RS256\",\"alg\":\"RS256\"}", "twice"},
		{"{\"alg\":\"none\",\"\\u0061lg\":\"RS256\"}", "twice"},
		{"[]", "no JSON object"},
		{"{\"alg\":\"RS256\"} ", ""},
		{"{\"alg\":\"RS256\"}x", "no JSON object"},
		{"{\"alg\":\"RS256\\u0000\"}", "no JSON object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_judged(
			judge(cases[i].text, "{" TIMED ",\"aud\":\"tollgate\"}", &oidc),
			&cases[i]);
}

static void test_claims_of_all(void **state)
{
	static const struct judged cases[] = {
		{"{" TIMED ",\"aud\":\"tollgate\"}", ""},
		{"{\"iss\":\"" ISSUER "/\",\"sub\":\"u\",\"exp\":1795503200}", "iss"},
		{"{\"iss\":\"HTTPS://clerk.example.com\",\"sub\":\"u\",\"exp\":1795503200}",
		 "iss"},
		{"{\"iss\":[\"" ISSUER "\"],\"sub\":\"u\",\"exp\":1795503200}", "iss"},
		{"{\"sub\":\"u\",\"exp\":1795503200}", "iss"},
		{"{\"iss\":\"" ISSUER "\",\"exp\":1795503200}", "sub"},
		{"{\"iss\":\"" ISSUER "\",\"sub\":\"\",\"exp\":1795503200}", "sub"},
		{"{\"iss\":\"" ISSUER "\",\"sub\":1,\"exp\":1795503200}", "sub"},
		{"{" SUB ",\"aud\":\"tollgate\"}", "no exp"},
		{"{" SUB ",\"exp\":1795503148,\"aud\":\"tollgate\"}", "expired"},
		{"{" SUB ",\"exp\":1795503149,\"aud\":\"tollgate\"}", ""},
		{"{" SUB ",\"exp\":1795503148.5,\"aud\":\"tollgate\"}", ""},
		{"{" SUB ",\"exp\":\"1795503200\",\"aud\":\"tollgate\"}", "no time"},
		{"{" SUB ",\"exp\":1e999,\"aud\":\"tollgate\"}", "no time"},
		{"{" SUB ",\"exp\":-1,\"aud\":\"tollgate\"}", "no time"},
		{"{" SUB ",\"exp\":null,\"aud\":\"tollgate\"}", "no time"},
		{"{" TIMED ",\"nbf\":1795503208,\"aud\":\"tollgate\"}", ""},
		{"{" TIMED ",\"nbf\":1795503209,\"aud\":\"tollgate\"}", "not valid yet"},
		{"{" TIMED ",\"iat\":1795503208,\"aud\":\"tollgate\"}", ""},
		{"{" TIMED ",\"iat\":1795503209,\"aud\":\"tollgate\"}", "not valid yet"},
		{"{" TIMED ",\"iat\":true,\"aud\":\"tollgate\"}", "no time"},
		{"{" TIMED ",\"exp\":9999999999,\"aud\":\"tollgate\"}", "twice"},
		{"\"x\"", "no JSON object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_judged(judge(HEADER, cases[i].text, &oidc), &cases[i]);
}

static void test_audiences(void **state)
{
	static const struct judged cases[] = {
		{"{" TIMED "}", "aud"},
		{"{" TIMED ",\"aud\":\"https://api.example.com\"}", ""},
		{"{" TIMED ",\"aud\":[\"other\",\"tollgate\"]}", ""},
		{"{" TIMED ",\"aud\":[\"other\"]}", "aud"},
		{"{" TIMED ",\"aud\":[]}", "aud"},
		{"{" TIMED ",\"aud\":[\"tollgate\",7]}", "aud"},
		{"{" TIMED ",\"aud\":\"Tollgate\"}", "aud"},
		{"{" TIMED ",\"aud\":{\"tollgate\":1}}", "aud"},
		{"{" TIMED ",\"aud\":\"tollgate\",\"nonce\":\"x\"}", "ID token"},
		{"{" TIMED ",\"aud\":\"tollgate\",\"at_hash\":\"x\"}", "ID token"},
		{"{" TIMED ",\"aud\":\"tollgate\",\"typ\":\"ID\"}", "ID token"},
		{"{" TIMED ",\"aud\":\"tollgate\",\"token_use\":\"id\"}", "ID token"},
		{"{" TIMED ",\"aud\":\"tollgate\",\"typ\":\"Bearer\"}", ""},
		{"{" TIMED ",\"aud\":\"tollgate\",\"token_use\":\"access\"}", ""},
		{"{" TIMED ",\"aud\":\"tollgate\",\"events\":{}}", "events"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_judged(judge(HEADER, cases[i].text, &oidc), &cases[i]);
}

static void test_types(void **state)
{
	static const struct judged headers[] = {
		{"{\"alg\":\"RS256\"}", ""},
		{"{\"alg\":\"RS256\",\"typ\":\"jwt\"}", ""},
		{"{\"alg\":\"RS256\",\"typ\":\"at+JWT\"}", ""},
		{"{\"alg\":\"RS256\",\"typ\":\"application/at+jwt\"}", ""},
		{"{\"alg\":\"RS256\",\"typ\":\"application/\"}", "access token"},
		{"{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}", "access token"},
		{"{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", "access token"},
		{"{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\"}", "access token"},
		{"{\"alg\":\"RS256\",\"typ\":\"\"}", "access token"},
		{"{\"alg\":\"RS256\",\"typ\":null}", "access token"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		assert_judged(
			judge(headers[i].text, "{" TIMED ",\"aud\":\"tollgate\"}", &oidc),
			&headers[i]);
}

#define SESSION TIMED ",\"sid\":\"sess_1\""
#define AZP ",\"azp\":\"https://app.example.com\""

static void test_clerks_sessions(void **state)
{
	static const struct judged cases[] = {
		{"{" SESSION AZP "}", ""},
		{"{" SESSION ",\"azp\":\"http://localhost:5173\",\"v\":2,\"fva\":[1,-1]}",
		 ""},
		{"{" SESSION AZP ",\"o\":{\"id\":\"org_1\",\"rol\":\"admin\"}}", ""},
		{"{" SESSION AZP ",\"sts\":\"active\"}", ""},
		{"{" SESSION AZP ",\"sts\":\"pending\"}", "pending"},
		{"{" SESSION AZP ",\"sts\":null}", "pending"},
		{"{" SESSION "}", "no azp"},
		{"{" SESSION ",\"azp\":\"https://evil.example.com\"}", "its azp"},
		{"{" SESSION ",\"azp\":\"https://app.example.com.evil\"}", "its azp"},
		{"{" SESSION ",\"azp\":null}", "its azp"},
		{"{" SESSION ",\"azp\":[\"https://app.example.com\"]}", "its azp"},
		{"{" TIMED AZP "}", "no sid"},
		{"{" TIMED AZP ",\"sid\":\"\"}", "no sid"},
		{"{" TIMED AZP ",\"sid\":7}", "no sid"},
	};
	static const struct judged headers[] = {
		{"{\"alg\":\"RS256\",\"cat\":\"cl_B7d4PD111AAA\"}", ""},
		{"{\"alg\":\"RS256\",\"cat\":\"cl_I7d4PD111III\"}", "session token"},
		{"{\"alg\":\"RS256\",\"cat\":\"cl_B7d4PD222AAA\"}", "session token"},
		{"{\"alg\":\"RS256\",\"cat\":\"cl_B7d4PD333AAA\"}", "session token"},
		{"{\"alg\":\"RS256\",\"cat\":\"\"}", "session token"},
		{"{\"alg\":\"RS256\",\"cat\":null}", "session token"},
		{"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", "session token"},
		{"{\"alg\":\"RS256\",\"typ\":\"jwt\"}", ""},
		{"{\"alg\":\"RS256\",\"typ\":7}", "session token"},
		{"{\"alg\":\"ES256\"}", "algorithm"},
	};
	struct jwt_rules lenient = clerk;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_judged(judge(HEADER, cases[i].text, &clerk), &cases[i]);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		assert_judged(judge(headers[i].text, "{" SESSION AZP "}", &clerk),
			      &headers[i]);
	lenient.party_optional = true;
	assert_string_equal(judge(HEADER, "{" SESSION "}", &lenient), "");
	assert_string_not_equal(judge(HEADER, "{" SESSION ",\"azp\":\"x\"}", &lenient),
				"");
}

static void test_texts_that_are_none(void **state)
{
	static const struct str texts[] = {
		STR(""),
		STR("."),
		STR(".."),
		STR("a.b.c"),
		STR("e30.e30"),
		STR("e30.e30."),
		STR("e30.e30.AA.AA"),
		STR("e30=.e30.AA"),
		STR("e30.e30.A"),
		STR("e3 0.e30.AA"),
		STR("e30.e3\n.AA"),
		STR("e30.e31.AA"),
		STR("e30.e30.AB"),
		STR("e30.e3\0.AA"),
		STR("e30.e+0.AA"),
		STR("e30.e/0.AA"),
		STR("eyJhbGciOiJSUzI1NiJ9.e30.A\xff"),
	};
	char *large = xcalloc(1, JWT_MAX + 2);
	struct sbuf error;
	struct jwt t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		print_message("%zu\n", i);
		sbuf_init(&error, 4096);
		assert_false(jwt_read(&t, texts[i], &error));
		assert_true(error.n > 0);
		jwt_fini(&t);
		sbuf_fini(&error);
	}
	memset(large, 'A', JWT_MAX + 1);
	sbuf_init(&error, 4096);
	assert_false(jwt_read(&t, (struct str){large, JWT_MAX + 1}, &error));
	assert_non_null(strstr(sbuf_text(&error), "8 KB"));
	jwt_fini(&t);
	sbuf_fini(&error);
	free(large);
}

static void test_deep_and_wide_claims(void **state)
{
	struct sbuf claims;

	(void)state;
	sbuf_init(&claims, 1 << 20);
	sbuf_lit(&claims, "{\"a\":");
	for (int i = 0; i < 2000; i++)
		sbuf_lit(&claims, "[");
	assert_string_not_equal(judge(HEADER, sbuf_text(&claims), &oidc), "");
	sbuf_reset(&claims);
	sbuf_lit(&claims, "{" TIMED ",\"aud\":[\"tollgate\"");
	for (int i = 0; i < 1000; i++)
		sbuf_lit(&claims, ",\"x\"");
	sbuf_lit(&claims, "]}");
	assert_string_equal(judge(HEADER, sbuf_text(&claims), &oidc), "");
	sbuf_fini(&claims);
}

#define ID TIMED ",\"iat\":1795503100"
#define MINE "\"aud\":\"me\",\"nonce\":\"N\""

static void test_id_tokens(void **state)
{
	static const char *const client[] = {"me"};
	static const struct jwt_rules rules = {
		.issuer = ISSUER,
		.kind = JWT_ID,
		.audiences = client,
		.n_audiences = 1,
		.nonce = "N",
		.algorithms = 1u << JWT_RS256,
	};
	static const struct judged t[] = {
		{"{" ID "," MINE "}", ""},
		{"{" ID ",\"aud\":[\"me\"],\"nonce\":\"N\"}", ""},
		{"{" ID ",\"aud\":[\"x\",\"me\"],\"azp\":\"me\",\"nonce\":\"N\"}", ""},
		{"{" ID "," MINE ",\"azp\":\"me\",\"at_hash\":\"x\",\"typ\":\"ID\"}", ""},
		{"{" ID ",\"aud\":[\"x\",\"me\"],\"nonce\":\"N\"}", "azp"},
		{"{" ID "," MINE ",\"azp\":\"x\"}", "azp"},
		{"{" ID "," MINE ",\"azp\":null}", "azp"},
		{"{" ID ",\"aud\":\"x\",\"nonce\":\"N\"}", "aud"},
		{"{" ID ",\"aud\":[],\"nonce\":\"N\"}", "aud"},
		{"{" ID ",\"nonce\":\"N\"}", "aud"},
		{"{" ID ",\"aud\":\"me\"}", "nonce"},
		{"{" ID ",\"aud\":\"me\",\"nonce\":\"n\"}", "nonce"},
		{"{" ID ",\"aud\":\"me\",\"nonce\":\"\"}", "nonce"},
		{"{" ID ",\"aud\":\"me\",\"nonce\":[\"N\"]}", "nonce"},
		{"{" TIMED "," MINE "}", "no iat"},
		{"{" ID "," MINE ",\"events\":{}}", "events"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_judged(judge(HEADER, t[i].text, &rules), &t[i]);
	assert_non_null(
		strstr(judge("{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", t[0].text, &rules),
		       "no ID token"));
}

/* They come from the provider itself, and may tell of hundreds of groups. */
static void test_large_id_tokens(void **state)
{
	struct sbuf token, error, claims;
	struct jwt t;

	(void)state;
	sbuf_init(&claims, 1 << 20);
	sbuf_lit(&claims, "{\"x\":\"");
	for (unsigned i = 0; i < 20000; i++)
		sbuf_lit(&claims, "y");
	sbuf_lit(&claims, "\"}");
	sbuf_init(&token, 1 << 20);
	sbuf_init(&error, 4096);
	put_token(&token, STR(HEADER), sbuf_view(&claims));
	assert_false(jwt_read(&t, sbuf_view(&token), &error));
	jwt_fini(&t);
	assert_true(jwt_read_id(&t, sbuf_view(&token), &error));
	jwt_fini(&t);
	sbuf_str(&token, sbuf_view(&claims));
	assert_false(jwt_read_id(&t, sbuf_view(&token), &error));
	assert_non_null(strstr(sbuf_text(&error), "32 KB"));
	jwt_fini(&t);
	sbuf_fini(&claims);
	sbuf_fini(&token);
	sbuf_fini(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_claims_of_all),
		cmocka_unit_test(test_audiences),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_id_tokens),
		cmocka_unit_test(test_large_id_tokens),
		cmocka_unit_test(test_clerks_sessions),
		cmocka_unit_test(test_texts_that_are_none),
		cmocka_unit_test(test_deep_and_wide_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
