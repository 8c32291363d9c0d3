/* /api/users/{id}/keys, /sessions and /identities: what somebody may sign in with. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/api/operations.h"
#include "gateway/api/people_calls.h"

static void list_of_user(struct call *c, enum people_call what)
{
	static const char *const known[] = {PEOPLE_LIST_PARAMETERS};
	const char *id = people_call_id(c, "id");

	if (id != NULL)
		people_call_list(c, what, id, known);
}

/* --- keys --- */

/* A key that is handed out once it is stored. */
struct new_key {
	char text[KEY_LENGTH + 1];
};

static void free_key(void *state)
{
	struct new_key *key = state;

	OPENSSL_cleanse(key->text, sizeof key->text);
	free(key);
}

/* What was stored, with the key before it; ids keep all their digits. */
static void reply_key(struct call *c, struct str json)
{
	const struct new_key *key = call_kept(c);
	size_t size = json.n + sizeof "{\"key\":\"\"," + KEY_LENGTH;
	char *text = xmalloc(size);
	int n;

	CHECK(json.n > 2 && *json.p == '{');
	n = snprintf(text, size, "{\"key\":\"%s\",%.*s", key->text, (int)json.n - 1,
		     json.p + 1);
	CHECK(n > 0 && (size_t)n < size);
	call_reply_json(c, 201, (struct str){text, (size_t)n});
	OPENSSL_cleanse(text, size);
	free(text);
}

/* The fields beside what the database gets of the key. */
static char *key_spec(const cJSON *fields, const char *key)
{
	const cJSON *ends = cJSON_GetObjectItemCaseSensitive(fields, "expires_at");
	const char *name =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields, "name"));
	cJSON *spec = people_key_json(key, name != NULL ? name : "", 0);

	if (ends != NULL)
		CHECK(cJSON_AddItemToObject(spec, "expires_at",
					    cJSON_Duplicate(ends, true)));
	return json_text_take(spec);
}

void api_create_user_key(struct call *c)
{
	static const struct body_field fields[] = {
		{.name = "name", .type = BODY_TEXT, .max = 100},
		{.name = "expires_at", .type = BODY_TIME},
	};
	const cJSON *given = call_fields(c, fields, ARRAY_LEN(fields));
	const char *id = NULL;
	struct new_key *key;
	char *spec;

	if (call_is_faulty(c) || (id = people_call_id(c, "id")) == NULL)
		return;
	key = xcalloc(1, sizeof *key);
	call_keep(c, key, free_key);
	CHECK(people_key_make(key->text));
	spec = key_spec(given, key->text);
	call_ask(c, &(struct call_question){
			    .pool = DB_CHANGES,
			    .sql = people_sql(PEOPLE_KEY_ADD),
			    .values = {call_actor(c), id, spec},
			    .n_values = 3,
			    .then = reply_key,
		    });
	cJSON_free(spec);
}

void api_list_user_keys(struct call *c)
{
	list_of_user(c, PEOPLE_KEY_LIST);
}

void api_delete_user_key(struct call *c)
{
	people_call_part(c, PEOPLE_KEY_REVOKE, 204, "id", "key_id");
}

/* --- sessions --- */

void api_list_user_sessions(struct call *c)
{
	list_of_user(c, PEOPLE_SESSION_LIST);
}

void api_delete_user_session(struct call *c)
{
	people_call_part(c, PEOPLE_SESSION_END, 204, "id", "session_id");
}

void api_delete_user_sessions(struct call *c)
{
	const char *values[2] = {people_call_id(c, "id"), NULL};

	if (values[0] != NULL)
		people_call_ask(c, PEOPLE_SESSION_END, 204, values, ARRAY_LEN(values));
}

/* --- identities --- */

void api_list_user_identities(struct call *c)
{
	list_of_user(c, PEOPLE_IDENTITY_LIST);
}

void api_create_user_identity(struct call *c)
{
	static const struct body_field fields[] = {
		{.name = "issuer",
		 .type = BODY_TEXT,
		 .presence = BODY_REQUIRED,
		 .min = 1,
		 .max = 500},
		{.name = "subject",
		 .type = BODY_TEXT,
		 .presence = BODY_REQUIRED,
		 .min = 1,
		 .max = 255},
	};
	const cJSON *given = call_fields(c, fields, ARRAY_LEN(fields));
	const char *values[3] = {NULL};

	if (call_is_faulty(c) || (values[0] = people_call_id(c, "id")) == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		values[i + 1] = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(given, fields[i].name));
	people_call_ask(c, PEOPLE_IDENTITY_ADD, 201, values, ARRAY_LEN(values));
}

void api_delete_user_identity(struct call *c)
{
	people_call_part(c, PEOPLE_IDENTITY_REMOVE, 204, "id", "identity_id");
}
