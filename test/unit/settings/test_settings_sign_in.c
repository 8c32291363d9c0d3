/* The manager's names, and whose word is taken for who somebody is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings.h"

#define ISSUER "\"issuer\": \"https://clerk.example.com\""
#define CLERK "{" ISSUER ", \"kind\": \"clerk\", \"parties\": [\"https://app.example\"]}"
#define OIDC(more)                                                                       \
	"{\"issuer\": \"https://idp.example\", \"kind\": \"oidc\", \"audiences\": "      \
	"[\"me\"]" more "}"

static struct settings *load(const char *members, struct sbuf *report)
{
	char *text =
		xasprintf("{\"database\": \"dbname=x\", \"routes\": [{\"name\": \"r\", "
			  "\"path\": \"/r\", \"upstream\": \"http://h\"}], %s}",
			  members);
	struct settings *s = settings_load_text("t", str_of(text), NULL, report);

	free(text);
	return s;
}

static struct settings *good(const char *members)
{
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, 65536);
	s = load(members, &report);
	if (s == NULL)
		fail_msg("%s\n%s", members, sbuf_text(&report));
	sbuf_fini(&report);
	return s;
}

static void test_all_is_read(void **state)
{
	struct settings *s = good(
		"\"manager\": {\"public_url\": \"https://tollgate.example\", \"hosts\": "
		"[\"tollgate.internal\", \"10.0.0.1\", \"::2\"], \"cors_origins\": "
		"[\"https://old.example\"]}, \"sign_in\": {\"issuers\": [" CLERK
		", " OIDC(
			", \"algorithms\": [\"ES256\", \"RS256\"], \"jwks_url\": "
			"\"http://127.0.0.1:9/keys?x=1\"") "], \"rules\": [{" ISSUER
							   ", \"claim\": \"org_id\", \"value\": \"org_1\", \"team\": \"a b\", \"role\": "
							   "\"manager\"}, {" ISSUER
							   ", \"claim\": \"x\", \"value\": \"y\", \"role\": \"admin\"}], "
							   "\"default_role\": \"viewer\"}");

	(void)state;
	assert_string_equal(s->public_url, "https://tollgate.example");
	assert_int_equal(s->manager_hosts.n, 3);
	assert_string_equal(s->manager_cors.items[0], "https://old.example");
	assert_int_equal(s->sign_in.n_issuers, 2);
	assert_int_equal(s->sign_in.issuers[0].kind, ISSUER_CLERK);
	assert_string_equal(s->sign_in.issuers[0].jwks_url,
			    "https://clerk.example.com/.well-known/jwks.json");
	assert_int_equal(s->sign_in.issuers[0].algorithms, SETTINGS_RS256);
	assert_int_equal(s->sign_in.issuers[1].kind, ISSUER_OIDC);
	assert_int_equal(s->sign_in.issuers[1].algorithms,
			 SETTINGS_RS256 | SETTINGS_ES256);
	assert_string_equal(s->sign_in.issuers[1].audiences.items[0], "me");
	assert_int_equal(s->sign_in.n_rules, 2);
	assert_string_equal(s->sign_in.rules[0].team, "a b");
	assert_int_equal(s->sign_in.rules[0].role, ROLE_MANAGER);
	assert_null(s->sign_in.rules[1].team);
	assert_int_equal(s->sign_in.rules[1].role, ROLE_ADMIN);
	assert_int_equal(s->sign_in.default_role, ROLE_VIEWER);
	settings_unref(&s);
}

static void test_nothing_is_the_default(void **state)
{
	struct settings *s = good("\"access_log\": true");

	(void)state;
	assert_null(s->public_url);
	assert_int_equal(s->manager_hosts.n + s->manager_cors.n + s->sign_in.n_issuers +
				 s->sign_in.n_rules,
			 0);
	assert_int_equal(s->sign_in.default_role, ROLE_NONE);
	settings_unref(&s);
}

static void test_dump_reads_back(void **state)
{
	struct settings *s = good("\"sign_in\": {\"issuers\": [" CLERK ", " OIDC(
		", \"jwks_url\": \"https://idp.example/k\"") "], \"rules\": [{" ISSUER
							     ", \"claim\": \"c\", \"value\": \"v\", \"team\": \"t\", \"role\": \"viewer\"}]}");
	struct settings *again, *other;
	struct sbuf text, report, changes;

	(void)state;
	sbuf_init(&text, 1u << 20);
	sbuf_init(&report, 65536);
	sbuf_init(&changes, 4096);
	settings_dump(s, &text);
	again = settings_load_text("t", sbuf_view(&text), NULL, &report);
	if (again == NULL)
		fail_msg("%s\n%s", sbuf_text(&text), sbuf_text(&report));
	settings_changes(s, again, &changes);
	assert_int_equal(changes.n, 0);
	other = good("\"sign_in\": {\"issuers\": [" CLERK "]}");
	settings_changes(s, other, &changes);
	assert_string_equal(sbuf_text(&changes), "sign_in.issuers, sign_in.rules");
	settings_restart_keys(s, other, &report);
	assert_int_equal(report.n, 0);
	settings_unref(&s);
	settings_unref(&again);
	settings_unref(&other);
	sbuf_fini(&text);
	sbuf_fini(&report);
	sbuf_fini(&changes);
}

static void test_faults(void **state)
{
	static const char *const t[][2] = {
		{"\"manager\": {\"public_url\": \"https://a.example/\"}",
		 "manager.public_url: \"https://a.example/\" holds more than scheme, host"},
		{"\"manager\": {\"public_url\": \"ftp://a.example\"}",
		 "neither http:// nor https://"},
		{"\"manager\": {\"hosts\": [\"a:80\"]}", "has a port; leave it out"},
		{"\"manager\": {\"hosts\": [\"http://a\"]}", "leave scheme and path out"},
		{"\"manager\": {\"hosts\": [\"*\"]}", "is no host name"},
		{"\"manager\": {\"cors_origins\": [\"*\"]}", "holds *; list each origin"},
		{"\"manager\": {\"public_ulr\": \"x\"}",
		 "did you mean manager.public_url?"},
		{"\"sign_in\": {\"issuers\": {}}", "must be an array"},
		{"\"sign_in\": {\"issuers\": [5]}",
		 "sign_in.issuers[0]: must be an object, is a number; write {\"issuer\""},
		{"\"sign_in\": {\"issuers\": [{}]}",
		 "sign_in.issuers[0].issuer: is missing; add \"issuer\""},
		{"\"sign_in\": {\"issuers\": [{" ISSUER ", \"kind\": \"saml\"}]}",
		 "sign_in.issuers[0].kind: must be \"oidc\" or \"clerk\"; write \"oidc\""},
		{"\"sign_in\": {\"issuers\": [{" ISSUER ", \"kind\": \"clerk\"}]}",
		 "sign_in.issuers[0].parties: is missing or empty"},
		{"\"sign_in\": {\"issuers\": [" CLERK ", " CLERK "]}",
		 "sign_in.issuers[1].issuer: is there already"},
		{"\"sign_in\": {\"issuers\": [{" ISSUER
		 ", \"kind\": \"oidc\", \"jwks_url\": \"https://a/\"}]}",
		 "sign_in.issuers[0].audiences: is missing or empty"},
		{"\"sign_in\": {\"issuers\": [" OIDC("") "]}",
		 "sign_in.issuers[0].jwks_url: is missing"},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_url\": \"http://idp.example/k\"") "]}",
		 "must be https://, or http:// to 127.0.0.1 or [::1]"},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_url\": \"https://u:p@idp.example/k\"") "]}",
		 "has a user or a password in it"},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_url\": \"http://127.0.0.1:1@idp.example/k\"") "]}",
		 "has a user or a password in it"},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_file\": \"/nowhere\"") "]}",
		 "the file /nowhere cannot be read"},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_url\": \"https://a/\", \"parties\": [\"x\"]") "]}",
		 "sign_in.issuers[0].parties: is for kind clerk"},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_url\": \"https://a/\", \"algorithms\": [\"a\"]") "]}",
		 "must be \"RS256\" or \"ES256\""},
		{"\"sign_in\": {\"issuers\": [" OIDC(
			 ", \"jwks_ulr\": \"https://a/\"") "]}",
		 "sign_in.issuers[0].jwks_ulr: unknown key; did you mean jwks_url?"},
		{"\"sign_in\": {\"rules\": [{" ISSUER
		 ", \"claim\": \"c\", \"value\": \"v\", \"team\": \"t\", \"role\": \"viewer\"}]}",
		 "sign_in.rules[0].issuer: there is no such issuer"},
		{"\"sign_in\": {\"issuers\": [" CLERK "], \"rules\": [{" ISSUER
		 ", \"claim\": \"c\", \"value\": \"v\", \"role\": \"viewer\"}]}",
		 "sign_in.rules[0].team: is missing"},
		{"\"sign_in\": {\"issuers\": [" CLERK "], \"rules\": [{" ISSUER
		 ", \"claim\": \"c\", \"value\": \"v\", \"team\": \"t\", \"role\": \"admin\"}]}",
		 "sign_in.rules[0].team: an admin is one of all teams"},
		{"\"sign_in\": {\"default_role\": \"admin\"}",
		 "sign_in.default_role: must be \"viewer\"; write \"viewer\""},
		{"\"sign_in\": {\"default_roll\": \"viewer\"}",
		 "did you mean sign_in.default_role?"},
		{"\"env\": {\"x\": {\"sign_in\": {\"issuers\": [{\"kind\": 5}]}}}",
		 "env.x.sign_in.issuers[0].kind: must be a string"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct settings *s;
		struct sbuf report;

		sbuf_init(&report, 65536);
		s = load(t[i][0], &report);
		if (s != NULL)
			fail_msg("passes: %s", t[i][0]);
		if (strstr(sbuf_text(&report), t[i][1]) == NULL)
			fail_msg("%s\n%s is not in: %s", t[i][0], t[i][1],
				 sbuf_text(&report));
		sbuf_fini(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_read),
		cmocka_unit_test(test_nothing_is_the_default),
		cmocka_unit_test(test_dump_reads_back),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests_name("settings: sign-in", tests, NULL, NULL);
}
