/* Takes made-up usage away: rows, cells, tokens, routes.
 *
 * Day by day, each in a transaction of its own. Days that hold nothing else are emptied whole, with
 * their cells; from others the rows are deleted, and the intervals counted again. Where days have
 * cells only, those of the marked tokens go, and the sums over all tokens are made anew. */
#include "gateway/usage/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/usage/generate_tokens.h"

/* Every row of the range that is not made up belongs to someone. */
static const char rows_sql[] =
	"DO $remove$\n"
	"DECLARE\n"
	"	day date := %L;\n"
	"	part text := 'token_usage_logs_p' || to_char(day, 'YYYYMMDD');\n"
	"	other boolean;\n"
	"	name text;\n"
	"BEGIN\n"
	"	IF to_regclass('public.' || part) IS NULL THEN\n"
	"		RETURN;\n"
	"	END IF;\n"
	"	EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE tags IS NULL "
	"OR NOT tags ? ''generated'')', part) INTO other;\n"
	"	IF other THEN\n"
	"		DELETE FROM public.token_usage_logs WHERE used_at >= day\n"
	"			AND used_at < day + 1 AND tags ? 'generated';\n"
	"		RETURN;\n"
	"	END IF;\n"
	"	EXECUTE format('TRUNCATE public.%I', part);\n"
	"	PERFORM pg_advisory_xact_lock(hashtext('tollgate: usage rollups'));\n"
	"	FOREACH name IN ARRAY '{usage_deltas,usage_open,usage_15min,usage_hour,"
	"usage_6hours,usage_day,usage_dirty}'::text[] LOOP\n"
	"		EXECUTE format('DELETE FROM public.%I WHERE since >= $1 "
	"AND since < $1 + interval ''1 day''', name) USING day::timestamp;\n"
	"	END LOOP;\n"
	"	PERFORM public.usage_widen(ARRAY[day::timestamp]);\n"
	"END\n"
	"$remove$";

static const char cells_sql[] =
	"DO $remove$\n"
	"DECLARE\n"
	"	span record;\n"
	"	name text;\n"
	"	marked bigint[] := ARRAY(SELECT id FROM public.tokens WHERE key_start = "
	"'generated');\n"
	"BEGIN\n"
	"	PERFORM pg_advisory_xact_lock(hashtext('tollgate: usage rollups'));\n"
	"	FOR span IN SELECT date_trunc('day', min(low)) AS low, min(s.raw_since) "
	"AS high\n"
	"			FROM public.usage_generated AS g, "
	"public.usage_rollup_state AS s\n"
	"			WHERE g.raw_since IS NOT NULL HAVING count(*) > 0 LOOP\n"
	"		FOREACH name IN ARRAY "
	"'{usage_open,usage_15min,usage_hour,usage_6hours,"
	"usage_day}'::text[] LOOP\n"
	"			EXECUTE format('DELETE FROM public.%I WHERE since >= $1 "
	"AND since < $2 "
	"AND (token_id = -1 OR token_id = ANY ($3))', name) USING span.low, span.high, "
	"marked;\n"
	"			EXECUTE public.usage_sql(format('INSERT INTO public.%1$I "
	"(token_id, route_id, "
	"since, {columns}) SELECT -1, route_id, since, {sums} FROM public.%1$I WHERE "
	"since >= $1 "
	"AND since < $2 AND token_id >= 0 GROUP BY route_id, since', name))\n"
	"				USING span.low, span.high;\n"
	"		END LOOP;\n"
	"		DELETE FROM public.usage_deltas WHERE since >= span.low AND "
	"since < span.high\n"
	"			AND token_id = ANY (marked);\n"
	"		UPDATE public.usage_rollup_state SET raw_since = (\n"
	"			SELECT g.raw_since FROM public.usage_generated AS g\n"
	"			WHERE g.raw_since IS NOT NULL ORDER BY id LIMIT 1);\n"
	"		PERFORM public.usage_widen(ARRAY(SELECT "
	"generate_series(span.low, "
	"span.high, interval '1 day')));\n"
	"	END LOOP;\n"
	"END\n"
	"$remove$";

static const char rest_sql[] =
	"DELETE FROM tokens WHERE key_start = 'generated'; "
	"DELETE FROM usage_routes AS r WHERE route_path LIKE '/generated/%' AND NOT "
	"EXISTS ("
	"SELECT FROM usage_open WHERE route_id = r.route_id) AND NOT EXISTS ("
	"SELECT FROM usage_day WHERE route_id = r.route_id) AND NOT EXISTS ("
	"SELECT FROM usage_deltas WHERE route_path = r.route_path); "
	"DELETE FROM usage_generated; COMMIT";

bool generate_recount(struct pg_sync *db, struct sbuf *error)
{
	long counted;

	do {
		PGresult *r = pg_sync_query(db, "SELECT usage_recount_dirty(100)", NULL,
					    0, error);

		if (r == NULL)
			return false;
		counted = strtol(PQgetvalue(r, 0, 0), NULL, 10);
		PQclear(r);
	} while (counted > 0); /* -1: the recorder is at it */
	return true;
}

static bool remove_rows(const struct generate_options *o, const char *day)
{
	const char *mark = strstr(rows_sql, "%L");
	struct sbuf sql;
	bool ok;

	sbuf_init(&sql, sizeof rows_sql + 64);
	sbuf_add(&sql, rows_sql, (size_t)(mark - rows_sql));
	sbuf_printf(&sql, "'%s'", day);
	sbuf_add(&sql, mark + 2, strlen(mark + 2) + 1);
	ok = pg_sync_run(o->db, sql.p, o->error);
	sbuf_fini(&sql);
	return ok;
}

static bool remove_all_rows(const struct generate_options *o, const PGresult *days)
{
	for (int i = 0; i < PQntuples(days); i++)
		if (!remove_rows(o, PQgetvalue(days, i, 0)))
			return false;
	return true;
}

static bool report_removal(const struct generate_options *o)
{
	PGresult *r = pg_sync_query(
		o->db,
		"SELECT format('taken away: %s calls, %s tokens', coalesce(sum(calls), "
		"0), "
		"(SELECT count(*) FROM tokens WHERE key_start = 'generated')) "
		"FROM usage_generated",
		NULL, 0, o->error);

	if (r != NULL)
		o->report(o->ctx, PQgetvalue(r, 0, 0));
	PQclear(r);
	return r != NULL;
}

bool usage_generate_remove(const struct generate_options *o)
{
	PGresult *days;
	bool ok;

	if (!pg_sync_run(o->db, "SET ROLE tollgate_owner", o->error)) {
		sbuf_lit(o->error, "\n  removing takes a login that may act as "
				   "tollgate_owner, as for `tollgate migrate`");
		return false;
	}
	days = pg_sync_query(
		o->db,
		"SELECT DISTINCT d::date FROM usage_generated, generate_series("
		"low::date, high::date, interval '1 day') AS d ORDER BY 1",
		NULL, 0, o->error);
	ok = days != NULL && remove_all_rows(o, days) &&
	     generate_recount(o->db, o->error) && pg_sync_run(o->db, "BEGIN", o->error) &&
	     pg_sync_run(o->db, cells_sql, o->error) && report_removal(o) &&
	     pg_sync_run(o->db, rest_sql, o->error);
	PQclear(days);
	return ok;
}
