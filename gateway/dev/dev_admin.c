/* The first admin of `tollgate dev`. */
#include "gateway/dev/dev_admin.h"

#include <errno.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "gateway/dev/files.h"
#include "gateway/dev/say.h"
#include "gateway/people/people.h"
#include "gateway/token/token_calls.h"

#define ERROR_MAX 65536

/* $1: the key as people_key_add takes it. Whoever is called `dev` is made what a first
 * admin is: disabled or lowered by hand, they would lock everybody out of this machine's
 * own database. */
static const char make_admin[] =
	"WITH found AS (SELECT id FROM public.tollgate_users "
	"WHERE lower(name) = 'dev' AND removed_at IS NULL), "
	"made AS (SELECT CASE WHEN EXISTS (SELECT FROM found) "
	"THEN (SELECT public.people_user_change(NULL, id, "
	"'{\"is_admin\": true, \"disabled\": false}') FROM found) "
	"ELSE public.people_user_add(NULL, '{\"name\": \"dev\", \"is_admin\": true}') END "
	"AS who) "
	"SELECT public.people_key_add(NULL, (who ->> 'id')::bigint, $1::jsonb) FROM made";

/* $1: the hash of the one that stays. */
static const char revoke_former[] =
	"SELECT public.people_key_revoke(NULL, user_id, k.id) "
	"FROM public.tollgate_user_keys AS k JOIN public.tollgate_users AS u "
	"ON u.id = k.user_id WHERE lower(u.name) = 'dev' AND k.name = 'tollgate dev' "
	"AND k.revoked_at IS NULL AND k.key_hash <> $1";

/* $1: the hash of the admin's key; $2: that of the code; $3: its lifetime. */
static const char make_code[] =
	"SELECT public.people_code_make(NULL, (who ->> 'id')::bigint, $2, $3::bigint) "
	"FROM public.people_by_key($1) AS who";

/* 1: an admin signs in with it; 0: nobody; -1: failed. */
static int is_known(struct pg_sync *s, const char *key, struct sbuf *error)
{
	char hex[KEY_HASH_HEX + 1];
	const char *values[] = {hex};
	PGresult *r;
	int known;

	token_hash_hex(str_of(key), hex);
	r = pg_sync_query(s,
			  "SELECT FROM public.people_by_key($1) AS who "
			  "WHERE (who ->> 'is_admin')::boolean",
			  values, 1, error);
	known = r != NULL ? PQntuples(r) > 0 : -1;
	PQclear(r);
	return known;
}

static bool run(struct pg_sync *s, const char *sql, const char *value, struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, &value, 1, error);

	PQclear(r);
	return r != NULL;
}

static bool store(struct pg_sync *s, const char *key, struct sbuf *error)
{
	cJSON *json = people_key_json(key, "tollgate dev", 0);
	char *text = cJSON_PrintUnformatted(json), hex[KEY_HASH_HEX + 1];
	bool ok;

	CHECK(text != NULL);
	token_hash_hex(str_of(key), hex);
	ok = pg_sync_run(s, "BEGIN", error) && run(s, make_admin, text, error) &&
	     run(s, revoke_former, hex, error) && pg_sync_run(s, "COMMIT", error);
	cJSON_free(text);
	cJSON_Delete(json);
	return ok;
}

/* The file first: a key that only the database's hash remembers is lost. */
static bool make(struct pg_sync *s, const char *key_file, char key[KEY_LENGTH + 1],
		 struct sbuf *error)
{
	if (!people_key_make(key)) {
		sbuf_lit(error, "OpenSSL has no randomness");
		return false;
	}
	if (!file_write_private(key_file, (struct str){key, KEY_LENGTH})) {
		sbuf_printf(error, "%s: %s", key_file, strerror(errno));
		return false;
	}
	return store(s, key, error);
}

bool dev_admin_key(const char *conninfo, const char *key_file, char key[KEY_LENGTH + 1])
{
	struct sbuf error;
	struct pg_sync *s;
	int known = 0;
	bool ok = false;

	sbuf_init(&error, ERROR_MAX);
	s = pg_sync_open(conninfo, "tollgate-dev", &error);
	if (s != NULL && file_read_line(key_file, key, KEY_LENGTH + 1))
		known = is_known(s, key, &error);
	if (s != NULL && known >= 0)
		ok = known == 1 || make(s, key_file, key, &error);
	if (!ok)
		complain("cannot make the admin's key: " STR_FMT,
			 STR_ARG(sbuf_view(&error)));
	pg_sync_close(&s);
	sbuf_fini(&error);
	return ok;
}

bool dev_admin_code(const char *conninfo, const char *key, char code[KEY_LENGTH + 1])
{
	char key_hash[KEY_HASH_HEX + 1], code_hash[KEY_HASH_HEX + 1], lifetime[16];
	const char *const values[] = {key_hash, code_hash, lifetime};
	PGresult *r = NULL;
	struct sbuf error;
	struct pg_sync *s;
	bool ok;

	CHECK(people_key_make(code));
	token_hash_hex(str_of(key), key_hash);
	token_hash_hex(str_of(code), code_hash);
	snprintf(lifetime, sizeof lifetime, "%d", PEOPLE_LINK_S);
	sbuf_init(&error, ERROR_MAX);
	s = pg_sync_open(conninfo, "tollgate-dev", &error);
	if (s != NULL)
		r = pg_sync_query(s, make_code, values, 3, &error);
	ok = r != NULL;
	if (!ok)
		complain("cannot make a link to sign in with: " STR_FMT,
			 STR_ARG(sbuf_view(&error)));
	PQclear(r);
	pg_sync_close(&s);
	sbuf_fini(&error);
	return ok;
}
