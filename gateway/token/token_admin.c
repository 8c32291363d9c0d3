/* Making and revoking tokens in the database. */
#include "gateway/token/token_admin.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"
#include "gateway/token/key.h"

#define LIFETIME_MAX_S (100ll * 365 * 86400)

bool token_scope_is_valid(const char *scope)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/";
	size_t n = strlen(scope);

	if (strcmp(scope, "*") == 0)
		return true;
	return n > 0 && n <= TOKEN_SCOPE_MAX && strspn(scope, letters) == n;
}

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

/* Control characters would garble lists and logs. */
static bool name_is_valid(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	return n > 0 && n <= TOKEN_NAME_MAX && *name != ' ' && name[n - 1] != ' ';
}

static bool spec_is_valid(const struct token_spec *spec, struct sbuf *error)
{
	if (!name_is_valid(spec->name)) {
		sbuf_printf(
			error,
			"a name is 1 to %d bytes without control characters, and does "
			"not begin or end with a space",
			TOKEN_NAME_MAX);
		return false;
	}
	if (strspn(spec->name, "0123456789") == strlen(spec->name)) {
		sbuf_printf(error,
			    "'%s' could be a token's id: a name needs a character that "
			    "is no digit, like token-%s",
			    spec->name, spec->name);
		return false;
	}
	if (spec->n_scopes == 0) {
		sbuf_lit(error,
			 "a token needs a scope: those of the routes it may call, or *");
		return false;
	}
	for (size_t i = 0; i < spec->n_scopes; i++) {
		if (token_scope_is_valid(spec->scopes[i]))
			continue;
		sbuf_printf(error,
			    "'%s' is not a scope: letters, digits and _ - . : / (up to "
			    "%d), or * for all",
			    spec->scopes[i], TOKEN_SCOPE_MAX);
		return false;
	}
	return true;
}

/* {"a","b"}: the names hold nothing that needs a backslash. */
static void scopes_array(const struct token_spec *spec, struct sbuf *out)
{
	for (size_t i = 0; i < spec->n_scopes; i++)
		sbuf_printf(out, "%s\"%s\"", i ? "," : "{", spec->scopes[i]);
	sbuf_lit(out, "}");
}

/* Two changes with one name at the same time: the lock makes the second see the first.
 */
static bool name_is_free(struct pg_sync *db, const char *name, struct sbuf *error)
{
	PGresult *r;
	bool is_free = false;

	if (!pg_sync_run(db, "SELECT people_begin(NULL)", error))
		return false;
	r = pg_sync_query(
		db,
		"SELECT id FROM tokens WHERE name = $1 AND revoked_at IS NULL LIMIT 1",
		&name, 1, error);
	if (r == NULL)
		return false;
	if (PQntuples(r) > 0)
		sbuf_printf(error, "token %s has the name '%s' already",
			    PQgetvalue(r, 0, 0), name);
	else
		is_free = true;
	PQclear(r);
	return is_free;
}

/* Any row of token_keys counts, former keys too. */
static bool hash_is_free(struct pg_sync *db, const char *hash, struct sbuf *error)
{
	PGresult *r = pg_sync_query(db,
				    "SELECT t.id, t.name FROM token_keys k JOIN tokens t "
				    "ON t.id = k.token_id WHERE k.token_hash = $1",
				    &hash, 1, error);
	bool is_free = false;

	if (r == NULL)
		return false;
	if (PQntuples(r) > 0)
		sbuf_printf(error, "this key is there already: token %s, '%s'",
			    PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
	else
		is_free = true;
	PQclear(r);
	return is_free;
}

static bool insert(struct pg_sync *db, const struct token_spec *spec,
		   const char *const *values, char id[TOKEN_ID_TEXT_MAX],
		   struct sbuf *error)
{
	PGresult *r;

	if (!name_is_free(db, spec->name, error) || !hash_is_free(db, values[1], error))
		return false;
	r = pg_sync_query(
		db,
		"INSERT INTO tokens (name, token_hash, key_start, scopes, expires_at) "
		"VALUES ($1, $2, $3, token_scopes_in($4::text[]), "
		"now() + $5::bigint * interval '1 second') RETURNING id",
		values, 5, error);
	if (r == NULL)
		return false;
	snprintf(id, TOKEN_ID_TEXT_MAX, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return pg_sync_run(db, "COMMIT", error);
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

bool token_admin_add(struct pg_sync *db, const struct token_spec *spec, const char *hash,
		     const char *start, char id[TOKEN_ID_TEXT_MAX], struct sbuf *error)
{
	struct sbuf scopes, ignored;
	char lifetime[24];
	bool ok;

	if (!spec_is_valid(spec, error))
		return false;
	snprintf(lifetime, sizeof lifetime, "%lld", (long long)spec->lifetime_s);
	sbuf_init(&scopes, 1u << 20);
	scopes_array(spec, &scopes);
	const char *const values[] = {spec->name, hash, start, sbuf_text(&scopes),
				      spec->lifetime_s ? lifetime : NULL};

	ok = pg_sync_run(db, "BEGIN", error) && insert(db, spec, values, id, error);
	if (!ok) {
		explain(db, error);
		sbuf_init(&ignored, 4096);
		pg_sync_run(db, "ROLLBACK", &ignored);
		sbuf_fini(&ignored);
	}
	sbuf_fini(&scopes);
	return ok;
}

static void key_hash_hex(char hex[KEY_HASH_HEX + 1], struct str key)
{
	struct key_hasher *h = key_hasher_new();
	unsigned char hash[KEY_HASH_BYTES];

	key_hash(h, key, hash);
	hex_encode(hex, hash, sizeof hash);
	key_hasher_free(&h);
}

bool token_admin_create(struct pg_sync *db, const struct token_spec *spec, char *key,
			char id[TOKEN_ID_TEXT_MAX], struct sbuf *error)
{
	char hex[KEY_HASH_HEX + 1], start[KEY_START_LENGTH + 1];
	bool ok = key_make(key);

	if (ok) {
		key_hash_hex(hex, (struct str){key, KEY_LENGTH});
		snprintf(start, sizeof start, "%.*s", KEY_START_LENGTH, key);
		ok = token_admin_add(db, spec, hex, start, id, error);
	} else {
		sbuf_lit(error, "OpenSSL has no randomness to make a key from");
	}
	if (!ok)
		OPENSSL_cleanse(key, KEY_LENGTH);
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
	key_hash_hex(hex, key);
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
		db,
		"SELECT id, name, id::text = $1 FROM tokens WHERE ($2::bool AND id::text "
		"= $1) OR ($3::bool AND name = $1 AND revoked_at IS NULL) ORDER BY "
		"id::text = $1 DESC, id LIMIT 2",
		values, ARRAY_LEN(values), error);
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
	const char *const values[] = {id};
	PGresult *r;

	if (!token_admin_find(db, which, id, name, error))
		return false;
	r = pg_sync_query(db, "SELECT token_switch(NULL, $1::bigint, 'revoke')", values,
			  1, error);
	if (r == NULL)
		explain(db, error);
	PQclear(r);
	return r != NULL;
}
