/* A browser that comes back from a provider: from its state and code to a session.
 *
 * What it brings is compared with what it was sent away with (code_flow.h), which its
 * cookie holds; then its state is spent, on all nodes at once; the code is exchanged at
 * the provider (errands.h); the ID token is judged; and who it is for gets a session. Up
 * to the end it is an attempt to sign in (tries.h). */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net.h"
#include "gateway/api/browser.h"
#include "gateway/api/operations.h"
#include "gateway/api/sign_in.h"
#include "gateway/manager/identity_read.h"
#include "gateway/manager/providers.h"
#include "gateway/manager/tries.h"
#include "gateway/settings/settings.h"
#include "gateway/sign_in/code_flow.h"
#include "gateway/sign_in/discovery.h"
#include "gateway/sign_in/errands.h"
#include "gateway/sign_in/seal.h"

#define WHY_MAX 1024
#define SPENT_S_TEXT "1200" /* longer than any that is sealed lives */

struct coming_back {
	bool wants_page;
	/* As they came; NULL: not there. */
	char *state, *code, *issuer, *error;
	char *sealed; /* the cookie */
	char agent[BROWSER_AGENT_MAX + 1];
	struct code_flow flow;
	char cookie[KEY_LENGTH + 1]; /* of the session */
	/* The attempt, while it is open. */
	struct tries *tries;
	struct net_ip client;
	bool has_person;
	unsigned char who[ATTEMPTS_WHO];
};

static void wipe(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}

/* It did not fail. */
static void end_attempt(struct coming_back *b)
{
	if (b->tries != NULL)
		tries_end(b->tries, &b->client, b->has_person ? b->who : NULL);
	b->tries = NULL;
}

static void free_coming_back(void *state)
{
	struct coming_back *b = state;

	end_attempt(b); /* the browser has left */
	wipe(b->state);
	wipe(b->code);
	free(b->issuer);
	free(b->error);
	wipe(b->sealed);
	OPENSSL_cleanse(b, sizeof *b);
	free(b);
}

/* --- how it ends --- */

/* Nobody is to blame. */
static void give_up(struct call *c, enum sign_in_failure why, const char *detail)
{
	struct coming_back *b = call_kept(c);

	end_attempt(b);
	sign_in_fail(c, b->wants_page, why, detail);
}

static void refuse(struct call *c, enum sign_in_failure why, const char *detail)
{
	struct coming_back *b = call_kept(c);

	tries_failed(b->tries, &b->client, "provider", detail);
	b->tries = NULL;
	sign_in_fail(c, b->wants_page, why, detail);
}

static bool on_failed(struct call *c, const struct pg_reply *reply)
{
	struct coming_back *b = call_kept(c);

	end_attempt(b);
	return sign_in_failed(c, b->wants_page, reply);
}

/* --- the session --- */

static void on_begun(struct call *c, struct str json)
{
	struct coming_back *b = call_kept(c);
	struct manager_context *m = call_context(c);
	struct identity_facts facts;
	struct identity *i = NULL;

	if (json.p != NULL)
		i = identity_read(json, IDENTITY_SESSION, m->settings, &facts);
	if (i == NULL) {
		refuse(c, SIGN_IN_OUT, identity_why_nobody(IDENTITY_JWT, true));
	} else if (facts.state == PERSON_UNKNOWN) {
		give_up(c, SIGN_IN_NO_ROLE,
			"the provider knows you, but nobody has given you a role here "
			"yet: ask an admin, who finds your request for access");
	} else {
		end_attempt(b);
		browser_keep_session(c, b->cookie, BROWSER_SESSION_S);
		call_redirect(c, b->flow.return_to);
	}
	identity_unref(&i);
}

static void hash_text(const char *text, char hex[KEY_HASH_HEX + 1])
{
	unsigned char hash[KEY_HASH_BYTES];

	browser_hash(text, hash);
	hex_encode(hex, hash, sizeof hash);
}

