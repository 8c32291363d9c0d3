/* Migrations: each embedded file once, then the functions where they are others, all in
 * one transaction, under an advisory lock.
 *
 * Whoever connects becomes tollgate_owner for the files, so that everything belongs to
 * one role whoever runs this. Tables that were there before change owner in the same
 * transaction. */
#include "gateway/db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/embedded.h"
#include "common/pg_value.h"
#include "gateway/db/migrate_priv.h"
#include "gateway/db/schema.h"

#define SERVER_VERSION_MIN 130000

static void report(const struct db_migrate_options *o, const char *line)
{
	if (o->report)
		o->report(o->report_ctx, line);
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
	else if (pg_value_bool(r, 0, 1))
		sbuf_lit(error,
			 "this server is a read-only standby; connect to the primary");
	else
		ok = true;
	PQclear(r);
	return ok;
}

/* One migration at a time in this database, transaction by transaction: what another has
 * done in between is found done. */
static bool take_lock(struct pg_sync *s, struct sbuf *error)
{
	bool ok;

	pg_sync_each(s, "SET LOCAL lock_timeout = '60s'; "
			"SELECT pg_advisory_xact_lock(hashtext('tollgate: migrate')); "
			"SET LOCAL lock_timeout = '10s'");
	ok = pg_sync_run(s, "SELECT", error);
	if (!ok && strcmp(pg_sync_sqlstate(s), "55P03") == 0)
		sbuf_lit(error,
			 "\n  another `tollgate migrate` is at work on this database");
	return ok;
}

/* Before anything is changed. */
static bool check_series(struct pg_sync *s, struct sbuf *error)
{
	bool older;

	if (!db_is_prerelease(s, &older, error))
		return false;
	if (older)
		sbuf_lit(
			error,
			"this database was made by a build before 0.1.0, which was never "
			"released: make a new one; nothing was changed");
	return !older;
}

bool db_is_prerelease(struct pg_sync *s, bool *is, struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		s, "SELECT to_regclass('public.tollgate_migrations') IS NOT NULL", NULL,
		0, error);

	if (r == NULL)
		return false;
	*is = pg_value_bool(r, 0, 0);
	PQclear(r);
	return true;
}

/* From here on each transaction is tollgate_owner's. */
static bool ensure_tables(struct pg_sync *s, struct sbuf *error)
{
	pg_sync_each(s, "SET LOCAL ROLE tollgate_owner");
	return pg_sync_run(
		s,
		"CREATE TABLE IF NOT EXISTS public.tollgate_schema ("
		"name text PRIMARY KEY, sha256 text NOT NULL, "
		"applied_at timestamptz NOT NULL DEFAULT now()); "
		"CREATE TABLE IF NOT EXISTS public.tollgate_functions ("
		"only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), "
		"schema integer NOT NULL, sha256 text NOT NULL, "
		"applied_at timestamptz NOT NULL DEFAULT now()); "
		"GRANT SELECT ON public.tollgate_schema, public.tollgate_functions TO tollgate",
		error);
}

/* --- what there is to do --- */

struct plan {
	const struct embedded_file *files; /* migrations */
	size_t n_files;
	bool *pending; /* n_files */
	size_t n_pending;
	bool functions; /* are to be made anew */
	int newer;      /* the schema of a newer program's functions; 0: they are not */
	char functions_hash[DB_SHA256_HEX + 1];
};

static bool judge_file(struct pg_sync *s, struct plan *p, size_t i, struct sbuf *error)
{
	const char *name = p->files[i].name;
	char hash[DB_SHA256_HEX + 1];
	PGresult *r = pg_sync_query(
		s, "SELECT sha256 FROM public.tollgate_schema WHERE name = $1", &name, 1,
		error);
	bool ok = true;

	if (r == NULL)
		return false;
	db_sha256_hex(hash, p->files[i].text, p->files[i].n);
	p->pending[i] = PQntuples(r) == 0;
	p->n_pending += p->pending[i];
	if (!p->pending[i] && strcmp(PQgetvalue(r, 0, 0), hash) != 0) {
		sbuf_printf(
			error,
			"migration %s was applied with other contents (SHA-256 %s, now "
			"%s): this database was migrated by another build; use that one, "
			"or restore the file",
			name, PQgetvalue(r, 0, 0), hash);
		ok = false;
	}
	PQclear(r);
	return ok;
}

