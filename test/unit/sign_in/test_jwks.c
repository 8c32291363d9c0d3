/* Sets of public keys: what is taken of them, and which signatures they confirm. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "gateway/sign_in/jwks.h"
#include "test/unit/sign_in/signer.h"

#define CLAIMS "{\"sub\":\"u\"}"

static EVP_PKEY *rsa, *small, *ec, *other;
static struct sbuf rsa_jwk, ec_jwk;

static int make_keys(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	small = EVP_RSA_gen(1024);
	ec = EVP_EC_gen("P-256");
	other = EVP_EC_gen("P-256");
	sbuf_init(&rsa_jwk, 8192);
	sbuf_init(&ec_jwk, 8192);
	put_jwk(&rsa_jwk, rsa);
	put_jwk(&ec_jwk, ec);
	return rsa && small && ec && other ? 0 : -1;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(small);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(other);
	sbuf_fini(&rsa_jwk);
	sbuf_fini(&ec_jwk);
	return 0;
}

/* {"keys":[text]}, with R and E for the two keys' members. */
static struct jwks *parse(const char *text, struct sbuf *error)
{
	struct sbuf set;
	struct jwks *jwks;

	sbuf_init(&set, 1 << 20);
	sbuf_lit(&set, "{\"keys\":[");
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '$')
			sbuf_str(&set, sbuf_view(p[1] == 'R' ? &rsa_jwk : &ec_jwk));
		else if (p == text || p[-1] != '$')
			sbuf_add(&set, p, 1);
	}
	sbuf_lit(&set, "]}");
	sbuf_init(error, 4096);
	jwks = jwks_parse(sbuf_view(&set), error);
	sbuf_fini(&set);
	return jwks;
}

static enum jwks_verdict verify(const struct jwks *set, EVP_PKEY *key, const char *kid,
				enum jwt_algorithm algorithm)
{
	const char *header =
		EVP_PKEY_is_a(key, "RSA") ? "{\"alg\":\"RS256\"}" : "{\"alg\":\"ES256\"}";
	enum jwks_verdict verdict;
	struct sbuf token;

	sbuf_init(&token, 65536);
	sign(&token, key, header, CLAIMS);
	verdict = jwks_verify(set, sbuf_view(&token), str_of(kid), algorithm);
	sbuf_fini(&token);
	return verdict;
}

static void test_which_keys_are_taken(void **state)
{
	static const struct {
		const char *text;
		bool taken;
	} cases[] = {
		{"{$R}", true},
		{"{$E}", true},
		{"{$R,\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"a\"}", true},
		{"{$R,\"key_ops\":[\"verify\"],\"x5t\":\"abc\",\"x5u\":\"http://x\"}",
		 true},
		{"{$E,\"alg\":\"ES256\"}", true},
		{"{$R,\"use\":\"enc\"}", false},
		{"{$R,\"key_ops\":[\"encrypt\"]}", false},
		{"{$R,\"key_ops\":\"verify\"}", false},
		{"{$R,\"alg\":\"RS512\"}", false},
		{"{$R,\"alg\":\"HS256\"}", false},
		{"{$R,\"alg\":7}", false},
		{"{$R,\"kid\":7}", false},
		{"{$E,\"alg\":\"RS256\"}", false},
		{"{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}", false},
		{"{\"kty\":\"RSA\"}", false},
		{"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", false},
		{"{\"kty\":\"RSA\",\"n\":\"\\\"\",\"e\":\"AQAB\"}", false},
		{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
		 false},
		{"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AAAA\",\"y\":\"AAAA\"}",
		 false},
		{"7", false},
		{"", false},
		/* Those of others beside ours. */
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"},{$R},null", true},
		/* Which of the two? */
		{"{$R,\"kid\":\"a\"},{$E,\"kid\":\"a\"}", false},
		{"{$R,\"kid\":\"a\"},{$E,\"kid\":\"b\"}", true},
		{"{$R},{$E}", true}, /* two without a kid */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sbuf error;
		struct jwks *set = parse(cases[i].text, &error);

		print_message("%s: %.*s\n", cases[i].text, (int)error.n,
			      error.p ? error.p : "");
		assert_int_equal(set != NULL, cases[i].taken);
		assert_int_equal(error.n == 0, cases[i].taken);
		jwks_free(&set);
		assert_null(set);
		sbuf_fini(&error);
	}
}