static void begin_session(struct call *c, const struct vouched *v, const char *token)
{
	struct coming_back *b = call_kept(c);
	char token_hash[KEY_HASH_HEX + 1], cookie_hash[KEY_HASH_HEX + 1];
	char *actor = browser_actor(c);

	CHECK(key_make_session(b->cookie));
	hash_text(token, token_hash);
	hash_text(b->cookie, cookie_hash);
	call_ask(c, &(struct call_question){
			    .pool = DB_CHANGES,
			    .sql = "SELECT public.people_session_by_provider($1::jsonb, "
				   "$2::jsonb, $3, $4, $5::bigint, $6)",
			    .values = {actor, v->seen, token_hash, cookie_hash,
				       BROWSER_SESSION_S, b->agent},
			    .n_values = 6,
			    .then = on_begun,
			    .failed = on_failed,
		    });
	free(actor);
}

/* As with their JWTs: whom the provider means. */
static bool begin_person(struct call *c, const struct vouched *v)
{
	struct coming_back *b = call_kept(c);
	unsigned char hash[KEY_HASH_BYTES];
	char *text = xasprintf("%s\n%s", v->issuer, v->subject);

	browser_hash(text, hash);
	free(text);
	memcpy(b->who, hash, sizeof b->who);
	b->has_person = tries_begin_person(b->tries, &b->client, b->who);
	if (b->has_person)
		return true;
	b->tries = NULL;
	sign_in_fail(c, b->wants_page, SIGN_IN_BUSY, TRIES_TOO_MANY);
	return false;
}

/* --- the tokens --- */

static void take_id_token(struct call *c, const struct settings_provider *p,
			  const char *token)
{
	const struct coming_back *b = call_kept(c);
	char address[NET_ADDR_TEXT_MAX], detail[WHY_MAX];
	struct vouched v;
	struct sbuf why;

	sbuf_init(&why, WHY_MAX / 2);
	net_ip_text(call_client(c), address);
	switch (providers_judge_id(call_context(c)->providers, p, str_of(token),
				   b->flow.nonce, address,
				   (int64_t)(clock_wall_us() / 1000000), &v, &why)) {
	case PROVIDERS_GOOD:
		if (begin_person(c, &v))
			begin_session(c, &v, token);
		break;
	case PROVIDERS_BAD:
		snprintf(detail, sizeof detail, "the provider's ID token was refused: %s",
			 sbuf_text(&why));
		refuse(c, SIGN_IN_REFUSED, detail);
		break;
	case PROVIDERS_AWAY:
		give_up(c, SIGN_IN_AWAY, sbuf_text(&why));
		break;
	}
	vouched_fini(&v);
	sbuf_fini(&why);
}

static void take_tokens(struct call *c, const struct settings_provider *p,
			struct str body)
{
	struct sbuf why;
	char *token;

	sbuf_init(&why, WHY_MAX);
	sbuf_lit(&why, "the provider did not give an ID token: ");
	token = code_flow_read_tokens(body, &why);
	if (token != NULL)
		take_id_token(c, p, token);
	else
		refuse(c, SIGN_IN_REFUSED, sbuf_text(&why));
	wipe(token);
	sbuf_fini(&why);
}

static void refuse_code(struct call *c, struct str body)
{
	struct sbuf why;

	sbuf_init(&why, WHY_MAX);
	sbuf_lit(&why, "the provider refused the code: ");
	code_flow_read_refusal(body, &why);
	refuse(c, SIGN_IN_REFUSED, sbuf_text(&why));
	sbuf_fini(&why);
}

static void tell_away(struct call *c, const struct errand_answer *a, const char *issuer)
{
	char detail[WHY_MAX];

	if (a->status == 0)
		snprintf(detail, sizeof detail, "%.300s does not answer: %.500s", issuer,
			 a->why);
	else
		snprintf(detail, sizeof detail,
			 "%.300s answers with %ld instead of "
			 "tokens",
			 issuer, a->status);
	if (trouble_happened(&call_context(c)->codes, clock_mono_us()))
		log_warn("sign-in: %s", detail);
	give_up(c, SIGN_IN_AWAY, detail);
}