/* An older program's functions never take the place of a newer one's: two nodes in a
 * rolling upgrade would undo each other. */
static bool judge_functions(struct pg_sync *s, struct plan *p, struct sbuf *error)
{
	PGresult *r =
		pg_sync_query(s, "SELECT schema, sha256 FROM public.tollgate_functions",
			      NULL, 0, error);
	int schema;

	if (r == NULL)
		return false;
	db_functions_hash(p->functions_hash);
	schema = PQntuples(r) ? (int)pg_value_int(r, 0, 0) : 0;
	p->newer = schema > DB_SCHEMA ? schema : 0;
	p->functions = !p->newer && (PQntuples(r) == 0 || schema < DB_SCHEMA ||
				     strcmp(PQgetvalue(r, 0, 1), p->functions_hash) != 0);
	PQclear(r);
	return true;
}

static bool make_plan(struct pg_sync *s, struct plan *p, struct sbuf *error)
{
	p->files = embedded_migrations(&p->n_files);
	p->pending = xcalloc(p->n_files, sizeof *p->pending);
	for (size_t i = 0; i < p->n_files; i++)
		if (!judge_file(s, p, i, error))
			return false;
	return judge_functions(s, p, error);
}

/* --- doing it --- */

static bool run_file(struct pg_sync *s, const struct embedded_file *f, struct sbuf *error)
{
	if (pg_sync_run(s, f->text, error))
		return true;
	sbuf_printf(error, "\n  in %s; all was rolled back", f->name);
	return false;
}

static bool note(struct pg_sync *s, const char *sql, const char *const *values, size_t n,
		 struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, values, (int)n, error);

	PQclear(r);
	return r != NULL;
}

static bool apply_files(struct pg_sync *s, const struct plan *p, struct sbuf *error)
{
	char hash[DB_SHA256_HEX + 1];

	for (size_t i = 0; i < p->n_files; i++) {
		const char *const values[] = {p->files[i].name, hash};

		if (!p->pending[i])
			continue;
		db_sha256_hex(hash, p->files[i].text, p->files[i].n);
		if (!run_file(s, &p->files[i], error) ||
		    !note(s,
			  "INSERT INTO public.tollgate_schema (name, sha256) VALUES ($1, $2)",
			  values, ARRAY_LEN(values), error))
			return false;
	}
	return true;
}

static bool apply_functions(struct pg_sync *s, const struct plan *p, struct sbuf *error)
{
	size_t n;
	const struct embedded_file *files = embedded_functions(&n);
	char schema[16];
	const char *const values[] = {schema, p->functions_hash};

	if (!p->functions)
		return true;
	snprintf(schema, sizeof schema, "%d", DB_SCHEMA);
	/* A body may name what a later file makes. */
	if (!pg_sync_run(s, "SET LOCAL check_function_bodies = off", error))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!run_file(s, &files[i], error))
			return false;
	return note(
		s,
		"INSERT INTO public.tollgate_functions (schema, sha256) VALUES ($1, $2) "
		"ON CONFLICT (only_row) DO UPDATE SET schema = excluded.schema, "
		"sha256 = excluded.sha256, applied_at = now()",
		values, ARRAY_LEN(values), error);
}

/* In the transaction of the plan: whoever writes meanwhile finds the tables without
 * anything of ours, or with everything. */
