/* The two database roles, and the tables that change hands. */
#include "gateway/db/migrate_priv.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"

/* What is missing, as the statements that bring it; no rows: nothing. Rights are asked
 * for by name and not by trying, so that all of it can be shown at once. %s: the right to
 * SET ROLE. */
static const char missing_format[] =
	"WITH me AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = "
	"current_user), roles AS (SELECT r.oid AS owner, (SELECT oid FROM pg_roles WHERE "
	"rolname = 'tollgate') AS runner FROM (VALUES (1)) v LEFT JOIN pg_roles r ON "
	"r.rolname = 'tollgate_owner') SELECT sql, rank = 3 FROM me, roles, LATERAL (VALUES (1, "
	"owner IS NULL, 'CREATE ROLE tollgate_owner NOLOGIN'), (2, runner IS NULL, "
	"'CREATE ROLE tollgate NOLOGIN'), (3, NOT rolsuper AND rolname <> "
	"'tollgate_owner' AND (owner IS NULL OR NOT pg_has_role(me.oid, owner, '%s')), "
	"format('GRANT tollgate_owner TO %%I', rolname)), (4, owner IS NULL OR NOT "
	"has_schema_privilege(owner, 'public', 'CREATE') OR NOT "
	"has_schema_privilege(owner, 'public', 'USAGE'), 'GRANT CREATE, USAGE ON SCHEMA "
	"public TO tollgate_owner'), (5, runner IS NULL OR NOT "
	"has_schema_privilege(runner, 'public', 'USAGE'), 'GRANT USAGE ON SCHEMA public "
	"TO tollgate')) AS need (rank, missing, sql) WHERE missing ORDER BY rank";

/* Tables of ours by name that belong to someone else: change of owner first, then the
 * former owner's rights, for a grantor must own. */
#define FOREIGN_SQL                                                                      \
	"SELECT format('ALTER TABLE public.%I OWNER TO tollgate_owner', c.relname), "    \
	"format('GRANT ALL ON public.%I TO %I', c.relname, o.rolname), "                 \
	"(SELECT format('GRANT ALL ON SEQUENCE %s TO %I', "                              \
	"string_agg(d.objid::regclass::text, ', '), o.rolname) "                         \
	"FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' "       \
	"WHERE d.refobjid = c.oid AND d.deptype IN ('a', 'i') HAVING count(*) > 0) "     \
	"FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner "                         \
	"WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' "             \
	"AND c.relname IN ('tokens', 'token_usage_logs') AND o.rolname <> "              \
	"'tollgate_owner' "

static const char foreign_sql[] = FOREIGN_SQL;
static const char out_of_reach_sql[] =
	FOREIGN_SQL "AND NOT pg_has_role(c.relowner, 'USAGE')";

static bool run_row(struct pg_sync *s, const PGresult *r, int row, struct sbuf *error)
{
	for (int column = 0; column < PQnfields(r); column++)
		if (!PQgetisnull(r, row, column) &&
		    !pg_sync_run(s, PQgetvalue(r, row, column), error))
			return false;
	return true;
}

static bool run_each(struct pg_sync *s, const char *query, struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, query, NULL, 0, error);
	bool ok = r != NULL;

	for (int row = 0; ok && row < PQntuples(r); row++)
		ok = run_row(s, r, row, error);
	PQclear(r);
	return ok;
}

static PGresult *query_missing(struct pg_sync *s, struct sbuf *error)
{
	char sql[2048];
	/* Since 16 a member may lack the right to become the role (GRANT ... WITH
	 * SET). */
	const char *right = PQserverVersion(pg_sync_conn(s)) >= 160000 ? "SET" : "MEMBER";
	int n = snprintf(sql, sizeof sql, missing_format, right);

	CHECK(n > 0 && (size_t)n < sizeof sql);
	return pg_sync_query(s, sql, NULL, 0, error);
}

