/* Key sets as time passes: what is fetched when, which keys count, and for how long. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "gateway/sign_in/fetch.h"
#include "gateway/sign_in/key_sets.h"
#include "test/unit/sign_in/signer.h"

#define S UINT64_C(1000000)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define START (1000 * S)

enum key_name { A, B, N_KEYS };

/* What keys make: {...} of each, named "a" and "b", and a token that it signed. */
static EVP_PKEY *keys[N_KEYS];
static struct sbuf jwks[N_KEYS], tokens[N_KEYS];

/* The provider of an issuer. NULL: it is away. */
struct place {
	char *text;
	unsigned fetched;
};

static const char *urls[] = {"https://one.example/keys", "https://two.example/keys"};
static struct place places[ARRAY_LEN(urls)];
static uint64_t now;

static int make_keys(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	for (size_t i = 0; i < N_KEYS; i++) {
		keys[i] = EVP_EC_gen("P-256");
		sbuf_init(&jwks[i], 8192);
		sbuf_printf(&jwks[i], "{\"kid\":\"%c\",", 'a' + (int)i);
		put_jwk(&jwks[i], keys[i]);
		sbuf_lit(&jwks[i], "}");
		sbuf_init(&tokens[i], 8192);
		sign(&tokens[i], keys[i], "{\"alg\":\"ES256\"}", "{\"sub\":\"u\"}");
	}
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_KEYS; i++) {
		EVP_PKEY_free(keys[i]);
		sbuf_fini(&jwks[i]);
		sbuf_fini(&tokens[i]);
	}
	return 0;
}

/* --- the world --- */

static uint64_t on_now(void)
{
	return now;
}

static bool on_get(const struct fetch *f, struct sbuf *body, struct sbuf *error)
{
	struct place *p = places;

	while (strcmp(urls[p - places], f->url) != 0)
		p++;
	p->fetched++;
	if (p->text == NULL) {
		sbuf_lit(error, "nobody is there");
		return false;
	}
	sbuf_str(body, str_of(p->text));
	return true;
}

/* text with $a and $b for the two keys; the caller's to free. */
static char *text_of(const char *text)
{
	struct sbuf out;
	char *made;

	if (text == NULL)
		return NULL;
	sbuf_init(&out, 65536);
	for (const char *p = text; *p != '\0'; p++) {
		if (p[0] == '$')
			sbuf_str(&out, sbuf_view(&jwks[*++p - 'a']));
		else
			sbuf_add(&out, p, 1);
	}
	made = xstrdup(sbuf_text(&out));
	sbuf_fini(&out);
	return made;
}

static void publish(size_t place, const char *text)
{
	free(places[place].text);
	places[place].text = text_of(text);
}

static void forget_places(void)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		publish(i, NULL);
		places[i].fetched = 0;
	}
}

/* n issuers, of the places above. */
static struct key_sets *begin(size_t n)
{
	static const struct key_sets_means means = {on_now, on_get};
	const struct key_source sources[] = {{.issuer = "one", .url = urls[0]},
					     {.issuer = "two", .url = urls[1]}};

	now = START;
	forget_places();
	return key_sets_new(sources, n, &means);
}

static void end(struct key_sets *k)
{
	key_sets_stop(&k);
	assert_null(k);
	forget_places();
}

/* The token that this key signed, as one that names it. */
static enum key_sets_verdict verify_named(struct key_sets *k, size_t source,
					  enum key_name key, const char *kid)
{
	return key_sets_verify(k, source, sbuf_view(&tokens[key]), str_of(kid),
			       JWT_ES256);
}

static enum key_sets_verdict verify(struct key_sets *k, size_t source, enum key_name key)
{
	return verify_named(k, source, key, key == A ? "a" : "b");
}

/* --- what counts --- */

