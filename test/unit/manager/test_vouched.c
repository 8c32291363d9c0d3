/* What a good token and the settings make of somebody, and what the database says of
 * them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/manager/identity_read.h"
#include "gateway/manager/vouched.h"
#include "gateway/sign_in/claims.h"
#include "test/unit/sign_in/signer.h"

static void put_token(struct sbuf *out, const char *claims)
{
	static const char header[] = "{\"alg\":\"RS256\"}";

	put_base64url(out, header, sizeof header - 1);
	sbuf_lit(out, ".");
	put_base64url(out, claims, strlen(claims));
	sbuf_lit(out, ".AAAA");
}

static bool holds(const char *claims, enum jwt_kind kind, const char *path,
		  const char *value)
{
	struct sbuf token, error;
	struct jwt t;
	bool yes;

	sbuf_init(&token, 65536);
	sbuf_init(&error, 4096);
	put_token(&token, claims);
	assert_true(jwt_read(&t, sbuf_view(&token), &error));
	yes = claims_hold(&t, kind, path, value);
	jwt_fini(&t);
	sbuf_fini(&token);
	sbuf_fini(&error);
	return yes;
}

static void test_claims(void **state)
{
	static const struct {
		const char *claims, *path, *value;
		bool oidc, clerk;
	} t[] = {
		{"{\"a\":\"b\"}", "a", "b", true, true},
		{"{\"a\":\"b\"}", "a", "B", false, false},
		{"{\"a\":\"b\"}", "A", "b", false, false},
		{"{\"a\":[\"x\",\"b\"]}", "a", "b", true, true},
		{"{\"a\":[[\"b\"]]}", "a", "b", false, false},
		{"{\"a\":\"x b\"}", "a", "b", false, false},
		{"{\"a\":{\"b\":{\"c\":[\"d\"]}}}", "a.b.c", "d", true, true},
		{"{\"a\":{\"b.c\":\"d\"}}", "a.b.c", "d", true, true},
		{"{\"https://x.example/roles\":[\"d\"]}", "https://x.example/roles", "d",
		 true, true},
		{"{\"a\":true,\"n\":7}", "a", "true", true, true},
		{"{\"a\":true,\"n\":7}", "n", "7", true, true},
		{"{\"a\":null}", "a", "null", false, false},
		{"{\"a\":{}}", "a", "", false, false},
		{"{\"a\":\"b\"}", "a.", "b", false, false},
		{"{\"a\":\"b\"}", ".", "b", false, false},
		{"{\"org_id\":\"o1\"}", "org_id", "o1", true, true},
		{"{\"org_id\":\"o1\"}", "o.id", "o1", false, true},
		{"{\"o\":{\"id\":\"o1\",\"rol\":\"admin\"}}", "org_id", "o1", false,
		 true},
		{"{\"o\":{\"id\":\"o1\",\"rol\":\"admin\"}}", "o.id", "o1", true, true},
		{"{\"o\":{\"id\":\"o1\",\"rol\":\"admin\"}}", "org_role", "org:admin",
		 false, true},
		{"{\"org_role\":\"org:admin\"}", "o.rol", "admin", false, true},
		{"{\"o\":{\"slg\":\"s\"}}", "org_slug", "s", false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		print_message("%s %s %s\n", t[i].claims, t[i].path, t[i].value);
		assert_int_equal(holds(t[i].claims, JWT_OIDC, t[i].path, t[i].value),
				 t[i].oidc);
		assert_int_equal(holds(t[i].claims, JWT_CLERK, t[i].path, t[i].value),
				 t[i].clerk);
	}
}

/* --- rules --- */

static struct settings *load(const char *sign_in)
{
	char *text = xasprintf(
		"{\"database\": \"dbname=x\", \"routes\": [], \"sign_in\": %s}", sign_in);
	struct sbuf report;
	struct settings *s;

	sbuf_init(&report, 65536);
	s = settings_load_text("t", str_of(text), NULL, &report);
	if (s == NULL)
		fail_msg("%s", sbuf_text(&report));
	sbuf_fini(&report);
	free(text);
	return s;
}

#define ISSUERS                                                                          \
	"\"issuers\": [{\"issuer\": \"https://c\", \"kind\": \"clerk\", \"parties\": "   \
	"[\"https://app\"]}, {\"issuer\": \"https://i\", \"kind\": \"oidc\", "           \
	"\"audiences\": [\"me\"], \"jwks_url\": \"https://i/k\"}]"
#define RULE "{\"issuer\": \"https://"
#define RULES                                                                            \
	"{" ISSUERS ", \"rules\": [" RULE                                                \
	"c\", \"claim\": \"org_id\", \"value\": \"o1\", \"team\": \"one\", \"role\": "   \
	"\"manager\"}, " RULE                                                            \
	"i\", \"claim\": \"org_id\", \"value\": \"o1\", \"team\": \"two\", \"role\": "   \
	"\"viewer\"}, " RULE                                                             \
	"c\", \"claim\": \"sub\", \"value\": \"boss\", \"role\": \"admin\"}]}"

/* What the database is asked of such a token. */
static char *seen(const char *sign_in, size_t issuer, const char *claims)
{
	struct settings *s = load(sign_in);
	struct sbuf token, error;
	struct vouched v;
	struct jwt t;
	char *text;

	sbuf_init(&token, 65536);
	sbuf_init(&error, 4096);
	put_token(&token, claims);
	assert_true(jwt_read(&t, sbuf_view(&token), &error));
	vouched_read(&v, &t, s,
		     &(struct voucher){s->sign_in.issuers[issuer].issuer,
				       s->sign_in.issuers[issuer].kind},
		     "192.0.2.1");
	text = xstrdup(v.seen);
	vouched_fini(&v);
	jwt_fini(&t);
	sbuf_fini(&token);
	sbuf_fini(&error);
	settings_unref(&s);
	return text;
}