static void on_answer(void *ctx, const struct errand_answer *a)
{
	struct call *c = ctx;
	const struct coming_back *b = call_kept(c);
	const struct settings_provider *p =
		providers_named(call_context(c)->providers, b->flow.provider);

	if (p == NULL)
		give_up(c, SIGN_IN_AWAY,
			"the provider was just taken out of the "
			"configuration");
	else if (a->status == 200)
		take_tokens(c, p, a->body);
	else if (a->status >= 400 && a->status < 500 && a->status != 429)
		refuse_code(c, a->body);
	else
		tell_away(c, a, p->issuer);
}

/* RFC 6749 2.3.1: both as a form has them, before HTTP Basic. */
static char *escaped(const char *text)
{
	struct sbuf out;
	char *copy;

	sbuf_init(&out, 1u << 14);
	code_flow_escape(&out, text);
	copy = xstrdup(sbuf_text(&out));
	OPENSSL_cleanse(out.p, out.n);
	sbuf_fini(&out);
	return copy;
}

static bool send_code(struct call *c, const struct settings_provider *p,
		      const struct discovery *d)
{
	const struct coming_back *b = call_kept(c);
	bool is_basic = p->client_auth == CLIENT_AUTH_BASIC;
	char *back = sign_in_redirect_uri(c);
	char *user = is_basic ? escaped(p->client_id) : NULL;
	char *password = is_basic ? escaped(p->client_secret) : NULL;
	const struct code_client client = {.client_id = p->client_id,
					   .redirect_uri = back};
	struct sbuf form;
	bool is_sent;

	sbuf_init(&form, 1u << 18);
	code_flow_token_form(&b->flow, &client, is_basic ? NULL : p->client_secret,
			     b->code, &form);
	is_sent = errands_send(providers_errands(call_context(c)->providers),
			       &(struct errand){
				       .url = d->token_endpoint,
				       .ca_file = p->ca_file,
				       .user = user,
				       .password = password,
				       .form = sbuf_view(&form),
				       .whose = p->issuer,
				       .done = on_answer,
				       .ctx = c,
			       });
	OPENSSL_cleanse(form.p, form.n);
	sbuf_fini(&form);
	wipe(user);
	wipe(password);
	free(back);
	return is_sent;
}

static void exchange(struct call *c, const struct settings_provider *p,
		     const struct discovery *d)
{
	if (!send_code(c, p, d))
		give_up(c, SIGN_IN_AWAY,
			"too many sign-ins wait for the provider; begin again in a "
			"minute");
}

/* --- what it brings --- */

/* RFC 9207 2.4: an answer of another provider's, whose code must not be sent to this
 * one. */
static bool is_of(const struct coming_back *b, const struct settings_provider *p,
		  const struct discovery *d)
{
	return b->issuer != NULL ? strcmp(b->issuer, p->issuer) == 0 : !d->sends_issuer;
}

static void refuse_error(struct call *c)
{
	const struct coming_back *b = call_kept(c);
	char detail[WHY_MAX];

	if (strcmp(b->error, "access_denied") == 0) {
		refuse(c, SIGN_IN_DENIED,
		       "you or the provider broke the sign-in off (access_denied); "
		       "begin again");
		return;
	}
	snprintf(detail, sizeof detail,
		 "the provider refused the sign-in: %s; an admin may have to look into "
		 "its settings",
		 code_flow_is_error_word(b->error) ? b->error : "?");
	refuse(c, SIGN_IN_REFUSED, detail);
}

