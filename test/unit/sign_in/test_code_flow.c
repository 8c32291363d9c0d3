/* A sign-in by the authorization code flow: what is sealed, sent and read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/sign_in/code_flow.h"
#include "gateway/sign_in/discovery.h"
#include "gateway/sign_in/seal.h"

#define NOW 1795503148

static const unsigned char key[SEAL_KEY_BYTES] = {1, 2, 3}, other_key[SEAL_KEY_BYTES];

static void test_where_to_return(void **state)
{
	static const char *const local[] = {"/", "/tokens", "/a?b=c&d=%2F#e", "/.//x"};
	static const char *const others[] = {
		"",
		"a",
		"//evil",
		"/\\evil",
		"\\\\evil",
		"https:",
		"https://evil",
		"/a b",
		"/a\tb",
		"/a\r\nb",
		"/\xc3\xa9",
		"/\x7f",
		"javascript:a()",
		"?a",
		"#a",
		"/<a>",
		"/\"",
		"/a\\b",
	};
	char *most = xcalloc(1, CODE_FLOW_RETURN_MAX + 2);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(local); i++)
		assert_true(code_flow_is_local(local[i]));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (code_flow_is_local(others[i]))
			fail_msg("taken: %s", others[i]);
	memset(most, '/', 1);
	memset(most + 1, 'a', CODE_FLOW_RETURN_MAX - 1);
	assert_true(code_flow_is_local(most));
	most[CODE_FLOW_RETURN_MAX] = 'a';
	assert_false(code_flow_is_local(most));
	free(most);
}

static void test_sealed_and_opened(void **state)
{
	struct code_flow f, g;
	struct sbuf sealed, again;
	char *changed;

	(void)state;
	sbuf_init(&sealed, CODE_FLOW_SEALED_MAX);
	sbuf_init(&again, CODE_FLOW_SEALED_MAX);
	code_flow_begin(&f, "keycloak", "/tokens?a=b", NOW);
	assert_int_equal(strlen(f.state), CODE_FLOW_SECRET);
	assert_string_not_equal(f.state, f.nonce);
	assert_string_not_equal(f.nonce, f.verifier);
	code_flow_seal(&f, key, &sealed);
	code_flow_seal(&f, key, &again);
	assert_string_not_equal(sbuf_text(&sealed), sbuf_text(&again));
	assert_true(code_flow_open(&g, key, sbuf_view(&sealed)));
	assert_memory_equal(&f, &g, sizeof f);
	assert_false(code_flow_open(&g, other_key, sbuf_view(&sealed)));
	/* Any change, and any part of it. */
	changed = xstrdup(sbuf_text(&sealed));
	for (size_t i = 0; i < sealed.n; i++) {
		char was = changed[i];

		changed[i] = was == 'A' ? 'B' : 'A';
		assert_false(code_flow_open(&g, key, str_of(changed)));
		changed[i] = was;
		assert_false(code_flow_open(&g, key, (struct str){changed, i}));
	}
	free(changed);
	sbuf_fini(&sealed);
	sbuf_fini(&again);
}

/* The longest that there are still fit a cookie. */
static void test_the_longest(void **state)
{
	char name[CODE_FLOW_NAME_MAX + 1] = "", to[CODE_FLOW_RETURN_MAX + 1] = "";
	struct code_flow f, g;
	struct sbuf sealed;

	(void)state;
	memset(name, 'a', sizeof name - 1);
	memset(to, '/', 1);
	memset(to + 1, 'b', sizeof to - 2);
	sbuf_init(&sealed, CODE_FLOW_SEALED_MAX);
	code_flow_begin(&f, name, to, NOW);
	code_flow_seal(&f, key, &sealed);
	assert_false(sealed.overflow);
	assert_true(code_flow_open(&g, key, sbuf_view(&sealed)));
	assert_string_equal(g.return_to, to);
	sbuf_fini(&sealed);
}

