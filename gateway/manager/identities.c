/* Finds who calls.
 *
 * What a request brings is looked for among what is remembered; else there is one look-up
 * in the database for all requests that bring it meanwhile, who wait in its list. A JWT
 * is judged first, and again each time that it is looked up. */
#include "gateway/manager/identities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net.h"
#include "common/pg_value.h"
#include "common/trouble.h"
#include "gateway/manager/bearer.h"
#include "gateway/manager/db.h"
#include "gateway/manager/identity_read.h"
#include "gateway/manager/providers.h"
#include "gateway/manager/remembered.h"
#include "gateway/manager/tries.h"

#define SECOND_US UINT64_C(1000000)
#define FRESH_US (5 * SECOND_US)
#define AWAY "the database is away: who you are cannot be looked up now"
#define LATE                                                                             \
	"the database does not answer in time: who you are is not known now; try again"

struct waiter {
	struct waiter *next;
	void (*done)(void *ctx, const struct identity_answer *answer);
	void *ctx;
};

/* One that is asked for at the moment. */
struct lookup {
	struct lookup *next;
	struct identities *owner;
	unsigned char hash[KEY_HASH_BYTES];
	enum identity_how how;
	struct net_ip client; /* who asked first */
	bool counts;          /* as an attempt, of this one: */
	unsigned char who[ATTEMPTS_WHO];
	bool writes;     /* what a JWT says is new, and is written with the answer */
	uint64_t doubts; /* as the owner had them at the start */
	struct vouched vouched;
	struct manager_ask *ask;
	struct waiter *waiters;
};

struct identities {
	struct manager_db *db;
	struct settings *settings;
	struct providers *providers;
	struct remembering *remembering;
	struct tries *tries;
	struct key_hasher *hasher;
	struct lookup *lookups;
	struct trouble unanswered; /* look-ups, as far as the log has heard */
	uint64_t doubts;           /* how often all was forgotten */
};

/* --- life --- */

struct identities *identities_new(struct manager_db *db, struct tries *tries,
				  struct providers *providers, struct settings *s)
{
	struct identities *i = xcalloc(1, sizeof *i);

	i->db = db;
	i->tries = tries;
	i->settings = settings_ref(s);
	i->providers = providers;
	i->remembering = remembering_new();
	i->hasher = key_hasher_new();
	return i;
}

void identities_configure(struct identities *i, struct settings *s)
{
	settings_unref(&i->settings);
	i->settings = settings_ref(s);
	identities_forget(i);
}

void identities_forget(struct identities *i)
{
	i->doubts++;
	remembering_doubt(i->remembering);
}

void identities_forget_user(struct identities *i, int64_t user_id, int64_t session_id)
{
	i->doubts++;
	remembering_drop(i->remembering, user_id, session_id);
}

bool identities_are_secure(const struct settings *s)
{
	return s->public_url != NULL &&
	       str_has_prefix(str_of(s->public_url), STR("https://"));
}

bool identities_by_cookie(const struct request_head *h)
{
	return bearer_is_cookie(h);
}

/* --- answers --- */

static struct identity_answer found(struct identity *identity)
{
	return (struct identity_answer){.verdict = IDENTITY_FOUND,
					.identity = identity_ref(identity)};
}

static struct identity_answer unknown(const char *detail)
{
	return (struct identity_answer){.verdict = IDENTITY_UNKNOWN, .detail = detail};
}

/* Who is remembered is enough to read while the database is away. */
static struct identity_answer answer_away(const struct remembered *r, uint64_t now)
{
	if (r == NULL || !remembered_may_read(r, now))
		return unknown(AWAY);
	return (struct identity_answer){.verdict = IDENTITY_FOUND,
					.identity = identity_stale(r->identity)};
}

/* Each waiter has a reference of its own. */
static void answer_all(struct lookup *l, const struct identity_answer *a)
{
	struct waiter *w;

	while ((w = l->waiters) != NULL) {
		struct identity_answer one = *a;

		l->waiters = w->next;
		if (one.identity != NULL)
			identity_ref(one.identity);
		w->done(w->ctx, &one);
		free(w);
	}
}

static void free_lookup(struct lookup *l)
{
	struct lookup **at = &l->owner->lookups;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	vouched_fini(&l->vouched);
	free(l);
}

/* Ends a look-up; the answer's reference goes with it. */
static void end_lookup(struct lookup *l, struct identity_answer a)
{
	struct lookup own = *l;

	/* Who is answered may ask for the same anew. */
	l->waiters = NULL;
	free_lookup(l);
	answer_all(&own, &a);
	identity_unref(&a.identity);
}

