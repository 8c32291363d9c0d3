/* Making and revoking tokens in the database. */
#include "gateway/token/token_admin.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"
#include "gateway/token/key.h"

#define LIFETIME_MAX_S (100ll * 365 * 86400)

bool token_lifetime_parse(const char *text, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {
		{'s', 1},     {'m', 60},     {'h', 3600},
		{'d', 86400}, {'w', 604800}, {'y', 31536000},
	};
	struct str s = str_of(text);
	uint64_t count;

	if (s.n < 2 || s.n > 12 || !str_to_u64((struct str){s.p, s.n - 1}, &count))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].unit != s.p[s.n - 1])
			continue;
		if (count == 0 || count > (uint64_t)(LIFETIME_MAX_S / units[i].seconds))
			return false;
		*seconds = (int64_t)count * units[i].seconds;
		return true;
	}
	return false;
}

/* For faults that a first run on a new database meets. */
static void explain(const struct pg_sync *db, struct sbuf *error)
{
	const char *state = pg_sync_sqlstate(db);

	if (strcmp(state, "42P01") == 0 || strcmp(state, "42703") == 0 ||
	    strcmp(state, "42883") == 0)
		sbuf_lit(error, "\n  run `tollgate migrate` on this database first");
	else if (strcmp(state, "42501") == 0)
		sbuf_lit(error, "\n  GRANT tollgate TO the role that connects");
}

static bool add_team(struct pg_sync *db, const char *team, cJSON *json,
		     struct sbuf *error)
{
	PGresult *r;

	if (team == NULL)
		return true;
	r = pg_sync_query(db, "SELECT public.people_team_id($1)", &team, 1, error);
	if (r != NULL)
		cJSON_AddItemToObject(json, "team_id",
				      cJSON_CreateRaw(PQgetvalue(r, 0, 0)));
	PQclear(r);
	return r != NULL;
}

/* As token_create takes it, but for the team. */
static cJSON *spec_json(const struct token_spec *spec, const char *hash,
			const char *start)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", spec->name);
	cJSON_AddItemToObject(json, "scopes",
			      cJSON_CreateStringArray(spec->scopes, (int)spec->n_scopes));
	cJSON_AddStringToObject(json, "token_hash", hash);
	if (start != NULL)
		cJSON_AddStringToObject(json, "key_start", start);
	if (spec->lifetime_s > 0)
		cJSON_AddNumberToObject(json, "lifetime_s", (double)spec->lifetime_s);
	if (spec->description != NULL)
		cJSON_AddStringToObject(json, "description", spec->description);
	if (spec->n_address_ranges > 0)
		cJSON_AddItemToObject(
			json, "address_ranges",
			cJSON_CreateStringArray(spec->address_ranges,
						(int)spec->n_address_ranges));
	return json;
}

static bool create(struct pg_sync *db, const cJSON *json, char id[TOKEN_ID_TEXT_MAX],
		   struct sbuf *error)
{
	char *text = cJSON_PrintUnformatted(json);
	const char *const values[] = {NULL, text, NULL};
	char sql[256];
	PGresult *r;

	CHECK(text != NULL);
	/* An id may pass what a double holds: it is taken out as text. */
	snprintf(sql, sizeof sql, "SELECT made ->> 'id' FROM (%s) AS m (made)",
		 token_sql(TOKEN_CREATE));
	r = pg_sync_query(db, sql, values, ARRAY_LEN(values), error);
	if (r != NULL)
		snprintf(id, TOKEN_ID_TEXT_MAX, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	cJSON_free(text);
	return r != NULL;
}

bool token_admin_add(struct pg_sync *db, const struct token_spec *spec, const char *hash,
		     const char *start, char id[TOKEN_ID_TEXT_MAX], struct sbuf *error)
{
	cJSON *json = spec_json(spec, hash, start);
	bool ok = add_team(db, spec->team, json, error) && create(db, json, id, error);
	char *why;

	if (!ok) {
		struct str told = token_refusal(sbuf_view(error));

		why = xstrndup(told.p, told.n);
		sbuf_reset(error);
		sbuf_str(error, str_of(why));
		free(why);
		explain(db, error);
	}
	cJSON_Delete(json);
	return ok;
}

bool token_admin_create(struct pg_sync *db, const struct token_spec *spec,
			struct token_secret *secret, char id[TOKEN_ID_TEXT_MAX],
			struct sbuf *error)
{
	bool ok = token_secret_make(secret);

