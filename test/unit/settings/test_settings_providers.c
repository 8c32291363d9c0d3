/* Providers that browsers sign in at: what is read, kept secret, and refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings.h"

#define HOME "\"manager\": {\"public_url\": \"https://tollgate.example\"}"
#define NAMED "\"name\": \"kc\", \"client_id\": \"me\""
#define WHOLE                                                                            \
	NAMED ", \"issuer\": \"https://idp.example/r\", \"client_secret\": \"s e/c\""
#define OTHER                                                                            \
	"\"name\": \"two\", \"client_id\": \"me\", "                                     \
	"\"issuer\": \"https://two.example\", \"client_secret\": \"x\""
#define LIST(items) HOME ", \"sign_in\": {\"providers\": [" items "]}"
#define ISSUED(issuer)                                                                   \
	LIST("{" NAMED ", \"client_secret\": \"x\", \"issuer\": \"" issuer "\"}")

static struct settings *load_with(const char *members,
				  const struct settings_options *options,
				  struct sbuf *report)
{
	char *text =
		xasprintf("{\"database\": \"dbname=x\", \"routes\": [{\"name\": \"r\", "
			  "\"path\": \"/r\", \"upstream\": \"http://h\"}], %s}",
			  members);
	struct settings *s = settings_load_text("t", str_of(text), options, report);

	free(text);
	return s;
}

static struct settings *good(const char *members)
{
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, 65536);
	s = load_with(members, NULL, &report);
	if (s == NULL)
		fail_msg("%s\n%s", members, sbuf_text(&report));
	sbuf_fini(&report);
	return s;
}

static void test_all_is_read(void **state)
{
	struct settings *s = good(LIST(
		"{" WHOLE "}, {" OTHER
		", \"label\": \"Two\", \"kind\": \"clerk\", \"client_auth\": "
		"\"client_secret_post\", \"scopes\": [\"openid\", \"user:org:read\"], "
		"\"algorithms\": [\"ES256\"]}"));
	const struct settings_provider *one = &s->sign_in.providers[0], *two = one + 1;

	(void)state;
	assert_int_equal(s->sign_in.n_providers, 2);
	assert_string_equal(one->label, "kc");
	assert_int_equal(one->kind, ISSUER_OIDC);
	assert_string_equal(one->client_secret, "s e/c");
	assert_int_equal(one->client_auth, CLIENT_AUTH_BASIC);
	assert_int_equal(one->scopes.n, 3);
	assert_int_equal(one->algorithms, SETTINGS_RS256);
	assert_string_equal(two->label, "Two");
	assert_int_equal(two->kind, ISSUER_CLERK);
	assert_int_equal(two->client_auth, CLIENT_AUTH_POST);
	assert_string_equal(two->scopes.items[1], "user:org:read");
	assert_int_equal(two->algorithms, SETTINGS_ES256);
	settings_unref(&s);
}

static void test_the_secret_is_not_shown(void **state)
{
	struct settings *s = good(LIST("{" WHOLE "}")), *again, *other;
	struct sbuf text, report, changes;

	(void)state;
	sbuf_init(&text, 1u << 20);
	sbuf_init(&report, 65536);
	sbuf_init(&changes, 4096);
	settings_dump(s, &text);
	assert_null(strstr(sbuf_text(&text), "s e/c"));
	assert_non_null(strstr(sbuf_text(&text), "\"client_secret\": \"***\""));
	again = settings_load_text("t", sbuf_view(&text), NULL, &report);
	if (again == NULL)
		fail_msg("%s\n%s", sbuf_text(&text), sbuf_text(&report));
	other = good(LIST("{" WHOLE "}"));
	settings_changes(s, other, &changes);
	assert_int_equal(changes.n, 0);
	settings_changes(s, again, &changes); /* another secret */
	assert_string_equal(sbuf_text(&changes), "sign_in.providers");
	settings_unref(&s);
	settings_unref(&again);
	settings_unref(&other);
	sbuf_fini(&text);
	sbuf_fini(&report);
	sbuf_fini(&changes);
}

