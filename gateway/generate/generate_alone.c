/* Who may make up usage, where, and one at a time. */
#include "gateway/generate/generate_priv.h"

#include "common/pg_value.h"

#define LOCK_KEY "hashtext('tollgate: made-up usage')"

static bool take(const struct generate_options *o, const char *sql, bool *taken)
{
	PGresult *r = pg_sync_query(o->db, sql, NULL, 0, o->error);

	if (r == NULL)
		return false;
	*taken = pg_value_bool(r, 0, 0);
	PQclear(r);
	return true;
}

/* Behind a pooler a lock is a transaction's: then two take turns. */
static bool alone_in_each(const struct generate_options *o)
{
	pg_sync_each(o->db, "SET LOCAL lock_timeout = 0; SELECT "
			    "pg_advisory_xact_lock(" LOCK_KEY "); "
			    "SET LOCAL lock_timeout = '10s'");
	return pg_sync_run(o->db, "SELECT", o->error);
}

bool generate_alone(const struct generate_options *o)
{
	bool taken;

	if (pg_sync_is_pooled(o->db))
		return alone_in_each(o);
	if (!take(o, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", &taken))
		return false;
	if (taken)
		return true;
	o->report(o->ctx, "another `tollgate usage generate` is at work here: waiting");
	return take(o,
		    "SET LOCAL lock_timeout = 0; "
		    "SELECT pg_advisory_lock(" LOCK_KEY ") IS NOT NULL",
		    &taken);
}

bool generate_as_owner(const struct generate_options *o)
{
	pg_sync_each(o->db, "SET LOCAL ROLE tollgate_owner");
	if (pg_sync_run(o->db, "SELECT", o->error))
		return true;
	sbuf_lit(o->error, "\n  making up usage, and removing it, takes a login that may "
			   "act as tollgate_owner, as for `tollgate migrate`");
	return false;
}

bool usage_generate_finds_real(struct pg_sync *db, bool *found, struct sbuf *error)
{
	/* A look at the ends of the table, since it may be large. */
	PGresult *r = pg_sync_query(
		db,
		"SELECT EXISTS (SELECT FROM tokens WHERE last_used IS NOT NULL AND "
		"key_start IS DISTINCT FROM 'generated') OR EXISTS (SELECT FROM "
		"((SELECT tags FROM token_usage_logs ORDER BY id LIMIT 1000) UNION ALL "
		"(SELECT tags FROM token_usage_logs ORDER BY id DESC LIMIT 1000)) AS l "
		"WHERE (tags ? 'generated') IS NOT TRUE)",
		NULL, 0, error);

	if (r == NULL)
		return false;
	*found = pg_value_bool(r, 0, 0);
	PQclear(r);
	return true;
}
