/* Migrations: each embedded file once, in a transaction of its own, under an advisory
 * lock.
 *
 * Whoever connects becomes tollgate_owner for the files, so that everything belongs to
 * one role whoever runs this. Tables that were there before change owner in the same
 * transaction. */
#include "gateway/db/migrate.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/embedded.h"
#include "gateway/db/migrate_priv.h"

#define HASH_HEX 64
#define SERVER_VERSION_MIN 130000

static void report(const struct db_migrate_options *o, const char *line)
{
	if (o->report)
		o->report(o->report_ctx, line);
}

static void sha256_hex(char out[HASH_HEX + 1], const char *bytes, size_t n)
{
	unsigned char hash[32];
	unsigned size = 0;

	CHECK(EVP_Digest(bytes, n, hash, &size, EVP_sha256(), NULL) == 1 &&
	      size == sizeof hash);
	hex_encode(out, hash, sizeof hash);
}

static bool check_server(struct pg_sync *s, struct sbuf *error)
{
	PGresult *r;
	bool ok = false;

	if (PQserverVersion(pg_sync_conn(s)) < SERVER_VERSION_MIN) {
		sbuf_printf(error, "the server is PostgreSQL %d; 13 or later is needed",
			    PQserverVersion(pg_sync_conn(s)) / 10000);
		return false;
	}
	r = pg_sync_query(
		s,
		"SELECT pg_encoding_to_char(encoding), pg_is_in_recovery(), datname "
		"FROM pg_database WHERE datname = current_database()",
		NULL, 0, error);
	if (r == NULL)
		return false;
	if (strcmp(PQgetvalue(r, 0, 0), "UTF8") != 0)
		sbuf_printf(
			error,
			"database %s has encoding %s; Tollgate needs UTF8: make it with "
			"CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
			PQgetvalue(r, 0, 2), PQgetvalue(r, 0, 0));
	else if (*PQgetvalue(r, 0, 1) == 't')
		sbuf_lit(error,
			 "this server is a read-only standby; connect to the primary");
	else
		ok = true;
	PQclear(r);
	return ok;
}

/* One migration at a time in this database; the session's end lets go. */
static bool take_lock(struct pg_sync *s, struct sbuf *error)
{
	bool ok = pg_sync_run(s,
			      "SET lock_timeout = '60s'; "
			      "SELECT pg_advisory_lock(hashtext('tollgate: migrate')); "
			      "SET lock_timeout = '10s'",
			      error);

	if (!ok && strcmp(pg_sync_sqlstate(s), "55P03") == 0)
		sbuf_lit(error,
			 "\n  another `tollgate migrate` is at work on this database");
	return ok;
}

/* From here on the session is tollgate_owner. */
static bool ensure_table(struct pg_sync *s, struct sbuf *error)
{
	return pg_sync_run(s,
			   "SET ROLE tollgate_owner; "
			   "CREATE TABLE IF NOT EXISTS tollgate_migrations ("
			   "name text PRIMARY KEY, sha256 text NOT NULL, "
			   "applied_at timestamptz NOT NULL DEFAULT now()); "
			   "GRANT SELECT ON tollgate_migrations TO tollgate",
			   error);
}

enum applied { APPLIED_NOT, APPLIED_YES, APPLIED_UNKNOWN };

/* UNKNOWN: error says why. */
static enum applied is_applied(struct pg_sync *s, const char *name, const char *hash,
			       struct sbuf *error)
{
	PGresult *r =
		pg_sync_query(s, "SELECT sha256 FROM tollgate_migrations WHERE name = $1",
			      &name, 1, error);
	enum applied answer = APPLIED_YES;

	if (r == NULL)
		return APPLIED_UNKNOWN;
	if (PQntuples(r) == 0) {
		answer = APPLIED_NOT;
	} else if (strcmp(PQgetvalue(r, 0, 0), hash) != 0) {
		sbuf_printf(
			error,
			"migration %s was applied with other contents (SHA-256 %s, now "
			"%s): this database was migrated by another build; use that one, "
			"or restore the file",
			name, PQgetvalue(r, 0, 0), hash);
		answer = APPLIED_UNKNOWN;
	}
	PQclear(r);
	return answer;
}

static bool apply(struct pg_sync *s, const struct embedded_file *f, const char *hash,
		  struct sbuf *error)
{
	const char *const values[] = {f->name, hash};
	struct sbuf ignored;
	PGresult *r = NULL;
	bool ok;

	ok = pg_sync_run(s, "BEGIN; SET LOCAL ROLE NONE", error) &&
	     roles_take_tables(s, error) &&
	     pg_sync_run(s, "SET LOCAL ROLE tollgate_owner", error) &&
	     pg_sync_run(s, f->text, error);
	if (ok) {
		r = pg_sync_query(s,
				  "INSERT INTO tollgate_migrations (name, sha256) "
				  "VALUES ($1, $2)",
				  values, ARRAY_LEN(values), error);
		ok = r != NULL && pg_sync_run(s, "COMMIT", error);
		PQclear(r);
	}
	if (!ok) {
		sbuf_printf(error, "\n  in migration %s; it was rolled back", f->name);
		sbuf_init(&ignored, 4096);
		pg_sync_run(s, "ROLLBACK", &ignored);
		sbuf_fini(&ignored);
	}
	return ok;
}

/* A newer program's migrations are left alone: they may suit this one or not. */
static bool warn_newer(struct pg_sync *s, const struct db_migrate_options *o,
		       const char *newest, struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		s,
		"SELECT name FROM tollgate_migrations WHERE name COLLATE \"C\" > $1 "
		"ORDER BY name COLLATE \"C\"",
		&newest, 1, error);
	char line[256];

	if (r == NULL)
		return false;
	for (int i = 0; i < PQntuples(r); i++) {
		snprintf(line, sizeof line, "warning: a newer tollgate has applied %s",
			 PQgetvalue(r, i, 0));
		report(o, line);
	}
	PQclear(r);
	return true;
}

static bool apply_all(struct pg_sync *s, const struct db_migrate_options *o,
		      struct sbuf *error)
{
	size_t n, done = 0;
	const struct embedded_file *files = embedded_migrations(&n);
	char hash[HASH_HEX + 1], line[256];

	for (size_t i = 0; i < n; i++) {
		sha256_hex(hash, files[i].text, files[i].n);
		switch (is_applied(s, files[i].name, hash, error)) {
		case APPLIED_UNKNOWN:
			return false;
		case APPLIED_YES:
			continue;
		case APPLIED_NOT:
			break;
		}
		if (!apply(s, &files[i], hash, error))
			return false;
		snprintf(line, sizeof line, "applied %s", files[i].name);
		report(o, line);
		done++;
	}
	snprintf(line, sizeof line,
		 done ? "the database is up to date (%zu of %zu applied now)"
		      : "the database was up to date (%zu of %zu applied now)",
		 done, n);
	report(o, line);
	return warn_newer(s, o, files[n - 1].name, error);
}

bool db_migrate(const struct db_migrate_options *o, struct sbuf *error)
{
	struct pg_sync *s = pg_sync_open(o->conninfo, "tollgate migrate", error);
	bool ok;

	if (s == NULL)
		return false;
	ok = check_server(s, error) && take_lock(s, error) && roles_ensure(s, o, error) &&
	     legacy_rows_check(s, o, error) && ensure_table(s, error) &&
	     apply_all(s, o, error) && legacy_rows_copy(s, o, error);
	pg_sync_close(&s);
	return ok;
}
