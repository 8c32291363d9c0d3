/* The issuers of the settings, and whether a JWT is one of theirs. */
#include "gateway/manager/providers.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/sign_in/fetch.h"
#include "gateway/sign_in/key_sets.h"

struct providers {
	struct settings *settings;
	struct key_sets *keys; /* NULL: there are no issuers */
};

static void start(struct providers *p)
{
	const struct settings_sign_in *s = &p->settings->sign_in;
	struct key_source *sources;

	if (s->n_issuers == 0)
		return;
	sources = xcalloc(s->n_issuers, sizeof *sources);
	for (size_t i = 0; i < s->n_issuers; i++)
		sources[i] = (struct key_source){
			.issuer = s->issuers[i].issuer,
			.url = s->issuers[i].jwks_url,
			.file = s->issuers[i].jwks_file,
			.ca_file = s->issuers[i].ca_file,
		};
	p->keys = key_sets_start(sources, s->n_issuers);
	free(sources);
}

struct providers *providers_new(struct settings *s)
{
	struct providers *p = xcalloc(1, sizeof *p);

	fetch_init();
	p->settings = settings_ref(s);
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
	if (a->n_issuers != b->n_issuers)
		return false;
	for (size_t i = 0; i < a->n_issuers; i++) {
		const struct settings_issuer *x = &a->issuers[i], *y = &b->issuers[i];

		if (!is_same(x->issuer, y->issuer) ||
		    !is_same(x->jwks_url, y->jwks_url) ||
		    !is_same(x->jwks_file, y->jwks_file) ||
		    !is_same(x->ca_file, y->ca_file))
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

	*providers = NULL;
	if (p == NULL)
		return;
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
		p->settings->sign_in.issuers[at].issuer);
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
	vouched_read(v, t, p->settings, issuer, address);
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