static void test_rotation(void **state)
{
	struct key_sets *k = begin(1);

	(void)state;
	publish(0, "{\"keys\":[$a]}");
	assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
	assert_int_equal(key_sets_renew(k), START + 10 * MINUTE);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	assert_int_equal(verify_named(k, 0, B, "a"), KEY_SETS_WRONG);
	/* The next one is announced, signs, and is alone. */
	publish(0, "{\"keys\":[$a,$b]}");
	now += 10 * MINUTE;
	assert_int_equal(key_sets_renew(k), now + 10 * MINUTE);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	assert_int_equal(verify(k, 0, B), KEY_SETS_RIGHT);
	publish(0, "{\"keys\":[$b]}");
	now += 10 * MINUTE - 1;
	key_sets_renew(k);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	now++;
	key_sets_renew(k);
	assert_int_equal(verify(k, 0, A), KEY_SETS_NO_KEY);
	assert_int_equal(verify(k, 0, B), KEY_SETS_RIGHT);
	assert_int_equal(places[0].fetched, 3);
	end(k);
}

/* NULL: away. Of the others that are not good, none takes away what was there. */
static const struct {
	const char *text;
	bool good; /* so that key a is dropped */
} answers[] = {
	{"{\"keys\":[$b]}", true},
	{"{\"keys\":[$b,null,{},7,{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}],\"x\":1}", true},
	{NULL, false},
	{"", false},
	{"<html>", false},
	{"{}", false},
	{"[$b]", false},
	{"{\"keys\":[]}", false},
	{"{\"keys\":[{}]}", false},
	{"{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}", false},
	{"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
	 false},
	{"{\"keys\":[$b]", false},
	{"{\"keys\":[$b],\"keys\":[$b]}", false},
	{"{\"keys\":[$b,$b]}", false},
};

static void test_which_answers_are_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct key_sets *k = begin(1);
		bool good = answers[i].good;

		print_message("%s\n", answers[i].text ? answers[i].text : "away");
		publish(0, "{\"keys\":[$a]}");
		now = key_sets_renew(k);
		publish(0, answers[i].text);
		assert_int_equal(key_sets_renew(k), now + (good ? 10 * MINUTE : 30 * S));
		assert_int_equal(verify(k, 0, A),
				 good ? KEY_SETS_NO_KEY : KEY_SETS_RIGHT);
		assert_int_equal(verify(k, 0, B),
				 good ? KEY_SETS_RIGHT : KEY_SETS_NO_KEY);
		end(k);
	}
}

/* As long as a provider may be away or lie, to the microsecond. */
static void test_a_day_without_a_good_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct key_sets *k;

		if (answers[i].good)
			continue;
		k = begin(1);
		publish(0, "{\"keys\":[$a]}");
		key_sets_renew(k);
		publish(0, answers[i].text);
		for (unsigned h = 1; h <= 24; h++) {
			now = START + h * HOUR;
			assert_int_equal(key_sets_renew(k), now + 30 * S);
			assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
		}
		now++;
		assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
		now = key_sets_renew(k);
		key_sets_renew(k);
		assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
		/* It comes back: a day begins anew. */
		publish(0, "{\"keys\":[$b]}");
		now += 30 * S;
		key_sets_renew(k);
		assert_int_equal(verify(k, 0, A), KEY_SETS_NO_KEY);
		assert_int_equal(verify(k, 0, B), KEY_SETS_RIGHT);
		end(k);
	}
}

/* A fetch that takes forever makes no key older than that, either. */
static void test_a_day_without_any_answer(void **state)
{
	struct key_sets *k = begin(1);

	(void)state;
	publish(0, "{\"keys\":[$a]}");
	key_sets_renew(k);
	now += DAY;
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	now++;
	assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
	end(k);
}

/* --- a set that a discovery document names --- */

#define DOCUMENT                                                                         \
	"{\"issuer\":\"https://two.example\",\"authorization_endpoint\":\"https://x/\"," \
	"\"token_endpoint\":\"https://x/\",\"jwks_uri\":\"https://one.example/keys\"}"