void identities_free(struct identities **identities)
{
	struct identities *i = *identities;

	*identities = NULL;
	if (i == NULL)
		return;
	while (i->lookups != NULL) {
		manager_db_leave(&i->lookups->ask);
		end_lookup(i->lookups, unknown(AWAY));
	}
	remembering_free(&i->remembering);
	key_hasher_free(&i->hasher);
	settings_unref(&i->settings);
	free(i);
}

/* --- what the database says --- */

static const char *name_of(enum identity_how how)
{
	static const char *const names[] = {[IDENTITY_KEY] = "key",
					    [IDENTITY_SESSION] = "session",
					    [IDENTITY_JWT] = "jwt"};

	return names[how];
}

static char *time_text(int64_t unix_s)
{
	time_t at = (time_t)unix_s;
	char text[64];
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return xstrdup(text);
}

static void add_vouched(struct identity *to, struct vouched *v)
{
	free(to->until);
	to->until = time_text(v->exp_s);
	to->issuer = v->issuer;
	to->subject = v->subject;
	to->acting = v->acting;
	v->issuer = v->subject = v->acting = NULL;
	if (to->user_id != 0)
		return;
	free(to->name);
	to->name = v->name;
	to->email = v->email;
	v->name = v->email = NULL;
}

static uint64_t until_of(const struct lookup *l, const struct identity_facts *facts,
			 uint64_t now)
{
	int64_t s = facts->lives_s;

	if (l->how == IDENTITY_JWT)
		s = l->vouched.exp_s - clock_wall_us() / 1000000;
	if (s > 1000000000)
		return UINT64_MAX;
	return s > 0 ? now + (uint64_t)s * SECOND_US : now;
}

static void on_noted(void *ctx, const struct pg_reply *reply)
{
	(void)ctx;
	(void)reply;
}

static void note_use(struct identities *i, int64_t key_id)
{
	char id[24];
	const char *value = id;

	snprintf(id, sizeof id, "%lld", (long long)key_id);
	manager_db_ask(i->db, DB_CHANGES, "SELECT public.people_key_used($1)",
		       (struct pg_params){&value, 1}, on_noted, NULL);
}

/* What a JWT is asked with. */
struct shown {
	char hash[KEY_HASH_HEX + 1];
	const char *values[2];
};

static struct pg_params shown(struct shown *s, const struct lookup *l)
{
	hex_encode(s->hash, l->hash, KEY_HASH_BYTES);
	s->values[0] = l->vouched.seen;
	s->values[1] = s->hash;
	return (struct pg_params){s->values, ARRAY_LEN(s->values)};
}

static const char by_jwt[] = "SELECT public.people_identity_known($1::jsonb, $2)";
static const char by_new_jwt[] = "SELECT public.people_identity_seen($1::jsonb, $2)";

static void note_shown(const struct lookup *l)
{
	struct shown s;

	manager_db_ask(l->owner->db, DB_CHANGES, by_new_jwt, shown(&s, l), on_noted,
		       NULL);
}

static void end_as_nobody(struct lookup *l, bool is_out)
{
	const char *why = identity_why_nobody(l->how, is_out);
	struct identities *i = l->owner;

	remembering_add_nobody(i->remembering, l->hash, why, clock_mono_us());
	if (l->counts)
		tries_failed(i->tries, &l->client, name_of(l->how), why);
	end_lookup(l, (struct identity_answer){.verdict = IDENTITY_BAD, .detail = why});
}

static void end_as_somebody(struct lookup *l, struct identity *identity,
			    const struct identity_facts *facts)
{
	struct identities *i = l->owner;
	uint64_t now = clock_mono_us();
	struct remembered *r;

	if (l->counts)
		tries_end(i->tries, &l->client, l->who);
	r = remembering_add(i->remembering, l->hash, identity, now);
	r->until_us = until_of(l, facts, now);
	if (l->doubts != i->doubts) /* it may be as it was before the change */
		r->found_us = r->known_us = 0;
	if (l->how == IDENTITY_JWT && !l->writes && !facts->is_fresh)
		note_shown(l);
	if (l->how == IDENTITY_JWT)
		add_vouched(identity, &l->vouched);
	if (l->how == IDENTITY_KEY && !facts->is_fresh)
		note_use(i, identity->key_id);
	end_lookup(l, found(identity));
}

/* Only where there is no connection is what was so before enough: a database that is
 * slow, or that too much waits for, may have other rights by now. */