/* Sealed by us, and still no sign-in. */
static void test_other_sealed_texts(void **state)
{
	static const char *const texts[] = {
		"x",
		"\n\n\n\n\n\n",
		"1\nstate\nnonce\nverifier\n5\nname",
		"1\nstate\nnonce\nverifier\n5\nname\n/",
		"2\n0123456789012345678901234567890123456789012\nn\nv\n5\nname\n/",
		"1\n0123456789012345678901234567890123456789012\nn\nv\nx\nname\n/",
		"1\n01234567890123456789012345678901234567890123\nn\nv\n5\nname\n/",
	};
	struct code_flow f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sbuf sealed;

		sbuf_init(&sealed, 4096);
		seal_make(&sealed, key, str_of(texts[i]));
		assert_false(code_flow_open(&f, key, sbuf_view(&sealed)));
		sbuf_fini(&sealed);
	}
}

static void test_the_state(void **state)
{
	struct code_flow f, other;

	(void)state;
	code_flow_begin(&f, "a", "/", NOW);
	code_flow_begin(&other, "a", "/", NOW);
	assert_null(code_flow_fault(&f, f.state, NOW));
	assert_null(code_flow_fault(&f, f.state, NOW + 599));
	assert_non_null(strstr(code_flow_fault(&f, f.state, NOW + 600), "10 minutes"));
	assert_non_null(strstr(code_flow_fault(&f, other.state, NOW), "another sign-in"));
	assert_non_null(strstr(code_flow_fault(&f, "", NOW), "another sign-in"));
	assert_non_null(strstr(code_flow_fault(&f, NULL, NOW), "another sign-in"));
}

static const char *const scopes[] = {"openid", "user:org:read"};
static const struct code_client client = {
	.client_id = "a&b=c",
	.redirect_uri = "https://t.example/api/sign-in/callback",
	.scopes = scopes,
	.n_scopes = 2,
};