static bool apply(struct pg_sync *s, const struct plan *p, struct sbuf *error)
{
	if (p->n_pending == 0 && !p->functions)
		return true;
	return pg_sync_run(s, "SET LOCAL ROLE NONE", error) &&
	       roles_take_tables(s, error) &&
	       pg_sync_run(s, "SET LOCAL ROLE tollgate_owner", error) &&
	       apply_files(s, p, error) && apply_functions(s, p, error);
}

static bool plan_and_apply(struct pg_sync *s, struct plan *p, struct sbuf *error)
{
	struct sbuf ignored;

	if (pg_sync_run(s, "BEGIN", error) && make_plan(s, p, error) &&
	    apply(s, p, error) && pg_sync_run(s, "COMMIT", error))
		return true;
	sbuf_init(&ignored, 4096);
	pg_sync_bare(s, "ROLLBACK", &ignored);
	sbuf_fini(&ignored);
	return false;
}

static void report_done(const struct db_migrate_options *o, const struct plan *p)
{
	char line[256];

	for (size_t i = 0; i < p->n_files; i++) {
		snprintf(line, sizeof line, "applied %s", p->files[i].name);
		if (p->pending[i])
			report(o, line);
	}
	if (p->functions)
		report(o, "made the functions");
	snprintf(line, sizeof line,
		 p->n_pending || p->functions
			 ? "the database is up to date (%zu of %zu applied now)"
			 : "the database was up to date (%zu of %zu applied now)",
		 p->n_pending, p->n_files);
	report(o, line);
	if (!p->newer)
		return;
	snprintf(
		line, sizeof line,
		"warning: the functions are of a newer tollgate (schema %d, this one's is "
		"%d); they were left as they are",
		p->newer, DB_SCHEMA);
	report(o, line);
}

/* A newer program's migrations are left alone: they may suit this one or not. */
static bool warn_newer(struct pg_sync *s, const struct db_migrate_options *o,
		       const char *newest, struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		s,
		"SELECT name FROM public.tollgate_schema WHERE name COLLATE \"C\" > $1 "
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
	struct plan plan = {0};
	bool ok = plan_and_apply(s, &plan, error);

	if (ok) {
		report_done(o, &plan);
		ok = warn_newer(s, o, plan.files[plan.n_files - 1].name, error);
	}
	free(plan.pending);
	return ok;
}

/* Whoever may not become the owner (the role of `serve`, as a rule) asks, and changes
 * nothing. True: *ok is the answer. */
static bool answer_only(struct pg_sync *s, const struct db_migrate_options *o, bool *ok,
			struct sbuf *error)
{
	size_t before = error->n;
	char line[128];
	size_t n;

	if (roles_may_own(s))
		return false;
	switch (db_schema_ask(s, error)) {
	case DB_SCHEMA_NONE:
		error->n = before;
		return false; /* roles_ensure tells what a superuser has to run */
	case DB_SCHEMA_BEHIND:
		roles_tell_who(s, error);
		*ok = false;
		return true;
	case DB_SCHEMA_SAME:
	case DB_SCHEMA_OTHER:
		break;
	}
	embedded_migrations(&n);
	snprintf(line, sizeof line, "the database was up to date (0 of %zu applied now)",
		 n);
	report(o, line);
	if (error->n > before) {
		sbuf_add(error, "", 1);
		snprintf(line, sizeof line, "warning: %s", error->p + before);
		report(o, line);
		error->n = before;
	}
	*ok = true;
	return true;
}

/* Says the number that sql counts, unless it is 0, between two texts. */
static bool report_number(struct pg_sync *s, const struct db_migrate_options *o,
			  const char *sql, const char *before, const char *behind,
			  struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, NULL, 0, error);
	char line[256];

	if (r == NULL)
		return false;
	snprintf(line, sizeof line, "%s%s%s", before, PQgetvalue(r, 0, 0), behind);
	if (strcmp(PQgetvalue(r, 0, 0), "0") != 0)
		report(o, line);
	PQclear(r);
	return true;
}

