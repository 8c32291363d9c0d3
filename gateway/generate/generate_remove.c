/* Takes made-up usage away: rows, cells, tokens, routes.
 *
 * Day by day, each in a transaction of its own (usage_remove_generated in
 * migrations/functions/90_generated.sql); what was made is forgotten at the end, so that
 * a removal that was interrupted is run again and finds the rest. */
#include "gateway/generate/generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/pg_value.h"
#include "gateway/generate/generate_priv.h"
#include "gateway/statistics/recount.h"

/* A number is sql's first value. */
static bool ask(const struct generate_options *o, const char *sql, const char *value,
		long long *number)
{
	PGresult *r = pg_sync_query(o->db, sql, &value, value != NULL, o->error);

	if (r == NULL)
		return false;
	*number = pg_value_int(r, 0, 0);
	PQclear(r);
	return true;
}

static bool remove_days(const struct generate_options *o, long long *calls)
{
	PGresult *days = pg_sync_query(
		o->db,
		"SELECT DISTINCT d::date FROM usage_generated, generate_series("
		"low::date, high::date, interval '1 day') AS d ORDER BY 1",
		NULL, 0, o->error);
	bool ok = days != NULL;

	*calls = 0;
	for (int i = 0; ok && i < PQntuples(days); i++) {
		long long n = 0;

		ok = ask(o, "SELECT usage_remove_generated($1)", PQgetvalue(days, i, 0),
			 &n);
		*calls += n;
	}
	PQclear(days);
	return ok;
}

bool usage_generate_remove(const struct generate_options *o)
{
	long long calls, tokens;
	char line[96];

	if (!generate_as_owner(o) || !generate_alone(o) || !remove_days(o, &calls) ||
	    !usage_recount_marked(o->db, o->error) ||
	    !ask(o, "SELECT usage_forget_generated()", NULL, &tokens))
		return false;
	snprintf(line, sizeof line, "taken away: %lld calls, %lld tokens", calls, tokens);
	o->report(o->ctx, line);
	return true;
}