static void end_unanswered(struct lookup *l)
{
	struct identities *i = l->owner;
	uint64_t now = clock_mono_us();
	struct remembered *r = remembering_find(i->remembering, l->hash, now);
	bool is_away = manager_db_is_away(i->db, DB_LOOKUPS);

	if (l->counts)
		tries_end(i->tries, &l->client, l->who);
	if (is_away && r != NULL)
		r->tried_us = now;
	end_lookup(l, is_away ? answer_away(r, now) : unknown(LATE));
}

static void ask(struct lookup *l);

static void on_reply(void *ctx, const struct pg_reply *reply)
{
	struct lookup *l = ctx;
	struct identity_facts facts = {0};
	struct identity *identity = NULL;
	struct str json = {NULL, 0};

	l->ask = NULL;
	if (reply->outcome != PG_OK) {
		if (trouble_happened(&l->owner->unanswered, clock_mono_us()))
			log_warn("sign-in: who somebody is cannot be looked up: %s",
				 reply->message);
		end_unanswered(l);
		return;
	}
	if (PQntuples(reply->result) == 1)
		json = pg_value_text(reply->result, 0, 0);
	if (json.p == NULL && l->how == IDENTITY_JWT && !l->writes) {
		l->writes = true;
		ask(l);
		return;
	}
	if (json.p != NULL)
		identity = identity_read(json, l->how, l->owner->settings, &facts);
	if (identity != NULL)
		end_as_somebody(l, identity, &facts);
	else
		end_as_nobody(l, json.p != NULL);
}

/* --- looking up --- */

/* Nothing is written but what is new of somebody who comes by a JWT: that is a change. */
static void ask(struct lookup *l)
{
	static const char by_key[] = "SELECT public.people_by_key($1)";
	static const char by_session[] = "SELECT public.people_by_session($1)";
	struct manager_db *db = l->owner->db;
	struct shown s;
	struct pg_params params = shown(&s, l);
	const struct pg_params hash = {&params.values[1], 1};

	switch (l->how) {
	case IDENTITY_KEY:
		l->ask = manager_db_ask(db, DB_LOOKUPS, by_key, hash, on_reply, l);
		break;
	case IDENTITY_SESSION:
		l->ask = manager_db_ask(db, DB_LOOKUPS, by_session, hash, on_reply, l);
		break;
	case IDENTITY_JWT:
		l->ask = manager_db_ask(db, l->writes ? DB_CHANGES : DB_LOOKUPS,
					l->writes ? by_new_jwt : by_jwt, params, on_reply,
					l);
		break;
	}
	if (l->ask == NULL)
		end_unanswered(l);
}

static struct lookup *find_lookup(struct identities *i,
				  const unsigned char hash[KEY_HASH_BYTES])
{
	struct lookup *l = i->lookups;

	while (l != NULL &&
	       (memcmp(l->hash, hash, KEY_HASH_BYTES) != 0 || l->doubts != i->doubts))
		l = l->next;
	return l;
}

static void wait_for(struct lookup *l, const struct waiter *who)
{
	struct waiter *w = xmalloc(sizeof *w);

	*w = *who;
	w->next = l->waiters;
	l->waiters = w;
}

/* What is known of a request, before anything is asked. */
struct request {
	enum identity_how how;
	struct str text;
	unsigned char hash[KEY_HASH_BYTES];
	const struct net_ip *client;
	struct waiter waiter;
};

static void answer(const struct request *r, enum identity_verdict verdict,
		   const char *detail)
{
	r->waiter.done(r->waiter.ctx,
		       &(struct identity_answer){.verdict = verdict, .detail = detail});
}

/* Who was known before has only come to an end. */
static void refuse_token(struct identities *i, const struct request *r, bool counts,
			 const char *why)
{
	char detail[REMEMBERED_WHY_MAX];

	snprintf(detail, sizeof detail, "the token was refused: %s", why);
	remembering_add_nobody(i->remembering, r->hash, detail, clock_mono_us());
	if (counts)
		tries_failed(i->tries, r->client, name_of(r->how), detail);
	answer(r, IDENTITY_BAD, detail);
}

/* False: answered. */
static bool judge_token(struct identities *i, const struct request *r, bool counts,
			struct vouched *v)
{
	char address[NET_ADDR_TEXT_MAX];
	enum providers_verdict verdict;
	struct sbuf why;

