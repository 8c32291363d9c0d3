/* The rows of an older token_usage_logs. */
#include "gateway/db/migrate_priv.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"

/* A single boolean; false with text in error if the query is refused. */
static bool ask(struct pg_sync *s, const char *sql, bool *answer, struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, NULL, 0, error);

	if (r == NULL)
		return false;
	*answer = PQntuples(r) == 1 && pg_value_bool(r, 0, 0);
	PQclear(r);
	return true;
}

/* Moved aside by an earlier run, which did not come to the end? */
static bool is_unfinished(struct pg_sync *s, bool *answer, struct sbuf *error)
{
	if (!ask(s,
		 "SELECT to_regclass('public.token_usage_logs_legacy') IS NOT NULL AND "
		 "to_regclass('public.usage_adoption') IS NOT NULL",
		 answer, error))
		return false;
	return !*answer || ask(s,
			       "SELECT NOT EXISTS (SELECT FROM public.usage_adoption "
			       "WHERE day = 'infinity')",
			       answer, error);
}

static bool has_rows(struct pg_sync *s, const char *table, bool *answer,
		     struct sbuf *error)
{
	char sql[160];

	snprintf(
		sql, sizeof sql,
		"SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('public.%s')",
		table);
	if (!ask(s, sql, answer, error))
		return false;
	snprintf(sql, sizeof sql, "SELECT EXISTS (SELECT FROM public.%s)", table);
	return !*answer || ask(s, sql, answer, error);
}

bool legacy_rows_check(struct pg_sync *s, const struct db_migrate_options *o,
		       struct sbuf *error)
{
	bool rows, unfinished;
	PGresult *r;

	if (!has_rows(s, "token_usage_logs", &rows, error) ||
	    !is_unfinished(s, &unfinished, error))
		return false;
	if (unfinished && !has_rows(s, "token_usage_logs_legacy", &rows, error))
		return false;
	if (o->adopt_time_zone) {
		r = pg_sync_query(s, "SELECT now() AT TIME ZONE $1", &o->adopt_time_zone,
				  1, error);
		PQclear(r);
		return r != NULL;
	}
	if (!rows)
		return true;
	sbuf_lit(error,
		 "token_usage_logs holds rows whose times are the local time of the "
		 "backend that wrote them. Say which zone that is, so that they are "
		 "copied right: tollgate migrate --adopt-time-zone Asia/Taipei (or UTC, "
		 "...). No table was changed.");
	return false;
}

/* The next day after `day` that has rows; "" at the end. */
static bool next_day(struct pg_sync *s, char day[16], struct sbuf *error)
{
	const char *const values[] = {*day ? day : NULL};
	PGresult *r =
		pg_sync_query(s,
			      "SELECT min(used_at)::date FROM token_usage_logs_legacy "
			      "WHERE used_at > '-infinity' AND used_at < 'infinity' AND "
			      "used_at >= coalesce($1::date + 1, '-infinity')",
			      values, 1, error);

	if (r == NULL)
		return false;
	snprintf(day, 16, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return true;
}

static bool copy_day(struct pg_sync *s, const struct db_migrate_options *o,
		     const char *day, struct sbuf *error)
{
	const char *const values[] = {day,
				      o->adopt_time_zone ? o->adopt_time_zone : "UTC"};
	PGresult *r = pg_sync_query(s,
				    "SELECT usage_adopt_day($1, $2) WHERE NOT EXISTS "
				    "(SELECT FROM usage_adoption WHERE day = $1)",
				    values, ARRAY_LEN(values), error);
	char line[96];

	if (r == NULL)
		return false;
	if (o->report && PQntuples(r) == 1) {
		snprintf(line, sizeof line, "copied %s rows of %s", PQgetvalue(r, 0, 0),
			 day);
		o->report(o->report_ctx, line);
	}
	PQclear(r);
	return true;
}

static bool finish(struct pg_sync *s, const struct db_migrate_options *o,
		   struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		s,
		"WITH odd AS (INSERT INTO usage_bad_rows (sqlstate, reason, record) "
		"SELECT CASE WHEN used_at IS NULL THEN '23502' ELSE '22008' END, "
		"'older log: used_at is ' || CASE WHEN used_at IS NULL THEN 'null' ELSE "
		"'infinite' END, to_jsonb(l) FROM token_usage_logs_legacy l "
		"WHERE used_at IS NULL OR used_at IN ('-infinity', 'infinity')), "
		"done AS (INSERT INTO usage_adoption (day, copied) VALUES ('infinity', "
		"0)) "
		"SELECT (SELECT count(*) FROM token_usage_logs_legacy), "
		"(SELECT coalesce(sum(copied), 0) FROM usage_adoption)",
		NULL, 0, error);
	char line[256];

	if (r == NULL)
		return false;
	snprintf(line, sizeof line,
		 "token_usage_logs_legacy has %s rows, %s are copied%s",
		 PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1),
		 strcmp(PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1)) == 0
			 ? "; drop it when you like"
			 : "; the others are in usage_bad_rows");
	if (o->report) {
		o->report(o->report_ctx, line);
		o->report(
			o->report_ctx,
			"if the older backend still inserts rows: run it with TZ=UTC, since its local time is now read as UTC");
	}
	PQclear(r);
	return true;
}

static bool report_refused(struct pg_sync *s, const struct db_migrate_options *o,
			   struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		s,
		"SELECT count(*), reason FROM usage_bad_rows "
		"WHERE reason LIKE 'older log: %' GROUP BY reason ORDER BY 1 DESC, 2",
		NULL, 0, error);
	char line[256];

	if (r == NULL)
		return false;
	for (int i = 0; o->report && i < PQntuples(r); i++) {
		snprintf(line, sizeof line, "refused %s rows (usage_bad_rows): %s",
			 PQgetvalue(r, i, 0), PQgetvalue(r, i, 1));
		o->report(o->report_ctx, line);
	}
	PQclear(r);
	return true;
}

bool legacy_rows_copy(struct pg_sync *s, const struct db_migrate_options *o,
		      struct sbuf *error)
{
	char day[16] = "";
	bool unfinished;

	if (!is_unfinished(s, &unfinished, error))
		return false;
	if (!unfinished)
		return true;
	while (next_day(s, day, error) && *day != '\0')
		if (!copy_day(s, o, day, error))
			return false;
	return error->n == 0 && finish(s, o, error) && report_refused(s, o, error);
}
