/* The database of `tollgate dev`. */
#include "gateway/dev/dev_database.h"

#include <errno.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/net.h"
#include "common/pg_sync.h"
#include "gateway/db/migrate.h"
#include "gateway/dev/files.h"
#include "gateway/dev/say.h"
#include "gateway/token/token_admin.h"

#define ERROR_MAX 65536
#define DEMO "demo"

/* --- is it local? --- */

static bool host_is_local(struct str host)
{
	struct net_ip ip;

	if (host.n == 0 || host.p[0] == '/' || host.p[0] == '@' ||
	    str_ieq(host, STR("localhost")))
		return true;
	return net_ip_parse(&ip, host) && net_ip_is_loopback(&ip);
}

static bool hosts_are_local(const char *list)
{
	struct str rest = str_of(list), host;

	while (str_list_next(&rest, &host))
		if (!host_is_local(host))
			return false;
	return true;
}

/* hostaddr wins over host (libpq manual, 34.1.2). */
bool dev_database_is_local(const char *conninfo)
{
	PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
	const char *host = getenv("PGHOST"), *address = getenv("PGHOSTADDR");
	const char *service = getenv("PGSERVICE");
	bool host_given = false;

	if (given == NULL)
		return false;
	for (PQconninfoOption *o = given; o->keyword != NULL; o++) {
		if (o->val == NULL)
			continue;
		if (strcmp(o->keyword, "host") == 0) {
			host = o->val;
			host_given = true;
		} else if (strcmp(o->keyword, "hostaddr") == 0) {
			address = o->val;
			host_given = true;
		} else if (strcmp(o->keyword, "service") == 0) {
			service = o->val;
		}
	}
	host = address != NULL && address[0] != '\0' ? address : host;
	host_given = hosts_are_local(host != NULL ? host : "") &&
		     (host_given || service == NULL || service[0] == '\0');
	PQconninfoFree(given);
	return host_given;
}

/* --- tables and roles --- */

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	say("  %s", line);
}

bool dev_database_migrate(const char *conninfo)
{
	struct db_migrate_options o = {.conninfo = conninfo, .report = print_line};
	struct sbuf error;
	bool ok;

	sbuf_init(&error, ERROR_MAX);
	ok = db_migrate(&o, &error);
	if (!ok)
		complain("the database's tables cannot be brought up to date: " STR_FMT,
			 STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	return ok;
}

static struct pg_sync *open_session(const char *conninfo)
{
	struct pg_sync *s;
	struct sbuf error;

	sbuf_init(&error, ERROR_MAX);
	s = pg_sync_open(conninfo, "tollgate-dev", &error);
	if (s == NULL)
		complain("cannot connect to the database: " STR_FMT,
			 STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	return s;
}

bool dev_database_is_prerelease(const char *conninfo)
{
	struct pg_sync *s = open_session(conninfo);
	struct sbuf error;
	bool is = false;

	if (s == NULL)
		return false;
	sbuf_init(&error, ERROR_MAX);
	if (!db_is_prerelease(s, &is, &error))
		is = false;
	sbuf_fini(&error);
	pg_sync_close(&s);
	return is;
}

bool dev_database_enable_role(const char *conninfo, const char *password)
{
	struct pg_sync *s = open_session(conninfo);
	struct sbuf error;
	char sql[256];
	bool ok;

	if (s == NULL)
		return false;
	CHECK(password[strspn(password, "0123456789abcdef")] == '\0');
	snprintf(sql, sizeof sql, "ALTER ROLE tollgate LOGIN PASSWORD '%s'", password);
	sbuf_init(&error, ERROR_MAX);
	ok = pg_sync_run(s, sql, &error);
	if (!ok)
		complain("the role tollgate cannot log in: " STR_FMT,
			 STR_ARG(sbuf_view(&error)));
	OPENSSL_cleanse(sql, sizeof sql);
	sbuf_fini(&error);
	pg_sync_close(&s);
	return ok;
}

/* --- the demo token --- */

/* 1: the database knows it and it opens doors; 0: not; -1: failed. */
static int is_known(struct pg_sync *s, const char *key, struct sbuf *error)
{
	char hex[KEY_HASH_HEX + 1];
	const char *values[] = {hex};
	PGresult *r;
	int found;

	token_hash_hex(str_of(key), hex);
	r = pg_sync_query(
		s,
		"SELECT FROM tokens WHERE token_hash = $1 AND revoked_at IS NULL "
		"AND (expires_at IS NULL OR expires_at > now())",
		values, 1, error);
	found = r != NULL ? PQntuples(r) > 0 : -1;
	PQclear(r);
	return found;
}

/* A demo token whose key is lost (its file was deleted) is revoked: it holds the name. */
static bool store(struct pg_sync *s, const char *key, struct sbuf *error)
{
	static const char *const all[] = {"*"};
	struct token_spec spec = {.name = DEMO, .scopes = all, .n_scopes = 1};
	struct token_choice former = {DEMO, TOKEN_BY_NAME};
	char hex[KEY_HASH_HEX + 1], start[KEY_START_LENGTH + 1], id[TOKEN_ID_TEXT_MAX];
	struct sbuf name;

	sbuf_init(&name, 4096);
	if (token_admin_revoke(s, &former, id, &name, error))
		say("The former demo token is revoked: its key is lost");
	sbuf_fini(&name);
	sbuf_reset(error);
	token_hash_hex(str_of(key), hex);
	snprintf(start, sizeof start, "%s", key);
	return token_admin_add(s, &spec, hex, start, id, error);
}

/* The file first: a key that only the database's hash remembers is lost. */
static bool make_key(struct pg_sync *s, const char *key_file, char key[KEY_LENGTH + 1],
		     struct sbuf *error)
{
	struct str line;

	if (!key_make(key)) {
		sbuf_lit(error, "OpenSSL has no randomness");
		return false;
	}
	line = (struct str){key, KEY_LENGTH};
	if (!file_write_private(key_file, line)) {
		sbuf_printf(error, "%s: %s", key_file, strerror(errno));
		return false;
	}
	return store(s, key, error);
}

static bool find_or_make(struct pg_sync *s, const char *key_file,
			 char key[KEY_LENGTH + 1], struct sbuf *error)
{
	int known = 0;

	if (file_read_line(key_file, key, KEY_LENGTH + 1))
		known = is_known(s, key, error);
	if (known < 0)
		return false;
	return known == 1 || make_key(s, key_file, key, error);
}

bool dev_database_demo_key(const char *conninfo, const char *key_file,
			   char key[KEY_LENGTH + 1])
{
	struct pg_sync *s = open_session(conninfo);
	struct sbuf error;
	bool ok;

	if (s == NULL)
		return false;
	sbuf_init(&error, ERROR_MAX);
	ok = find_or_make(s, key_file, key, &error);
	if (!ok)
		complain("cannot make the demo token: " STR_FMT,
			 STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	pg_sync_close(&s);
	return ok;
}
