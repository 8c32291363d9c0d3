/* Operations on tokens: made, changed, switched, given another key. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/nodes.h"
#include "gateway/api/operations.h"
#include "gateway/api/token_call.h"
#include "gateway/token/token_view.h"

#define NAME_MAX_BYTES 100
#define DESCRIPTION_MAX 1000
#define SCOPES_MAX 64
#define KEY_SHOWN_MAX 16
#define GRACE_MAX_S (366ll * 86400)
#define ONCE_MAX 255 /* bytes of an Idempotency-Key */

/* --- what they share --- */

const char *token_call_id(const struct call *c)
{
	const char *text = call_path(c, "id");
	uint64_t id;

	return str_to_u64(str_of(text), &id) && id <= INT64_MAX ? text : "-1";
}

void token_call_ask(struct call *c, enum token_call what, struct call_question q)
{
	CHECK(q.n_values < CALL_VALUES_MAX);
	memmove(q.values + 1, q.values, sizeof q.values[0] * (size_t)q.n_values);
	q.values[0] = call_actor(c);
	q.n_values++;
	q.sql = token_sql(what);
	call_ask(c, &q);
}

static char *print(const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	CHECK(text != NULL);
	return text;
}

/* --- the same request again --- */

static bool is_once_key(struct str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= ' ' || key.p[i] > '~')
			return false;
	return key.n > 0 && key.n <= ONCE_MAX;
}

/* The Idempotency-Key's value; n == 0: there is none, or it is a fault. */
static struct str once_key(struct call *c)
{
	const struct request_head *head = call_head(c);
	struct str key = {0};

	for (unsigned i = 0; i < head->n_fields; i++) {
		if (!str_ieq(head->fields[i].name, str_of("idempotency-key")))
			continue;
		if (key.n == 0 && is_once_key(head->fields[i].value)) {
			key = head->fields[i].value;
			continue;
		}
		input_fault(call_faults(c), INPUT_PARAMETER, "Idempotency-Key",
			    "takes one value of 1 to %d visible characters", ONCE_MAX);
		return (struct str){0};
	}
	return key;
}

/* {"id", "body"}, hashes; the caller frees it. NULL: the request has no Idempotency-Key.
 */
static char *once_json(struct call *c)
{
	struct str key = once_key(c);
	char hash[KEY_HASH_HEX + 1];
	struct sbuf who;
	cJSON *json;
	char *text;

	if (key.n == 0)
		return NULL;
	sbuf_init(&who, call_head(c)->path.n + ONCE_MAX + 64);
	sbuf_printf(&who, "%lld " STR_FMT " " STR_FMT,
		    (long long)call_identity(c)->user_id, STR_ARG(call_head(c)->path),
		    STR_ARG(key));
	CHECK(!who.overflow);
	json = cJSON_CreateObject();
	token_hash_hex(sbuf_view(&who), hash);
	cJSON_AddStringToObject(json, "id", hash);
	token_hash_hex(call_body(c), hash);
	cJSON_AddStringToObject(json, "body", hash);
	text = print(json);
	cJSON_Delete(json);
	sbuf_fini(&who);
	return text;
}

/* --- keys --- */

static void free_secret(void *state)
{
	token_secret_wipe(state);
	free(state);
}

/* Makes a key, which the call keeps, and tells its hash in spec. False: the call has been
 * answered. */
static bool make_secret(struct call *c, cJSON *spec)
{
	struct token_secret *secret = xcalloc(1, sizeof *secret);

	if (!token_secret_make(secret)) {
		free(secret);
		call_problem(c, PROBLEM_INTERNAL_ERROR,
			     "OpenSSL has no randomness to make a key from");
		return false;
	}
	cJSON_AddStringToObject(spec, "token_hash", secret->hash);
	cJSON_AddStringToObject(spec, "key_start", secret->start);
	call_keep(c, secret, free_secret);
	return true;
}

/* Puts the key before what is told of its token. An answer that begins with a key is that
 * of the same request before. */
static void reply_with_key(struct call *c, struct str json)
{
	static const char again[] = "{\"key\"";
	const struct token_secret *secret = call_kept(c);
	struct sbuf out;

	if (json.n < sizeof again || memcmp(json.p, again, sizeof again - 1) == 0) {
		call_reply_json(c, 201, json);
		return;
	}
	sbuf_init(&out, json.n + KEY_LENGTH + 64);
	if (secret != NULL)
		sbuf_printf(&out, "{\"key\": \"%s\", ", secret->key);
	else
		sbuf_lit(&out, "{\"key\": null, ");
	sbuf_add(&out, json.p + 1, json.n - 1);
	CHECK(!out.overflow);
	call_reply_json(c, 201, sbuf_view(&out));
	OPENSSL_cleanse(out.p, out.n);
	sbuf_fini(&out);
}

/* --- operations --- */

static bool has(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name) != NULL;
}

static void create(struct call *c, cJSON *spec, const char *once)
{
	bool brought = has(spec, "token_hash");
	char *text;

	if (brought)
		cJSON_AddTrueToObject(spec, "brought");
	else if (!make_secret(c, spec))
		return;
	text = print(spec);
	token_call_ask(c, TOKEN_CREATE,
		       (struct call_question){.pool = DB_CHANGES,
					      .values = {text, once},
					      .n_values = 2,
					      .then = reply_with_key});
	cJSON_free(text);
}

