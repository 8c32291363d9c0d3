/* The issuers and providers of the settings, and whether a token is one of theirs.
 *
 * Their key sets stand in one row: those of the issuers, then those of the providers. */
#include "gateway/manager/providers.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/sign_in/errands.h"
#include "gateway/sign_in/fetch.h"
#include "gateway/sign_in/key_sets.h"

struct providers {
	struct settings *settings;
	struct key_sets *keys; /* NULL: there are no issuers and providers */
	struct errands *errands;
};

static struct key_source source_of_issuer(const struct settings_issuer *i)
{
	return (struct key_source){
		.issuer = i->issuer,
		.url = i->jwks_url,
		.file = i->jwks_file,
		.ca_file = i->ca_file,
	};
}

static struct key_source source_of_provider(const struct settings_provider *p)
{
	return (struct key_source){
		.issuer = p->issuer, .is_discovered = true, .ca_file = p->ca_file};
}

static size_t n_sources(const struct settings_sign_in *s)
{
	return s->n_issuers + s->n_providers;
}

static struct key_source source_of(const struct settings_sign_in *s, size_t i)
{
	return i < s->n_issuers ? source_of_issuer(&s->issuers[i])
				: source_of_provider(&s->providers[i - s->n_issuers]);
}

static void start(struct providers *p)
{
	const struct settings_sign_in *s = &p->settings->sign_in;
	size_t n = n_sources(s);
	struct key_source *sources;

	if (n == 0)
		return;
	sources = xcalloc(n, sizeof *sources);
	for (size_t i = 0; i < n; i++)
		sources[i] = source_of(s, i);
	p->keys = key_sets_start(sources, n);
	free(sources);
}

struct providers *providers_new(struct event_base *base, struct settings *s)
{
	struct providers *p = xcalloc(1, sizeof *p);

	fetch_init();
	p->settings = settings_ref(s);
	p->errands = errands_new(base);
	start(p);
	return p;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool has_same_sources(const struct settings_sign_in *a,
			     const struct settings_sign_in *b)
{
	if (a->n_issuers != b->n_issuers || a->n_providers != b->n_providers)
		return false;
	for (size_t i = 0; i < n_sources(a); i++) {
		struct key_source x = source_of(a, i), y = source_of(b, i);

		if (!is_same(x.issuer, y.issuer) || !is_same(x.url, y.url) ||
		    !is_same(x.file, y.file) || !is_same(x.ca_file, y.ca_file))
			return false;
	}
	return true;
}

void providers_configure(struct providers *p, struct settings *s)
{
	struct settings *before = p->settings;

	p->settings = settings_ref(s);
	if (!has_same_sources(&before->sign_in, &s->sign_in)) {
		key_sets_stop(&p->keys);
		start(p);
	}
	settings_unref(&before);
}

void providers_free(struct providers **providers)
{
	struct providers *p = *providers;

	if (p == NULL)
		return;
	/* Whoever is told of the end may look into these. */
	errands_free(&p->errands);
	*providers = NULL;
	key_sets_stop(&p->keys);
	settings_unref(&p->settings);
	free(p);
}

/* --- judging --- */

static enum providers_verdict bad(struct sbuf *why, const char *text)
{
	sbuf_str(why, str_of(text));
	return PROVIDERS_BAD;
}

/* Names the issuer as the settings do. */
static enum providers_verdict away(const struct providers *p, size_t at, struct sbuf *why)
{
	sbuf_printf(
		why,
		"the keys of %s, by which the token's signature is checked, cannot be "
		"had at the moment; try again, and if it lasts let an admin look into "
		"the log",
		source_of(&p->settings->sign_in, at).issuer);
	return PROVIDERS_AWAY;
}

/* What the token says here is not believed yet: it names whom to ask. */
static const struct settings_issuer *issuer_of(const struct providers *p,
					       const struct jwt *t, size_t *at)
{
	const struct settings_sign_in *s = &p->settings->sign_in;
	const char *issuer = jwt_text(t, "iss");

	for (*at = 0; issuer != NULL && *at < s->n_issuers; ++*at)
		if (strcmp(s->issuers[*at].issuer, issuer) == 0)
			return &s->issuers[*at];
	return NULL;
}

static enum providers_verdict check_signature(struct providers *p, size_t at,
					      const struct jwt *t, struct sbuf *why)
{
	if (p->keys == NULL)
		return away(p, at, why);
	switch (key_sets_verify(p->keys, at, t->text, t->kid, t->algorithm)) {
	case KEY_SETS_RIGHT:
		return PROVIDERS_GOOD;
	case KEY_SETS_WRONG:
		return bad(why, "its signature is not its issuer's");
	case KEY_SETS_NO_KEY:
		return bad(why, "its issuer has no key of its kid; if the key is new, "
				"try again in a minute");
	case KEY_SETS_NONE:
		return away(p, at, why);
	}
	CHECK(!"a verdict");
	return PROVIDERS_BAD;
}

static enum providers_verdict judge(struct providers *p, const struct jwt *t,
				    const char *address, int64_t now_s, struct vouched *v,
				    struct sbuf *why)
{
	enum providers_verdict verdict;
	struct jwt_rules rules;
	size_t at;
	const struct settings_issuer *issuer = issuer_of(p, t, &at);

