/* Sessions of browsers: how one begins, what it is, how it ends. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"
#include "common/utf8.h"
#include "gateway/api/identity_json.h"
#include "gateway/api/operations.h"
#include "gateway/manager/bearer.h"
#include "gateway/manager/identities.h"
#include "gateway/manager/identity_read.h"
#include "gateway/manager/tries.h"
#include "gateway/settings/settings.h"
#include "gateway/token/key.h"
#include "gateway/token/key_text.h"

#define SESSION_S 43200
#define SESSION_S_TEXT "43200"
#define COOKIE_MAX 256
#define AGENT_MAX 200

/* --- the ways there are --- */

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

/* RFC 6265 4.1, RFC 6265bis 4.1.3.2 (__Host-). */
static void set_cookie(struct call *c, const char *value, const char *age)
{
	bool secure = identities_are_secure(call_context(c)->settings);
	char text[COOKIE_MAX];

	snprintf(text, sizeof text, "%s=%s; Path=/; Max-Age=%s; HttpOnly; SameSite=Lax%s",
		 secure ? BEARER_COOKIE_SECURE : BEARER_COOKIE, value, age,
		 secure ? "; Secure" : "");
	call_set_field(c, "Set-Cookie", text);
	OPENSSL_cleanse(text, sizeof text);
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
	set_cookie(c, b->cookie, SESSION_S_TEXT);
	call_reply_object(c, 201, session);
}

static bool on_failed(struct call *c, const struct pg_reply *reply)
{
	const struct beginning *b = call_kept(c);

	(void)reply;
	tries_end(call_context(c)->tries, call_client(c), b->hash);
	return false;
}

/* Clean UTF-8 without keys, as much of it as the database keeps. */
static void read_agent(const struct call *c, char to[AGENT_MAX + 1])
{
	const struct http_field *f =
		request_head_field(call_head(c), HTTP_H_USER_AGENT, NULL);
	char hidden[KEY_TEXT_ROOM];
	struct str s = {NULL, 0};
	size_t n = 0, length;

	if (f != NULL)
		s = key_text_hidden(f->value, (struct str){NULL, 0}, hidden);
	for (size_t at = 0; at < s.n; at += length ? length : 1) {
		length = utf8_length((const unsigned char *)s.p + at, s.n - at);
		if (n + (length ? length : 1) > AGENT_MAX)
			break;
		memcpy(to + n, length ? s.p + at : "?", length ? length : 1);
		n += length ? length : 1;
	}
	to[n] = '\0';
}

static char *make_actor(const struct call *c)
{
	cJSON *actor = cJSON_CreateObject();
	char address[NET_ADDR_TEXT_MAX], *text, *copy;

	net_ip_text(call_client(c), address);
	if (*address != '\0')
		json_add_text(actor, "address", address);
	json_add_text(actor, "request_id", call_request_id(c));
	text = cJSON_PrintUnformatted(actor);
	CHECK(text != NULL);
	copy = xstrdup(text);
	cJSON_free(text);
	cJSON_Delete(actor);
	return copy;
}

static void hash_of(const char *secret, unsigned char hash[KEY_HASH_BYTES])
{
	struct key_hasher *hasher = key_hasher_new();

	key_hash(hasher, str_of(secret), hash);
	key_hasher_free(&hasher);
}

static void refuse_busy(struct call *c)
{
	call_problem_later(c, PROBLEM_SIGN_IN_BUSY, TRIES_TOO_MANY, TRIES_LATER_S);
}

static void ask(struct call *c, const struct beginning *b)
{
	char hash[KEY_HASH_HEX + 1], cookie_hash[KEY_HASH_HEX + 1], agent[AGENT_MAX + 1];
	unsigned char of_cookie[KEY_HASH_BYTES];
	char *actor = make_actor(c);

	hash_of(b->cookie, of_cookie);
	hex_encode(cookie_hash, of_cookie, sizeof of_cookie);
	hex_encode(hash, b->hash, sizeof b->hash);
	read_agent(c, agent);
	call_ask(
		c,
		&(struct call_question){
			.pool = DB_CHANGES,
			.sql = strcmp(b->by, "key") == 0
				       ? "SELECT public.people_session_by_key($1::jsonb, "
					 "$2, $3, $4::bigint, $5)"
				       : "SELECT public.people_code_spend($1::jsonb, $2, "
					 "$3, $4::bigint, $5)",
			.values = {actor, hash, cookie_hash, SESSION_S_TEXT, agent},
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
	hash_of(secret, b->hash);
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

static void on_ended(struct call *c, struct str json)
{
	(void)json;
	if (call_identity(c)->how == IDENTITY_SESSION)
		set_cookie(c, "", "0");
	call_reply_nothing(c);
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