	sbuf_init(&why, 1024);
	net_ip_text(r->client, address);
	verdict = providers_judge(i->providers, r->text, address,
				  clock_wall_us() / 1000000, v, &why);
	switch (verdict) {
	case PROVIDERS_GOOD:
		break;
	case PROVIDERS_BAD:
		refuse_token(i, r, counts, sbuf_text(&why));
		break;
	case PROVIDERS_AWAY:
		if (counts)
			tries_end(i->tries, r->client, NULL);
		answer(r, IDENTITY_UNJUDGED, sbuf_text(&why));
		break;
	}
	sbuf_fini(&why);
	return verdict == PROVIDERS_GOOD;
}

/* Whom a provider means, whatever token says so; else what was brought. */
static void name_who(struct identities *i, const struct request *r,
		     const struct vouched *v, unsigned char who[ATTEMPTS_WHO])
{
	unsigned char hash[KEY_HASH_BYTES];
	struct sbuf text;

	memcpy(hash, r->hash, sizeof hash);
	if (r->how == IDENTITY_JWT) {
		sbuf_init(&text, 64u << 10);
		sbuf_printf(&text, "%s\n%s", v->issuer, v->subject);
		key_hash(i->hasher, sbuf_view(&text), hash);
		sbuf_fini(&text);
	}
	memcpy(who, hash, ATTEMPTS_WHO);
}

/* counts: nobody is known to have come by this. */
static void look_up(struct identities *i, const struct request *r, bool counts)
{
	unsigned char who[ATTEMPTS_WHO];
	struct vouched v = {0};
	struct lookup *l;

	if (r->how == IDENTITY_JWT && !judge_token(i, r, counts, &v))
		return;
	name_who(i, r, &v, who);
	if (counts && !tries_begin_person(i->tries, r->client, who)) {
		vouched_fini(&v);
		answer(r, IDENTITY_BUSY, TRIES_TOO_MANY);
		return;
	}
	l = xcalloc(1, sizeof *l);
	*l = (struct lookup){
		.next = i->lookups,
		.owner = i,
		.how = r->how,
		.client = *r->client,
		.counts = counts,
		.doubts = i->doubts,
		.vouched = v,
	};
	memcpy(l->hash, r->hash, KEY_HASH_BYTES);
	memcpy(l->who, who, sizeof l->who);
	i->lookups = l;
	wait_for(l, &r->waiter);
	ask(l);
}

static bool is_recent(uint64_t at_us, uint64_t now)
{
	return at_us != 0 && now - at_us < FRESH_US;
}

/* Of one who was known before. */
static void find_again(struct identities *i, const struct request *r,
		       const struct remembered *was, uint64_t now)
{
	struct identity_answer a;

	if (is_recent(was->found_us, now) && now < was->until_us) {
		a = found(was->identity);
		r->waiter.done(r->waiter.ctx, &a);
	} else if (is_recent(was->tried_us, now) &&
		   manager_db_is_away(i->db, DB_LOOKUPS)) {
		a = answer_away(was, now);
		r->waiter.done(r->waiter.ctx, &a);
	} else {
		look_up(i, r, false);
	}
}

static void find(struct identities *i, struct request *r)
{
	uint64_t now = clock_mono_us();
	const struct remembered *was;
	const struct nobody *nobody;
	struct lookup *l;

	key_hash(i->hasher, r->text, r->hash);
	l = find_lookup(i, r->hash);
	was = remembering_find(i->remembering, r->hash, now);
	nobody = remembering_find_nobody(i->remembering, r->hash);
	if (l != NULL)
		wait_for(l, &r->waiter);
	else if (was != NULL)
		find_again(i, r, was, now);
	else if (nobody != NULL && is_recent(nobody->found_us, now))
		answer(r, IDENTITY_BAD, nobody->why);
	else if (!tries_begin(i->tries, r->client))
		answer(r, IDENTITY_BUSY, TRIES_TOO_MANY);
	else
		look_up(i, r, true);
}

void identities_find(struct identities *i, const struct request_head *h,
		     const struct net_ip *client,
		     void (*done)(void *ctx, const struct identity_answer *answer),
		     void *ctx)
{
	struct bearer b = bearer_find(h, identities_are_secure(i->settings));
	struct request r = {
		.text = b.text, .client = client, .waiter = {.done = done, .ctx = ctx}};

	switch (b.kind) {
	case BEARER_NONE:
		answer(&r, IDENTITY_NONE, NULL);
		return;
	case BEARER_BAD:
		answer(&r, IDENTITY_BAD, b.why);
		return;
	case BEARER_KEY:
		r.how = IDENTITY_KEY;
		break;
	case BEARER_SESSION:
		r.how = IDENTITY_SESSION;
		break;
	case BEARER_JWT:
		r.how = IDENTITY_JWT;
		break;
	}
	find(i, &r);
}
