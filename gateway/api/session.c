/* Sessions of browsers: how one begins, what it is, how it ends. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/browser.h"
#include "gateway/api/identity_json.h"
#include "gateway/api/operations.h"
#include "gateway/manager/bearer.h"
#include "gateway/manager/identities.h"
#include "gateway/manager/identity_read.h"
#include "gateway/manager/providers.h"
#include "gateway/manager/tries.h"
#include "gateway/settings/settings.h"
#include "gateway/sign_in/code_flow.h"
#include "gateway/sign_in/discovery.h"
#include "gateway/token/key.h"

/* --- the ways there are --- */

static void add_providers(cJSON *ways, const struct settings_sign_in *s)
{
	cJSON *providers = cJSON_AddArrayToObject(ways, "providers");

	for (size_t i = 0; i < s->n_providers; i++) {
		const struct settings_provider *p = &s->providers[i];
		char *href = xasprintf("/api/sign-in/%s", p->name);
		cJSON *one = cJSON_CreateObject();

		json_add_text(one, "name", p->name);
		json_add_text(one, "label", p->label);
		json_add_text(one, "href", href);
		free(href);
		if (p->client_secret != NULL)
			CHECK(cJSON_AddItemToArray(providers, one));
		else
			cJSON_Delete(one);
	}
}

static cJSON *describe_ways(const struct settings_sign_in *s)
{
	cJSON *ways = cJSON_CreateObject();
	cJSON *issuers;

	CHECK(cJSON_AddBoolToObject(ways, "key", true) != NULL &&
	      cJSON_AddBoolToObject(ways, "link", true) != NULL);
	issuers = cJSON_AddArrayToObject(ways, "issuers");
	for (size_t i = 0; i < s->n_issuers; i++) {
		cJSON *one = cJSON_CreateObject();

		CHECK(cJSON_AddStringToObject(one, "issuer", s->issuers[i].issuer) &&
		      cJSON_AddStringToObject(
			      one, "kind",
			      s->issuers[i].kind == ISSUER_CLERK ? "clerk" : "oidc") &&
		      cJSON_AddItemToArray(issuers, one));
	}
	add_providers(ways, s);
	return ways;
}

void api_list_ways(struct call *c)
{
	static const char *const known[] = {NULL};

	call_query(c, known);
	if (!call_is_faulty(c))
		call_reply_object(c, 200,
				  describe_ways(&call_context(c)->settings->sign_in));
}

/* --- what a session is --- */

static cJSON *describe(const struct identity *i)
{
	cJSON *session = cJSON_CreateObject(), *user;

	identity_add_sign_in(session, i);
	json_add_text(session, "expires_at", i->until);
	json_add_bool(session, "has_role", identity_has_rights(i));
	user = cJSON_AddObjectToObject(session, "user");
	identity_add_user(user, i);
	json_add_bool(user, "is_admin", i->is_admin);
	json_add_bool(user, "sees_all", i->sees_all);
	identity_add_teams(user, i);
	return session;
}

void api_get_session(struct call *c)
{
	static const char *const known[] = {NULL};

	call_query(c, known);
	if (!call_is_faulty(c))
		call_reply_object(c, 200, describe(call_identity(c)));
}

/* --- beginning one --- */

/* What is kept while the database is asked. */
struct beginning {
	char cookie[KEY_LENGTH + 1];
	const char *by; /* "key" or "code" */
	unsigned char hash[KEY_HASH_BYTES];
};

static void free_beginning(void *state)
{
	struct beginning *b = state;

	OPENSSL_cleanse(b, sizeof *b);
	free(b);
}

static void refuse(struct call *c, const char *by)
{
	const char *why =
		strcmp(by, "key") == 0
			? "the personal key is unknown, revoked or expired, or "
			  "its user is disabled"
			: "the link is unknown, was used already, or is older "
			  "than 5 minutes; `tollgate user link` makes a new one";

	tries_failed(call_context(c)->tries, call_client(c), by, why);
	call_problem(c, PROBLEM_BAD_SIGN_IN, why);
}

static void on_begun(struct call *c, struct str json)
{
	const struct beginning *b = call_kept(c);
	struct manager_context *m = call_context(c);
	struct identity_facts facts;
	struct identity *i = NULL;
	cJSON *session;

	if (json.p != NULL)
		i = identity_read(json, IDENTITY_SESSION, m->settings, &facts);
	if (i == NULL) {
		refuse(c, b->by);
		return;
	}
	tries_end(m->tries, call_client(c), b->hash);
	session = describe(i);
	identity_unref(&i);
	browser_keep_session(c, b->cookie, BROWSER_SESSION_S);
	call_reply_object(c, 201, session);
}

static bool on_failed(struct call *c, const struct pg_reply *reply)
{
	const struct beginning *b = call_kept(c);

	(void)reply;
	tries_end(call_context(c)->tries, call_client(c), b->hash);
	return false;
}

static void refuse_busy(struct call *c)
{
	call_problem_later(c, PROBLEM_SIGN_IN_BUSY, TRIES_TOO_MANY, TRIES_LATER_S);
}