	if (issuer == NULL)
		return bad(why, "its iss is no issuer that is set up here");
	rules = vouched_rules(issuer);
	if (!jwt_check_header(t, &rules, why))
		return PROVIDERS_BAD;
	verdict = check_signature(p, at, t, why);
	if (verdict != PROVIDERS_GOOD)
		return verdict;
	if (!jwt_check_claims(t, &rules, now_s, why))
		return PROVIDERS_BAD;
	vouched_read(v, t, p->settings, &(struct voucher){issuer->issuer, issuer->kind},
		     address);
	return PROVIDERS_GOOD;
}

enum providers_verdict providers_judge(struct providers *p, struct str token,
				       const char *address, int64_t now_s,
				       struct vouched *v, struct sbuf *why)
{
	enum providers_verdict verdict = PROVIDERS_BAD;
	struct jwt t;

	*v = (struct vouched){0};
	if (jwt_read(&t, token, why))
		verdict = judge(p, &t, address, now_s, v, why);
	jwt_fini(&t);
	return verdict;
}

/* --- where browsers sign in --- */

static const struct settings_provider *find(const struct providers *p, const char *text,
					    bool by_name)
{
	const struct settings_sign_in *s = &p->settings->sign_in;

	for (size_t i = 0; i < s->n_providers; i++) {
		const struct settings_provider *one = &s->providers[i];

		if (one->client_secret != NULL &&
		    strcmp(by_name ? one->name : one->issuer, text) == 0)
			return one;
	}
	return NULL;
}

const struct settings_provider *providers_named(const struct providers *p,
						const char *name)
{
	return find(p, name, true);
}

const struct settings_provider *providers_of_issuer(const struct providers *p,
						    const char *issuer)
{
	return find(p, issuer, false);
}

/* Of its key set. */
static size_t place_of(const struct providers *p, const struct settings_provider *which)
{
	const struct settings_sign_in *s = &p->settings->sign_in;

	return s->n_issuers + (size_t)(which - s->providers);
}

bool providers_discovery(struct providers *p, const struct settings_provider *which,
			 struct discovery *d)
{
	*d = (struct discovery){0};
	return p->keys != NULL && key_sets_discovery(p->keys, place_of(p, which), d);
}

static enum providers_verdict judge_id(struct providers *p,
				       const struct settings_provider *which,
				       const struct jwt *t, const char *nonce,
				       int64_t now_s, struct sbuf *why)
{
	struct jwt_rules rules = vouched_id_rules(which, nonce);
	enum providers_verdict verdict;

	if (!jwt_check_header(t, &rules, why))
		return PROVIDERS_BAD;
	verdict = check_signature(p, place_of(p, which), t, why);
	if (verdict == PROVIDERS_GOOD && !jwt_check_claims(t, &rules, now_s, why))
		verdict = PROVIDERS_BAD;
	return verdict;
}

enum providers_verdict providers_judge_id(struct providers *p,
					  const struct settings_provider *which,
					  struct str token, const char *nonce,
					  const char *address, int64_t now_s,
					  struct vouched *v, struct sbuf *why)
{
	enum providers_verdict verdict = PROVIDERS_BAD;
	struct jwt t;

	*v = (struct vouched){0};
	if (jwt_read_id(&t, token, why))
		verdict = judge_id(p, which, &t, nonce, now_s, why);
	if (verdict == PROVIDERS_GOOD)
		vouched_read(v, &t, p->settings,
			     &(struct voucher){which->issuer, which->kind}, address);
	jwt_fini(&t);
	return verdict;
}

struct errands *providers_errands(struct providers *p)
{
	return p->errands;
}