static void test_discovered(void **state)
{
	static const struct key_sets_means means = {on_now, on_get};
	const struct key_source source = {.issuer = "https://two.example",
					  .is_discovered = true};
	struct key_sets *k;
	struct discovery d;

	(void)state;
	now = START;
	forget_places();
	urls[1] = "https://two.example/.well-known/openid-configuration";
	k = key_sets_new(&source, 1, &means);
	assert_false(key_sets_discovery(k, 0, &d));
	publish(1, DOCUMENT);
	/* Without its keys a document is worth nothing. */
	assert_int_equal(key_sets_renew(k), now + 30 * S);
	assert_false(key_sets_discovery(k, 0, &d));
	publish(0, "{\"keys\":[$a]}");
	now += 30 * S;
	assert_int_equal(key_sets_renew(k), now + 10 * MINUTE);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	assert_true(key_sets_discovery(k, 0, &d));
	assert_string_equal(d.token_endpoint, "https://x/");
	discovery_fini(&d);
	/* It lies, or its keys are away: what was good stays for a day. */
	publish(1, "{\"issuer\":\"https://one.example\"}");
	publish(0, "{\"keys\":[$b]}");
	now += 10 * MINUTE;
	key_sets_renew(k);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	publish(1, DOCUMENT);
	publish(0, NULL);
	now += 30 * S;
	key_sets_renew(k);
	assert_true(key_sets_discovery(k, 0, &d));
	discovery_fini(&d);
	now = START + 30 * S + DAY + 1;
	assert_false(key_sets_discovery(k, 0, &d));
	assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
	urls[1] = "https://two.example/keys";
	end(k);
}

/* --- when it is fetched --- */

static void test_never_had(void **state)
{
	struct key_sets *k = begin(1);

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(key_sets_renew(k), now + 30 * S);
		assert_int_equal(places[0].fetched, n);
		/* Tokens make no difference. */
		assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
		assert_int_equal(key_sets_renew(k), now + 30 * S);
		now += 30 * S - 1;
		key_sets_renew(k);
		assert_int_equal(places[0].fetched, n);
		now++;
	}
	publish(0, "{\"keys\":[$a]}");
	key_sets_renew(k);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	end(k);
}

static void test_an_unknown_kid(void **state)
{
	struct key_sets *k = begin(1);

	(void)state;
	publish(0, "{\"keys\":[$a]}");
	key_sets_renew(k);
	publish(0, "{\"keys\":[$a,$b]}");
	now += S;
	assert_int_equal(verify(k, 0, B), KEY_SETS_NO_KEY);
	assert_int_equal(key_sets_renew(k), START + MINUTE);
	now = START + MINUTE - 1;
	assert_int_equal(verify(k, 0, B), KEY_SETS_NO_KEY);
	assert_int_equal(key_sets_renew(k), START + MINUTE);
	assert_int_equal(places[0].fetched, 1);
	now++;
	assert_int_equal(key_sets_renew(k), now + 10 * MINUTE);
	assert_int_equal(places[0].fetched, 2);
	assert_int_equal(verify(k, 0, B), KEY_SETS_RIGHT);
	/* Known ones cause nothing, be their signatures as they may; after a minute an
	 * unknown one is asked for at once. */
	now += 5 * MINUTE;
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	assert_int_equal(verify_named(k, 0, B, "a"), KEY_SETS_WRONG);
	key_sets_renew(k);
	assert_int_equal(places[0].fetched, 2);
	assert_int_equal(verify_named(k, 0, A, "c"), KEY_SETS_NO_KEY);
	assert_int_equal(key_sets_renew(k), now + 10 * MINUTE);
	assert_int_equal(places[0].fetched, 3);
	end(k);
}

/* However many tokens name keys that are not there, and whatever comes of it. */
static void test_many_unknown_kids(void **state)
{
	struct key_sets *k = begin(1);

	(void)state;
	publish(0, "{\"keys\":[$a]}");
	key_sets_renew(k);
	for (unsigned s = 1; s <= 3600; s++) {
		char kid[24];

		now += S;
		for (unsigned n = 0; n < 3; n++) {
			snprintf(kid, sizeof kid, "%u-%u", s, n);
			assert_int_equal(verify_named(k, 0, A, kid), KEY_SETS_NO_KEY);
		}
		key_sets_renew(k);
		assert_int_equal(places[0].fetched, 1 + s / 60);
	}
	/* A provider that is away is asked as often as without them. */
	publish(0, NULL);
	places[0].fetched = 0;
	now = START + 3660 * S;
	for (unsigned s = 0; s < 600; s++) {
		assert_int_equal(verify_named(k, 0, A, "x"), KEY_SETS_NO_KEY);
		key_sets_renew(k);
		assert_int_equal(places[0].fetched, 1 + s / 30);
		now += S;
	}
	end(k);
}