static void assert_seen(const char *sign_in, size_t issuer, const char *claims,
			const char *expected)
{
	char *text = seen(sign_in, issuer, claims);

	assert_string_equal(text, expected);
	free(text);
}

static void test_rules(void **state)
{
	(void)state;
	assert_seen(
		RULES, 0,
		"{\"sub\":\"u\",\"exp\":9,\"nbf\":7,\"iat\":8.5,\"o\":{\"id\":\"o1\"}}",
		"{\"issuer\":\"https://c\",\"subject\":\"u\",\"name\":\"u\","
		"\"address\":\"192.0.2.1\",\"issued_at\":8,\"teams\":[{\"team\":\"one\",\"role\":"
		"\"manager\"}],\"admin\":false,\"sees_all\":false}");
	/* Another issuer's rule, of the same claim. */
	assert_seen(
		RULES, 1,
		"{\"sub\":\"boss\",\"exp\":9,\"org_id\":\"o1\",\"name\":\"N\\\"\","
		"\"email\":\"e@x\",\"act\":{\"sub\":\"helper\"}}",
		"{\"issuer\":\"https://i\",\"subject\":\"boss\",\"name\":\"N\\\"\","
		"\"email\":\"e@x\",\"acting\":\"helper\",\"address\":\"192.0.2.1\","
		"\"issued_at\":9,\"teams\":[{\"team\":\"two\",\"role\":\"viewer\"}],\"admin\":false,"
		"\"sees_all\":false}");
	assert_seen(
		RULES, 0, "{\"sub\":\"boss\",\"exp\":9,\"nbf\":7,\"act\":7}",
		"{\"issuer\":\"https://c\",\"subject\":\"boss\",\"name\":\"boss\","
		"\"acting\":\"?\",\"address\":\"192.0.2.1\",\"issued_at\":7,\"teams\":[],"
		"\"admin\":true,\"sees_all\":false}");
	assert_seen(
		"{" ISSUERS ", \"default_role\": \"viewer\"}", 0,
		"{\"sub\":\"u\",\"exp\":9}",
		"{\"issuer\":\"https://c\",\"subject\":\"u\",\"name\":\"u\","
		"\"address\":\"192.0.2.1\",\"issued_at\":9,\"teams\":[],\"admin\":false,"
		"\"sees_all\":true}");
}

/* --- who that is --- */

static void test_identities(void **state)
{
	static const char json[] =
		"{\"id\": 9223372036854775807, \"name\": \"Ann\", \"email\": null, "
		"\"kind\": \"service\", \"is_admin\": true, \"state\": \"active\", "
		"\"teams\": [{\"id\": 3, \"name\": \"one\", \"role\": \"manager\"}, "
		"{\"id\": 4, \"name\": \"two\", \"role\": \"viewer\"}], \"key_id\": 5, "
		"\"lives_s\": 60, \"fresh\": true, \"issuers\": [\"https://i\"]}";
	struct settings *s = load("{" ISSUERS ", \"default_role\": \"viewer\"}");
	struct identity_facts facts;
	struct identity *i = identity_read(STR(json), IDENTITY_KEY, s, &facts), *stale;

	(void)state;
	assert_int_equal(facts.state, PERSON_ACTIVE);
	assert_int_equal(facts.lives_s, 60);
	assert_true(facts.is_fresh);
	assert_true(i->user_id == INT64_MAX);
	assert_string_equal(i->name, "Ann");
	assert_null(i->email);
	assert_true(i->is_admin && i->is_service && i->sees_all && !i->is_stale);
	assert_int_equal(i->key_id, 5);
	assert_int_equal(i->n_teams, 2);
	assert_true(i->teams[0].is_manager && !i->teams[1].is_manager);
	stale = identity_stale(i);
	identity_unref(&i);
	assert_true(stale->is_stale && stale->refs == 1);
	assert_string_equal(stale->teams[1].name, "two");
	identity_unref(&stale);
	settings_unref(&s);
}

static void test_nobody(void **state)
{
	static const char *const out[] = {
		"{\"state\": \"removed\", \"id\": 1, \"name\": \"x\"}",
		"{\"state\": \"disabled\"}",
		"{}",
		"null",
		"",
		"[1]"};
	struct settings *s = load("{" ISSUERS "}");
	struct identity_facts facts;
	struct identity *i;

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(out); n++)
		assert_null(identity_read(str_of(out[n]), IDENTITY_JWT, s, &facts));
	i = identity_read(STR("{\"state\": \"unknown\"}"), IDENTITY_JWT, s, &facts);
	assert_int_equal(facts.state, PERSON_UNKNOWN);
	assert_int_equal(i->user_id, 0);
	assert_false(identity_has_rights(i));
	identity_unref(&i);
	i = identity_read(
		STR("{\"state\": \"active\", \"id\": 1, \"issuers\": [\"https://i\"]}"),
		IDENTITY_JWT, s, &facts);
	assert_false(i->sees_all); /* no default_role */
	assert_true(facts.lives_s == INT64_MAX);
	identity_unref(&i);
	settings_unref(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests_name("vouched", tests, NULL, NULL);
}