	if (ok)
		ok = token_admin_add(db, spec, secret->hash, secret->start, id, error);
	else
		sbuf_lit(error, "OpenSSL has no randomness to make a key from");
	if (!ok)
		token_secret_wipe(secret);
	return ok;
}

bool token_admin_import_key(struct pg_sync *db, const struct token_spec *spec,
			    struct str key, char id[TOKEN_ID_TEXT_MAX],
			    struct sbuf *error)
{
	char hex[KEY_HASH_HEX + 1], start[KEY_START_LENGTH + 1];
	/* Of a short key the start would give too much away. */
	bool show = key.n >= 3 * KEY_START_LENGTH;

	switch (key_shape_of(key)) {
	case KEY_SHAPE_IMPOSSIBLE:
		sbuf_printf(
			error,
			"a key is one line of 1 to %d visible ASCII characters, without spaces",
			KEY_MAX);
		return false;
	case KEY_SHAPE_MISTYPED:
		sbuf_lit(error,
			 "the key's checksum is wrong: is a character missing or wrong?");
		return false;
	case KEY_SHAPE_OURS:
	case KEY_SHAPE_FOREIGN:
		break;
	}
	token_hash_hex(key, hex);
	snprintf(start, sizeof start, "%.*s", show ? KEY_START_LENGTH : 0, key.p);
	return token_admin_add(db, spec, hex, show ? start : NULL, id, error);
}

bool token_admin_import_hash(struct pg_sync *db, const struct token_spec *spec,
			     struct str hash, char id[TOKEN_ID_TEXT_MAX],
			     struct sbuf *error)
{
	unsigned char bytes[KEY_HASH_BYTES];
	char hex[KEY_HASH_HEX + 1];

	if (!hex_decode(bytes, sizeof bytes, hash)) {
		sbuf_printf(error, "a hash is the SHA-256 of the key: %d hex digits",
			    KEY_HASH_HEX);
		return false;
	}
	hex_encode(hex, bytes, sizeof bytes);
	return token_admin_add(db, spec, hex, NULL, id, error);
}

static void explain_several(const PGresult *r, const char *text, struct sbuf *error)
{
	if (pg_value_bool(r, 0, 2)) /* an id goes first */
		sbuf_printf(error,
			    "'%s' is the id of token '%s', and the name of token %s: say "
			    "--id %s or --name '%s'",
			    text, PQgetvalue(r, 0, 1), PQgetvalue(r, 1, 0), text, text);
	else
		sbuf_printf(error,
			    "several tokens have the name '%s': give the id (of %s, %s)",
			    text, PQgetvalue(r, 0, 0), PQgetvalue(r, 1, 0));
}

bool token_admin_find(struct pg_sync *db, const struct token_choice *which,
		      char id[TOKEN_ID_TEXT_MAX], struct sbuf *name, struct sbuf *error)
{
	const char *const values[] = {which->text, which->by == TOKEN_BY_NAME ? "f" : "t",
				      which->by == TOKEN_BY_ID ? "f" : "t"};
	PGresult *r = pg_sync_query(
		db, "SELECT id, name, is_id FROM public.tokens_named($1, $2, $3)", values,
		ARRAY_LEN(values), error);
	bool found = false;

	if (r == NULL) {
		explain(db, error);
		return false;
	}
	if (PQntuples(r) == 0)
		sbuf_printf(error, "no token has the %s '%s'",
			    which->by == TOKEN_BY_ID     ? "id"
			    : which->by == TOKEN_BY_NAME ? "name"
							 : "id or name",
			    which->text);
	else if (PQntuples(r) == 2)
		explain_several(r, which->text, error);
	else
		found = true;
	if (found) {
		snprintf(id, TOKEN_ID_TEXT_MAX, "%s", PQgetvalue(r, 0, 0));
		sbuf_str(name, pg_value_text(r, 0, 1));
	}
	PQclear(r);
	return found;
}

bool token_admin_revoke(struct pg_sync *db, const struct token_choice *which,
			char id[TOKEN_ID_TEXT_MAX], struct sbuf *name, struct sbuf *error)
{
	const char *const values[] = {NULL, id, "revoke"};
	PGresult *r;

	if (!token_admin_find(db, which, id, name, error))
		return false;
	r = pg_sync_query(db, token_sql(TOKEN_SWITCH), values, ARRAY_LEN(values), error);
	if (r == NULL)
		explain(db, error);
	PQclear(r);
	return r != NULL;
}