void api_create_token(struct call *c)
{
	static const struct body_field fields[] = {
		{"name", BODY_TEXT, BODY_REQUIRED, 1, NAME_MAX_BYTES, NULL, false},
		{"description", BODY_TEXT, BODY_NULLABLE, 0, DESCRIPTION_MAX, NULL, true},
		{"scopes", BODY_TEXTS, BODY_OPTIONAL, 0, SCOPES_MAX, NULL, false},
		{"team_id", BODY_INTEGER, BODY_NULLABLE, 1, INT64_MAX, NULL, false},
		{"expires_at", BODY_TIME, BODY_NULLABLE, 0, 0, NULL, false},
		{"address_ranges", BODY_TEXTS, BODY_NULLABLE, 0, TOKEN_RANGES_MAX, NULL,
		 false},
		{"token_hash", BODY_TEXT, BODY_OPTIONAL, KEY_HASH_HEX, KEY_HASH_HEX, NULL,
		 false},
		{"key_start", BODY_TEXT, BODY_OPTIONAL, 1, KEY_SHOWN_MAX, NULL, false},
	};
	cJSON *spec = call_fields(c, fields, ARRAY_LEN(fields));
	char *once = once_json(c);

	if (spec != NULL && has(spec, "key_start") && !has(spec, "token_hash"))
		input_fault(call_faults(c), INPUT_POINTER, "#/key_start",
			    "goes with token_hash, of a key that was made elsewhere");
	if (!call_is_faulty(c))
		create(c, spec, once);
	cJSON_free(once);
}

void api_get_token(struct call *c)
{
	token_call_ask(c, TOKEN_GET,
		       (struct call_question){.pool = DB_QUESTIONS,
					      .values = {token_call_id(c)},
					      .n_values = 1});
}

void api_change_token(struct call *c)
{
	static const struct body_field fields[] = {
		{"name", BODY_TEXT, BODY_OPTIONAL, 1, NAME_MAX_BYTES, NULL, false},
		{"description", BODY_TEXT, BODY_NULLABLE, 0, DESCRIPTION_MAX, NULL, true},
		{"scopes", BODY_TEXTS, BODY_OPTIONAL, 0, SCOPES_MAX, NULL, false},
		{"team_id", BODY_INTEGER, BODY_NULLABLE, 1, INT64_MAX, NULL, false},
		{"expires_at", BODY_TIME, BODY_NULLABLE, 0, 0, NULL, false},
		{"address_ranges", BODY_TEXTS, BODY_NULLABLE, 0, TOKEN_RANGES_MAX, NULL,
		 false},
	};
	cJSON *patch = call_fields(c, fields, ARRAY_LEN(fields));
	char *text;

	if (call_is_faulty(c))
		return;
	text = print(patch);
	token_call_ask(c, TOKEN_CHANGE,
		       (struct call_question){.pool = DB_CHANGES,
					      .values = {token_call_id(c), text},
					      .n_values = 2});
	cJSON_free(text);
}

void api_rotate_token(struct call *c)
{
	static const struct body_field fields[] = {
		{"grace_s", BODY_INTEGER, BODY_REQUIRED, 0, GRACE_MAX_S, NULL, false},
	};
	cJSON *spec = call_fields(c, fields, ARRAY_LEN(fields));
	char *once = once_json(c), *text;

	if (!call_is_faulty(c) && make_secret(c, spec)) {
		text = print(spec);
		token_call_ask(
			c, TOKEN_ROTATE,
			(struct call_question){.pool = DB_CHANGES,
					       .values = {token_call_id(c), text, once},
					       .n_values = 3,
					       .then = reply_with_key});
		cJSON_free(text);
	}
	cJSON_free(once);
}

/* --- switches --- */

static void on_switched(struct call *c, struct str json)
{
	const uint32_t *wait_ms = call_kept(c);

	api_wait_confirmed(c, api_generation(json), *wait_ms, json);
}

/* Answers when the nodes that are alive refuse, or take, the key: ?wait=ms. */
static void switch_token(struct call *c, const char *act)
{
	static const char *const known[] = {"wait", NULL};
	uint32_t *wait_ms = xcalloc(1, sizeof *wait_ms);

	*wait_ms = api_wait_ms(c, call_query(c, known));
	call_keep(c, wait_ms, free);
	if (call_is_faulty(c))
		return;
	token_call_ask(c, TOKEN_SWITCH,
		       (struct call_question){.pool = DB_CHANGES,
					      .values = {token_call_id(c), act},
					      .n_values = 2,
					      .then = on_switched});
}

void api_disable_token(struct call *c)
{
	switch_token(c, "disable");
}

void api_enable_token(struct call *c)
{
	switch_token(c, "enable");
}

void api_revoke_token(struct call *c)
{
	switch_token(c, "revoke");
}

static void on_deleted(struct call *c, struct str json)
{
	(void)json;
	call_reply_nothing(c);
}

void api_delete_token(struct call *c)
{
	token_call_ask(c, TOKEN_SWITCH,
		       (struct call_question){.pool = DB_CHANGES,
					      .values = {token_call_id(c), "delete"},
					      .n_values = 2,
					      .then = on_deleted});
}