/* Of rows that others wrote, or that were copied just now. */
static bool report_waiting(struct pg_sync *s, const struct db_migrate_options *o,
			   struct sbuf *error)
{
	return report_number(
		s, o, "SELECT count(DISTINCT since) FROM public.usage_dirty", "",
		" intervals of 15 minutes have rows that no statistics show yet: they "
		"are counted while a gateway runs (tollgate serve)",
		error);
}

/* Those that could open something: neither revoked nor expired. */
static bool report_scopeless(struct pg_sync *s, const struct db_migrate_options *o,
			     struct sbuf *error)
{
	return report_number(
		s, o,
		"SELECT count(DISTINCT token_id) FROM public.token_lookup "
		"WHERE btrim(scopes) = '' AND NOT coalesce(revoked, false) AND "
		"coalesce(expires_at_us > extract(epoch FROM now()) * 1000000, true)",
		"tokens without scopes: ",
		"; they open only routes that ask for none, until UPDATE tokens SET "
		"scopes = ... gives them some (docs/database.md)",
		error);
}

/* --- teams of the older system --- */

static bool report_older_teams(struct pg_sync *s, const struct db_migrate_options *o,
			       struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		s, "SELECT name, n FROM public.tollgate_older_teams()", NULL, 0, error);
	char line[256];

	if (r == NULL)
		return false;
	for (int i = 0; i < PQntuples(r); i++) {
		const char *name = PQgetvalue(r, i, 0);

		snprintf(line, sizeof line,
			 "column tokens.%s may tell the older system's teams (%s of "
			 "them): migrate --adopt-teams %s makes them teams of Tollgate",
			 name, PQgetvalue(r, i, 1), name);
		report(o, line);
	}
	PQclear(r);
	return true;
}

/* As who has connected: the older table of names need not be tollgate_owner's. */
static PGresult *copy_teams(struct pg_sync *s, const char *column, struct sbuf *error)
{
	PGresult *r = NULL;
	struct sbuf ignored;

	if (pg_sync_run(s, "BEGIN", error) &&
	    pg_sync_run(s, "SET LOCAL ROLE NONE", error))
		r = pg_sync_query(s, "SELECT public.tollgate_adopt_teams($1)", &column, 1,
				  error);
	if (r != NULL && pg_sync_run(s, "COMMIT", error))
		return r;
	PQclear(r);
	sbuf_init(&ignored, 4096);
	pg_sync_bare(s, "ROLLBACK", &ignored);
	sbuf_fini(&ignored);
	return NULL;
}

static bool adopt_teams(struct pg_sync *s, const struct db_migrate_options *o,
			struct sbuf *error)
{
	PGresult *r;
	char line[256];

	if (o->adopt_teams == NULL)
		return report_older_teams(s, o, error);
	r = copy_teams(s, o->adopt_teams, error);
	if (r == NULL)
		return false;
	snprintf(line, sizeof line, "gave %s tokens the team that tokens.%s tells",
		 PQgetvalue(r, 0, 0), o->adopt_teams);
	report(o, line);
	PQclear(r);
	return true;
}

bool db_migrate(const struct db_migrate_options *o, struct sbuf *error)
{
	struct pg_sync *s = pg_sync_open(o->conninfo, "tollgate migrate", error);
	bool ok;

	if (s == NULL)
		return false;
	if (answer_only(s, o, &ok, error)) {
		pg_sync_close(&s);
		return ok;
	}
	ok = check_server(s, error) && take_lock(s, error) && check_series(s, error) &&
	     roles_ensure(s, o, error) && legacy_rows_check(s, o, error) &&
	     ensure_tables(s, error) && apply_all(s, o, error) &&
	     legacy_rows_copy(s, o, error) && report_waiting(s, o, error) &&
	     report_scopeless(s, o, error) && adopt_teams(s, o, error);
	pg_sync_close(&s);
	return ok;
}