static void on_spent(struct call *c, struct str json)
{
	const struct coming_back *b = call_kept(c);
	struct providers *all = call_context(c)->providers;
	const struct settings_provider *p = providers_named(all, b->flow.provider);
	struct discovery d = {0};

	browser_keep(c, SIGN_IN_COOKIE, "", "0");
	if (json.p == NULL)
		refuse(c, SIGN_IN_STALE,
		       "this answer of the provider was used before; begin again");
	else if (p == NULL || !providers_discovery(all, p, &d))
		give_up(c, SIGN_IN_AWAY,
			"the provider's discovery document cannot be had at the moment; "
			"begin again in a minute");
	else if (!is_of(b, p, &d))
		refuse(c, SIGN_IN_REFUSED,
		       "the answer is not this provider's: its iss is missing, or names "
		       "another one");
	else if (b->error != NULL)
		refuse_error(c);
	else if (b->code == NULL || *b->code == '\0')
		refuse(c, SIGN_IN_REFUSED,
		       "the provider sent neither a code nor an error; begin again");
	else
		exchange(c, p, &d);
	discovery_fini(&d);
}

static void spend(struct call *c)
{
	const struct coming_back *b = call_kept(c);
	char hash[KEY_HASH_HEX + 1];

	hash_text(b->flow.state, hash);
	call_ask(c, &(struct call_question){
			    .pool = DB_CHANGES,
			    .sql = "SELECT public.people_state_spend($1, $2::bigint)",
			    .values = {hash, SPENT_S_TEXT},
			    .n_values = 2,
			    .then = on_spent,
			    .failed = on_failed,
		    });
}

static void take_state(struct call *c)
{
	const struct coming_back *b = call_kept(c);
	const char *why =
		code_flow_fault(&b->flow, b->state, (int64_t)(clock_wall_us() / 1000000));

	if (why != NULL)
		refuse(c, SIGN_IN_STALE, why);
	else
		spend(c);
}

static void on_key(struct call *c, struct str json)
{
	struct coming_back *b = call_kept(c);
	unsigned char key[SEAL_KEY_BYTES];
	bool has_key = sign_in_read_key(json, key);

	if (!has_key)
		give_up(c, SIGN_IN_DATABASE,
			"the database has no secret to sign in with; run `tollgate "
			"migrate`");
	else if (b->sealed == NULL || !code_flow_open(&b->flow, key, str_of(b->sealed)))
		refuse(c, SIGN_IN_STALE,
		       "this browser has no sign-in under way; begin it here, and with "
		       "cookies allowed");
	else
		take_state(c);
	OPENSSL_cleanse(key, sizeof key);
}

static char *copy(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static void come_back(struct call *c, const struct query *q)
{
	struct coming_back *b = xcalloc(1, sizeof *b);
	struct str sealed = browser_kept(c, SIGN_IN_COOKIE);

	b->tries = call_context(c)->tries;
	b->client = *call_client(c);
	b->wants_page = sign_in_wants_page(c);
	b->state = copy(query_get(q, "state"));
	b->code = copy(query_get(q, "code"));
	b->issuer = copy(query_get(q, "iss"));
	b->error = copy(query_get(q, "error"));
	b->sealed = sealed.p != NULL ? xstrndup(sealed.p, sealed.n) : NULL;
	browser_agent(c, b->agent);
	call_keep(c, b, free_coming_back);
	call_ask(c, &(struct call_question){
			    .pool = DB_LOOKUPS,
			    .sql = SIGN_IN_KEY_SQL,
			    .then = on_key,
			    .failed = on_failed,
		    });
}

void api_finish_sign_in(struct call *c)
{
	/* Providers send more along: scope, session_state, error_description. */
	static const char *const known[] = {"state", "code",       "iss",
					    "error", QUERY_OTHERS, NULL};
	const struct query *q = call_query(c, known);

	if (call_is_faulty(c))
		return;
	if (tries_begin(call_context(c)->tries, call_client(c)))
		come_back(c, q);
	else
		sign_in_fail(c, sign_in_wants_page(c), SIGN_IN_BUSY, TRIES_TOO_MANY);
}