static void test_weak_keys_are_left_out(void **state)
{
	struct sbuf jwk, set, error;
	struct jwks *jwks;

	(void)state;
	sbuf_init(&jwk, 8192);
	sbuf_init(&set, 65536);
	sbuf_init(&error, 4096);
	put_jwk(&jwk, small);
	sbuf_printf(&set, "{\"keys\":[{%s}]}", sbuf_text(&jwk));
	jwks = jwks_parse(sbuf_view(&set), &error);
	assert_null(jwks);
	sbuf_fini(&jwk);
	sbuf_fini(&set);
	sbuf_fini(&error);
}

static void test_texts_that_are_no_set(void **state)
{
	static const char *const texts[] = {"",
					    "{}",
					    "[]",
					    "{\"keys\":{}}",
					    "{\"keys\":[]}",
					    "{\"keys\":null}",
					    "{\"keys\":[],\"keys\":[]}",
					    "<html>",
					    "{\"keys\":[{}]}"};
	struct sbuf error;
	char *many = xcalloc(1, JWKS_TEXT_MAX + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		sbuf_init(&error, 4096);
		assert_null(jwks_parse(str_of(texts[i]), &error));
		assert_true(error.n > 0);
		sbuf_fini(&error);
	}
	sbuf_init(&error, 4096);
	memset(many, ' ', JWKS_TEXT_MAX + 1);
	assert_null(jwks_parse((struct str){many, JWKS_TEXT_MAX + 1}, &error));
	assert_true(error.n > 0);
	sbuf_fini(&error);
	free(many);
}

static void test_signatures(void **state)
{
	struct sbuf error;
	struct jwks *set = parse("{$R,\"kid\":\"r\"},{$E,\"kid\":\"e\"}", &error), *one;

	(void)state;
	assert_non_null(set);
	assert_int_equal(verify(set, rsa, "r", JWT_RS256), JWKS_RIGHT);
	assert_int_equal(verify(set, ec, "e", JWT_ES256), JWKS_RIGHT);
	assert_int_equal(verify(set, ec, "r", JWT_ES256), JWKS_WRONG);
	assert_int_equal(verify(set, ec, "r", JWT_RS256), JWKS_WRONG);
	assert_int_equal(verify(set, rsa, "e", JWT_RS256), JWKS_WRONG);
	assert_int_equal(verify(set, other, "e", JWT_ES256), JWKS_WRONG);
	assert_int_equal(verify(set, rsa, "x", JWT_RS256), JWKS_NO_KEY);
	assert_int_equal(verify(set, rsa, "", JWT_RS256), JWKS_NO_KEY);
	/* Without a kid only a set of one key is no guess. */
	assert_int_equal(verify(set, rsa, NULL, JWT_RS256), JWKS_NO_KEY);
	jwks_free(&set);
	sbuf_fini(&error);
	one = parse("{$R}", &error);
	assert_int_equal(verify(one, rsa, NULL, JWT_RS256), JWKS_RIGHT);
	assert_int_equal(verify(one, rsa, "r", JWT_RS256), JWKS_NO_KEY);
	jwks_free(&one);
	sbuf_fini(&error);
}

/* Any byte of a token changed: not signed any more. */
static void test_changed_tokens(void **state)
{
	EVP_PKEY *keys[] = {rsa, ec};
	struct sbuf error, token;
	struct jwks *set = parse("{$R,\"kid\":\"r\"},{$E,\"kid\":\"e\"}", &error);

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const char *kid = k == 0 ? "r" : "e";
		enum jwt_algorithm algorithm = k == 0 ? JWT_RS256 : JWT_ES256;

		sbuf_init(&token, 65536);
		sign(&token, keys[k],
		     k == 0 ? "{\"alg\":\"RS256\"}" : "{\"alg\":\"ES256\"}", CLAIMS);
		assert_int_equal(
			jwks_verify(set, sbuf_view(&token), str_of(kid), algorithm),
			JWKS_RIGHT);
		for (size_t i = 0; i < token.n; i += 3) {
			char before = token.p[i];

			token.p[i] = before == 'A' ? 'B' : 'A';
			assert_int_equal(jwks_verify(set, sbuf_view(&token), str_of(kid),
						     algorithm),
					 JWKS_WRONG);
			token.p[i] = before;
		}
		for (size_t n = token.n - 2; n > token.n - 60; n -= 7)
			assert_int_equal(jwks_verify(set, (struct str){token.p, n},
						     str_of(kid), algorithm),
					 JWKS_WRONG);
		sbuf_fini(&token);
	}
	jwks_free(&set);
	sbuf_fini(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_keys_are_taken),
		cmocka_unit_test(test_weak_keys_are_left_out),
		cmocka_unit_test(test_texts_that_are_no_set),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_changed_tokens),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