bool roles_may_own(struct pg_sync *s)
{
	struct sbuf ignored;
	PGresult *r;
	bool may;

	sbuf_init(&ignored, 4096);
	r = pg_sync_query(s,
			  "SELECT me.rolsuper OR me.rolcreaterole OR EXISTS (SELECT FROM "
			  "pg_roles o WHERE o.rolname = 'tollgate_owner' AND "
			  "pg_has_role(me.oid, o.oid, 'MEMBER')) FROM pg_roles me WHERE "
			  "me.rolname = current_user",
			  NULL, 0, &ignored);
	may = r == NULL || (PQntuples(r) == 1 && pg_value_bool(r, 0, 0));
	PQclear(r);
	sbuf_fini(&ignored);
	return may;
}

void roles_tell_who(struct pg_sync *s, struct sbuf *error)
{
	sbuf_printf(
		error,
		".\n"
		"Role \"%s\" may not do that, and need not where it is the one that `tollgate serve` connects as. Run `tollgate migrate --database URL` as a superuser or as a member of tollgate_owner; nothing was changed",
		PQuser(pg_sync_conn(s)));
}

/* The statements for someone who may: shown when the session itself may not. */
static void explain(struct pg_sync *s, struct sbuf *error)
{
	PGresult *need = query_missing(s, error);
	PGresult *foreign = pg_sync_query(s, foreign_sql, NULL, 0, error);

	sbuf_printf(
		error,
		"\n"
		"Role \"%s\" may not set up the database by itself. Run `tollgate migrate --database URL` as a superuser. Or have one run this in database \"%s\", once, and then run it as a member of tollgate_owner:\n",
		PQuser(pg_sync_conn(s)), PQdb(pg_sync_conn(s)));
	for (int i = 0; i < PQntuples(need); i++)
		if (!pg_value_bool(need, i, 1))
			sbuf_printf(error, "\n  %s;", PQgetvalue(need, i, 0));
	for (int i = 0; i < PQntuples(foreign); i++)
		for (int k = 0; k < PQnfields(foreign); k++)
			if (!PQgetisnull(foreign, i, k))
				sbuf_printf(error, "\n  %s;", PQgetvalue(foreign, i, k));
	sbuf_lit(
		error,
		"\n\n"
		"The role that `tollgate serve` connects as needs GRANT tollgate TO it, and should be no member of tollgate_owner: whoever migrates is another one (CREATE ROLE deploy LOGIN IN ROLE tollgate_owner).");
	PQclear(need);
	PQclear(foreign);
}

/* Roles belong to the whole server: another database's migration may make them just
 * now. */
static bool is_race(const struct pg_sync *s)
{
	return strcmp(pg_sync_sqlstate(s), "42710") == 0 || /* duplicate_object */
	       strcmp(pg_sync_sqlstate(s), "23505") == 0 || /* the same, seen later */
	       strcmp(pg_sync_sqlstate(s), "XX000") == 0; /* tuple concurrently updated */
}

static bool grant_missing(struct pg_sync *s, const struct db_migrate_options *o,
			  int *made, struct sbuf *error)
{
	PGresult *r = query_missing(s, error);
	bool ok = r != NULL;

	*made = 0;
	for (int i = 0; ok && i < PQntuples(r); i++) {
		ok = pg_sync_run(s, PQgetvalue(r, i, 0), error);
		if (!ok)
			break;
		if (o->report)
			o->report(o->report_ctx, PQgetvalue(r, i, 0));
		++*made;
	}
	PQclear(r);
	return ok;
}

static bool tables_in_reach(struct pg_sync *s, struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, out_of_reach_sql, NULL, 0, error);
	bool ok = r != NULL && PQntuples(r) == 0;

	if (r != NULL && !ok)
		sbuf_lit(error, "a table of the older system belongs to another role");
	PQclear(r);
	return ok;
}

bool roles_ensure(struct pg_sync *s, const struct db_migrate_options *o,
		  struct sbuf *error)
{
	size_t before = error->n;
	int made;

	for (int attempt = 0; attempt < 5; attempt++) {
		error->n = before;
		/* Until nothing is missing: a GRANT without the right to it only
		 * warns. */
		if (grant_missing(s, o, &made, error)) {
			if (made == 0 && tables_in_reach(s, error))
				return true;
		} else if (!is_race(s)) {
			break;
		}
	}
	explain(s, error);
	return false;
}

bool roles_take_tables(struct pg_sync *s, struct sbuf *error)
{
	return run_each(s, foreign_sql, error);
}
