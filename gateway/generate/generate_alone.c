/* One `tollgate usage generate` at a time in a database. */
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

bool generate_alone(const struct generate_options *o)
{
	bool taken;

	if (!take(o, "SELECT pg_try_advisory_lock(" LOCK_KEY ")", &taken))
		return false;
	if (taken)
		return true;
	o->report(o->ctx, "another `tollgate usage generate` is at work here: waiting");
	return pg_sync_run(o->db, "SET lock_timeout = 0", o->error) &&
	       take(o, "SELECT pg_advisory_lock(" LOCK_KEY ") IS NOT NULL", &taken) &&
	       pg_sync_run(o->db, "SET lock_timeout = '10s'", o->error);
}