static void test_what_is_sent(void **state)
{
	struct code_flow f = {.state = "STATE", .nonce = "NONCE"};
	struct sbuf out;

	(void)state;
	/* RFC 7636 B. */
	strcpy(f.verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	sbuf_init(&out, 4096);
	code_flow_authorize_url(&f, &client, "https://idp.example/auth?p=1", &out);
	assert_string_equal(
		sbuf_text(&out),
		"https://idp.example/auth?p=1&response_type=code&client_id=a%26b%3Dc"
		"&redirect_uri=https%3A%2F%2Ft.example%2Fapi%2Fsign-in%2Fcallback"
		"&scope=openid%20user%3Aorg%3Aread&state=STATE&nonce=NONCE"
		"&code_challenge_method=S256"
		"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	sbuf_reset(&out);
	code_flow_token_form(&f, &client, NULL, "c/+", &out);
	assert_string_equal(
		sbuf_text(&out),
		"grant_type=authorization_code&code=c%2F%2B"
		"&redirect_uri=https%3A%2F%2Ft.example%2Fapi%2Fsign-in%2Fcallback"
		"&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	sbuf_reset(&out);
	code_flow_token_form(&f, &client, "s&", "c", &out);
	assert_non_null(
		strstr(sbuf_text(&out), "&client_id=a%26b%3Dc&client_secret=s%26"));
	sbuf_reset(&out);
	code_flow_sign_out_url("https://idp.example/end", "me", "https://t.example/",
			       &out);
	assert_string_equal(sbuf_text(&out),
			    "https://idp.example/end?client_id=me"
			    "&post_logout_redirect_uri=https%3A%2F%2Ft.example%2F");
	sbuf_fini(&out);
}

static void test_what_is_answered(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"id_token\":1}",
		"{\"id_token\":\"a\",\"id_token\":\"b\"}",
		"{\"id_token\":\"a\"} x",
	};
	static const char *const refusals[][2] = {
		{"{\"error\":\"invalid_grant\"}", "invalid_grant"},
		{"{\"error\":\"Bad\\nword\"}", "?"},
		{"{\"error\":\"\"}", "?"},
		{"<html>", "?"},
	};
	struct sbuf out;
	char *token;

	(void)state;
	sbuf_init(&out, 4096);
	token = code_flow_read_tokens(STR("{\"id_token\":\"a.b.c\",\"x\":[1]}"), &out);
	assert_string_equal(token, "a.b.c");
	free(token);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		sbuf_reset(&out);
		assert_null(code_flow_read_tokens(str_of(bad[i]), &out));
		assert_true(out.n > 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		sbuf_reset(&out);
		code_flow_read_refusal(str_of(refusals[i][0]), &out);
		assert_string_equal(sbuf_text(&out), refusals[i][1]);
	}
	sbuf_fini(&out);
}

/* --- discovery --- */

#define PLACES(issuer, place)                                                            \
	"{\"issuer\":\"" issuer "\""                                                     \
	",\"authorization_endpoint\":\"" place "/a\""                                    \
	",\"token_endpoint\":\"" place "/t\",\"jwks_uri\":\"" place "/k\""
#define IDP "https://idp.example"
#define SENDS ",\"authorization_response_iss_parameter_supported\":true"

static void test_a_discovery_document(void **state)
{
	struct discovery d, copy;
	struct sbuf error;
	char *url;

	(void)state;
	sbuf_init(&error, 4096);
	assert_true(discovery_parse(
		&d,
		STR(PLACES(IDP, IDP) SENDS ",\"end_session_endpoint\":\"" IDP "/end\"}"),
		IDP, &error));
	discovery_copy(&copy, &d);
	discovery_fini(&d);
	assert_string_equal(copy.token_endpoint, IDP "/t");
	assert_string_equal(copy.end_session_endpoint, IDP "/end");
	assert_true(copy.sends_issuer);
	discovery_fini(&copy);
	/* On this machine, of an issuer on this machine. */
	assert_true(discovery_parse(
		&d, STR(PLACES("http://127.0.0.1:9", "http://127.0.0.1:9") "}"),
		"http://127.0.0.1:9", &error));
	assert_null(d.end_session_endpoint);
	assert_false(d.sends_issuer);
	discovery_fini(&d);
	url = discovery_url(IDP "/realms/main/");
	assert_string_equal(url, IDP "/realms/main/.well-known/openid-configuration");
	free(url);
	sbuf_fini(&error);
}

static void test_false_documents(void **state)
{
	static const char *const texts[][2] = {
		{"", "line 1"},
		{"[]", "no JSON object"},
		{"{}", "of another issuer"},
		{PLACES(IDP "/", IDP) "}", "of another issuer"},
		{PLACES(IDP, IDP) ",\"issuer\":\"" IDP "\"}", "line 1"},
		{"{\"issuer\":\"" IDP "\"}", "no authorization_endpoint"},
		{PLACES(IDP, "http://idp.example") "}", "authorization_endpoint"},
		{PLACES(IDP, "http://127.0.0.1") "}", "authorization_endpoint"},
		{PLACES(IDP, "javascript:alert(1)//") "}", "authorization_endpoint"},
		{PLACES(IDP, "https://u:p@idp.example") "}", "authorization_endpoint"},
		{PLACES(IDP, "https://idp.example\\\\@evil") "}",
		 "authorization_endpoint"},
		{PLACES(IDP, "https://idp.example/ ") "}", "authorization_endpoint"},
		{PLACES(IDP, "https://idp.example/\\r\\nX: y") "}",
		 "authorization_endpoint"},
		{PLACES(IDP, IDP) ",\"end_session_endpoint\":\"ftp://x\"}",
		 "end_session_endpoint"},
		{PLACES(IDP, IDP) ",\"end_session_endpoint\":null}",
		 "no end_session_endpoint"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct discovery d;
		struct sbuf error;

		sbuf_init(&error, 4096);
		assert_false(discovery_parse(&d, str_of(texts[i][0]), IDP, &error));
		if (strstr(sbuf_text(&error), texts[i][1]) == NULL)
			fail_msg("%s: %s", texts[i][0], sbuf_text(&error));
		assert_null(d.token_endpoint);
		sbuf_fini(&error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_to_return),
		cmocka_unit_test(test_sealed_and_opened),
		cmocka_unit_test(test_the_longest),
		cmocka_unit_test(test_other_sealed_texts),
		cmocka_unit_test(test_the_state),
		cmocka_unit_test(test_what_is_sent),
		cmocka_unit_test(test_what_is_answered),
		cmocka_unit_test(test_a_discovery_document),
		cmocka_unit_test(test_false_documents),
	};

	return cmocka_run_group_tests_name("code flow", tests, NULL, NULL);
}