static const char *no_variable(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* While developing there may be none: then nobody is sent there. */
static void test_a_missing_secret(void **state)
{
	static const char text[] =
		LIST("{" NAMED ", \"issuer\": \"https://idp.example\", "
		     "\"client_secret\": \"${NO_SUCH_SECRET}\"}");
	struct settings_options options = {.variable = no_variable};
	struct settings *s;
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 65536);
	assert_null(load_with(text, &options, &report));
	assert_non_null(strstr(sbuf_text(&report), "NO_SUCH_SECRET"));
	options.allow_missing_secrets = true;
	s = load_with(text, &options, &report);
	assert_non_null(s);
	assert_null(s->sign_in.providers[0].client_secret);
	settings_unref(&s);
	sbuf_fini(&report);
}

static void test_faults(void **state)
{
	static const char *const t[][2] = {
		{"\"sign_in\": {\"providers\": [{" WHOLE "}]}",
		 "sign_in.providers: need manager.public_url"},
		{LIST("5"),
		 "sign_in.providers[0]: must be an object, is a number; write {\"name\""},
		{LIST("{}"), "sign_in.providers[0].client_secret: is missing; add"},
		{LIST("{" NAMED ", \"issuer\": \"https://a\"}"),
		 "client_secret: is missing"},
		{LIST("{" WHOLE ", \"name\": \"x\"}"), "name"},
		{LIST("{" WHOLE "}, {" WHOLE "}"),
		 "sign_in.providers[1].name: is there already; choose another"},
		{LIST("{" WHOLE "}, {" WHOLE "}"),
		 "sign_in.providers[1].issuer: is there already; remove one"},
		{LIST("{" WHOLE ", \"scopes\": [\"profile\"]}"),
		 "sign_in.providers[0].scopes: \"openid\" is missing; add it"},
		{LIST("{" WHOLE ", \"scopes\": [\"openid profile\"]}"),
		 "write each as an element of its own"},
		{LIST("{" WHOLE ", \"client_auth\": \"none\"}"),
		 "must be \"client_secret_basic\" or \"client_secret_post\""},
		{LIST("{" WHOLE ", \"kind\": \"saml\"}"),
		 "must be \"oidc\" or \"clerk\""},
		{LIST("{" WHOLE ", \"client_sercet\": \"x\"}"),
		 "did you mean client_secret?"},
		{LIST("{" NAMED ", \"issuer\": \"https://a\", \"client_secret\": \"\"}"),
		 "client_secret: is empty; write \"${OIDC_CLIENT_SECRET}\""},
		{LIST("{" NAMED
		      ", \"issuer\": \"https://a\", \"client_secret\": \"a\\nb\"}"),
		 "copy it again from the provider"},
		{ISSUED("http://idp.example"), "must be https://"},
		{ISSUED("idp.example"), "must be https://"},
		{ISSUED("https://idp.example/?a=b"), "has a query; leave it out"},
		{ISSUED("https://idp.example/#a"), "is no URL"},
		{ISSUED("https://idp.example/.well-known/openid-configuration"),
		 "is the discovery document; write what its"},
		{ISSUED("https://login.microsoftonline.com/common/v2.0"),
		 "is for accounts of any company; write your tenant's"},
		{ISSUED("https://login.microsoftonline.com/organizations/v2.0"),
		 "is for accounts of any company"},
		{LIST("{\"name\": \"callback\", \"client_id\": \"me\", \"issuer\": "
		      "\"https://a\", \"client_secret\": \"x\"}"),
		 "is where providers send browsers back to; choose another"},
		{LIST("{\"name\": \"My.Idp\", \"client_id\": \"me\", \"issuer\": "
		      "\"https://a\", \"client_secret\": \"x\"}"),
		 "is made of small letters, digits and - only"},
		{HOME ", \"sign_in\": {\"providers\": [{" WHOLE
		      "}], \"rules\": [{\"issuer\": \"https://x\", \"claim\": \"c\", "
		      "\"value\": \"v\", \"role\": \"admin\"}]}",
		 "there is no such issuer in sign_in.issuers or sign_in.providers"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct sbuf report;

		sbuf_init(&report, 65536);
		if (load_with(t[i][0], NULL, &report) != NULL)
			fail_msg("passes: %s", t[i][0]);
		if (strstr(sbuf_text(&report), t[i][1]) == NULL)
			fail_msg("%s\n%s is not in: %s", t[i][0], t[i][1],
				 sbuf_text(&report));
		assert_null(strstr(sbuf_text(&report), "s e/c"));
		sbuf_fini(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_read),
		cmocka_unit_test(test_the_secret_is_not_shown),
		cmocka_unit_test(test_a_missing_secret),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests_name("settings: providers", tests, NULL, NULL);
}