static void test_issuers_are_apart(void **state)
{
	struct key_sets *k = begin(2);

	(void)state;
	publish(0, "{\"keys\":[$a]}");
	publish(1, "{\"keys\":[$b]}");
	key_sets_renew(k);
	assert_int_equal(places[0].fetched, 1);
	assert_int_equal(places[1].fetched, 1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(verify(k, i, i == 0 ? A : B), KEY_SETS_RIGHT);
		assert_int_equal(verify(k, i, i == 0 ? B : A), KEY_SETS_NO_KEY);
		assert_int_equal(verify_named(k, i, i == 0 ? B : A, i == 0 ? "a" : "b"),
				 KEY_SETS_WRONG);
		/* What the one lacks is asked of that one. */
		now += MINUTE;
		assert_int_equal(verify_named(k, i, A, "c"), KEY_SETS_NO_KEY);
		key_sets_renew(k);
		assert_int_equal(places[0].fetched, 2);
		assert_int_equal(places[1].fetched, 1 + i);
	}
	end(k);
}

/* One is away for days: the other's keys come and go as ever. */
static void test_one_issuer_is_away(void **state)
{
	struct key_sets *k = begin(2);

	(void)state;
	publish(0, "{\"keys\":[$a]}");
	publish(1, "{\"keys\":[$a]}");
	key_sets_renew(k);
	publish(0, NULL);
	publish(1, "{\"keys\":[$b]}");
	while (now <= START + DAY) {
		now = key_sets_renew(k);
		assert_int_equal(verify(k, 0, A),
				 now <= START + DAY ? KEY_SETS_RIGHT : KEY_SETS_NONE);
	}
	assert_int_equal(verify(k, 1, A), KEY_SETS_NO_KEY);
	assert_int_equal(verify(k, 1, B), KEY_SETS_RIGHT);
	assert_true(places[0].fetched > 2000 && places[1].fetched < 150);
	end(k);
}

/* --- files --- */

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");
	char *made = text_of(text);

	assert_non_null(out);
	assert_true(fputs(made, out) >= 0);
	assert_int_equal(fclose(out), 0);
	free(made);
}

static void test_a_file(void **state)
{
	static const struct key_sets_means means = {on_now, on_get};
	char folder[] = "/tmp/test_key_sets.XXXXXX", path[64];
	struct key_source source = {.issuer = "file", .file = path};
	struct key_sets *k;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/keys.json", folder);
	now = START;
	k = key_sets_new(&source, 1, &means);
	assert_int_equal(key_sets_renew(k), now + 10 * S);
	assert_int_equal(verify(k, 0, A), KEY_SETS_NONE);
	write_file(path, "{\"keys\":[$a]}");
	now = key_sets_renew(k);
	assert_int_equal(key_sets_renew(k), now + 10 * S);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	/* Half of it is written, then all. */
	write_file(path, "{\"keys\":[");
	now = key_sets_renew(k);
	assert_int_equal(key_sets_renew(k), now + 10 * S);
	assert_int_equal(verify(k, 0, A), KEY_SETS_RIGHT);
	write_file(path, "{\"keys\":[$b]}");
	now = key_sets_renew(k);
	key_sets_renew(k);
	assert_int_equal(verify(k, 0, A), KEY_SETS_NO_KEY);
	assert_int_equal(verify(k, 0, B), KEY_SETS_RIGHT);
	unlink(path);
	rmdir(folder);
	end(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_which_answers_are_good),
		cmocka_unit_test(test_a_day_without_a_good_answer),
		cmocka_unit_test(test_a_day_without_any_answer),
		cmocka_unit_test(test_discovered),
		cmocka_unit_test(test_never_had),
		cmocka_unit_test(test_an_unknown_kid),
		cmocka_unit_test(test_many_unknown_kids),
		cmocka_unit_test(test_issuers_are_apart),
		cmocka_unit_test(test_one_issuer_is_away),
		cmocka_unit_test(test_a_file),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