static void ask(struct call *c, const struct beginning *b)
{
	char hash[KEY_HASH_HEX + 1], cookie_hash[KEY_HASH_HEX + 1],
		agent[BROWSER_AGENT_MAX + 1];
	unsigned char of_cookie[KEY_HASH_BYTES];
	char *actor = browser_actor(c);

	browser_hash(b->cookie, of_cookie);
	hex_encode(cookie_hash, of_cookie, sizeof of_cookie);
	hex_encode(hash, b->hash, sizeof b->hash);
	browser_agent(c, agent);
	call_ask(
		c,
		&(struct call_question){
			.pool = DB_CHANGES,
			.sql = strcmp(b->by, "key") == 0
				       ? "SELECT public.people_session_by_key($1::jsonb, "
					 "$2, $3, $4::bigint, $5)"
				       : "SELECT public.people_code_spend($1::jsonb, $2, "
					 "$3, $4::bigint, $5)",
			.values = {actor, hash, cookie_hash, BROWSER_SESSION_S, agent},
			.n_values = 5,
			.then = on_begun,
			.failed = on_failed,
		});
	free(actor);
}

/* Wipes the secret. */
static void begin(struct call *c, const char *by, const char *secret)
{
	struct beginning *b = xcalloc(1, sizeof *b);

	CHECK(key_make_session(b->cookie));
	b->by = by;
	browser_hash(secret, b->hash);
	OPENSSL_cleanse((void *)(uintptr_t)secret, strlen(secret));
	call_keep(c, b, free_beginning);
	if (tries_begin_person(call_context(c)->tries, call_client(c), b->hash))
		ask(c, b);
	else
		refuse_busy(c);
}

static const char *text_of(const cJSON *fields, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields, name));
}

/* What is wrong with the fields is no failed attempt. */
static bool is_faulty(struct call *c)
{
	if (call_faults(c)->n == 0)
		return false;
	tries_end(call_context(c)->tries, call_client(c), NULL);
	return call_is_faulty(c);
}

static void read_and_begin(struct call *c)
{
	static const struct body_field known[] = {
		{.name = "key", .type = BODY_TEXT, .min = 1, .max = KEY_MAX},
		{.name = "code", .type = BODY_TEXT, .min = 1, .max = KEY_MAX},
	};
	static const char *const parameters[] = {NULL};
	const cJSON *fields = call_fields(c, known, ARRAY_LEN(known));
	const char *key = text_of(fields, "key"), *code = text_of(fields, "code");

	call_query(c, parameters);
	if (fields != NULL && (key == NULL) == (code == NULL))
		input_fault(call_faults(c), INPUT_POINTER, "",
			    "send one of key and code: a personal key, or the code of a "
			    "link");
	if (!is_faulty(c))
		begin(c, key != NULL ? "key" : "code", key != NULL ? key : code);
}

void api_create_session(struct call *c)
{
	if (tries_begin(call_context(c)->tries, call_client(c)))
		read_and_begin(c);
	else
		refuse_busy(c);
}

/* --- ending it --- */

/* Appends where the session of the caller's provider ends, for one that began there.
 * False: it began elsewhere, or the provider ends none. */
static bool put_sign_out_url(struct call *c, struct sbuf *url)
{
	const struct manager_context *m = call_context(c);
	const struct identity *i = call_identity(c);
	const struct settings_provider *p = NULL;
	struct discovery d;
	char *back;

	if (i->how == IDENTITY_SESSION && i->issuer != NULL)
		p = providers_of_issuer(m->providers, i->issuer);
	if (p == NULL || !providers_discovery(m->providers, p, &d))
		return false;
	if (d.end_session_endpoint != NULL) {
		back = xasprintf("%s/", m->settings->public_url);
		code_flow_sign_out_url(d.end_session_endpoint, p->client_id, back, url);
		free(back);
	}
	discovery_fini(&d);
	return url->n > 0;
}

static void on_ended(struct call *c, struct str json)
{
	struct sbuf url;
	cJSON *answer;

	(void)json;
	if (call_identity(c)->how == IDENTITY_SESSION)
		browser_keep_session(c, "", "0");
	sbuf_init(&url, 8192);
	if (put_sign_out_url(c, &url)) {
		answer = cJSON_CreateObject();
		json_add_text(answer, "sign_out_url", sbuf_text(&url));
		call_reply_object(c, 200, answer);
	} else {
		call_reply_nothing(c);
	}
	sbuf_fini(&url);
}

/* False: a fault is noted. */
static bool read_everywhere(struct call *c, bool *everywhere)
{
	static const char *const known[] = {"everywhere", NULL};
	const char *text = query_get(call_query(c, known), "everywhere");

	*everywhere = text != NULL && strcmp(text, "true") == 0;
	if (text == NULL || *everywhere || strcmp(text, "false") == 0)
		return true;
	input_fault(call_faults(c), INPUT_PARAMETER, "everywhere",
		    "must be true or false");
	return false;
}

void api_end_session(struct call *c)
{
	const struct identity *i = call_identity(c);
	char who[24], session[24];
	bool everywhere;

	read_everywhere(c, &everywhere);
	if (call_is_faulty(c))
		return;
	if (i->user_id == 0 || (!everywhere && i->session_id == 0)) {
		call_problem(c, PROBLEM_CONFLICT,
			     "there is no session to end: this call was not made by one; "
			     "?everywhere=true ends those of your browsers");
		return;
	}
	snprintf(who, sizeof who, "%lld", (long long)i->user_id);
	snprintf(session, sizeof session, "%lld", (long long)i->session_id);
	call_ask(c, &(struct call_question){
			    .pool = DB_CHANGES,
			    .sql = "SELECT public.people_session_end($1::jsonb, "
				   "$2::bigint, $3::bigint)",
			    .values = {call_actor(c), who, everywhere ? NULL : session},
			    .n_values = 3,
			    .changes_user = i->user_id,
			    .ends_session = everywhere ? 0 : i->session_id,
			    .then = on_ended,
		    });
}
