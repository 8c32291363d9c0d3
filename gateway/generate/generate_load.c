/* A load of usage: any number of calls, written day by day, each day in a transaction of
 * its own.
 *
 * Of the last days rows are written, into the day's partition as the recorder does, so
 * that they count as counted; of every day cells. Days that are over get them where whole
 * days have them; today's go where the recorder's go. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/pg_value.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/generate/generate.h"
#include "gateway/generate/generate_priv.h"
#include "gateway/generate/generate_cells.h"
#include "gateway/generate/generate_tokens.h"
#include "gateway/recorder/rollup.h"
#include "gateway/generate/workload.h"

#define DAY_US INT64_C(86400000000)
#define ROWS_PIECE (4u << 20) /* bytes of COPY text at once */
#define BUSIEST 2             /* a day has at most so many times the mean */
#define ROW_BYTES 480         /* on disk, with its indexes */
#define PACK_LAG_US (INT64_C(600) * 1000000)

struct load {
	const struct generate_options *o;
	const struct generate_load *l;
	int64_t end_us, first_raw_day, today;
	struct generate_tokens tokens;
	char **paths;
	int *route_ids;
	struct workload *work;
	struct generate_cells *cells;
	struct usage_rollup *deltas; /* today's */
	struct sbuf rows, sql;
	int64_t day; /* at hand */
	int64_t in_day, raw_rows;
	bool is_raw;
};

static bool run(struct load *g)
{
	return pg_sync_run(g->o->db, sbuf_text(&g->sql), g->o->error);
}

/* --- what is there before --- */

static void plan_days(struct load *g)
{
	int64_t now = clock_wall_us();

	g->today = usage_day_of(now - PACK_LAG_US);
	/* A whole quarter of an hour, so that the same is made again a little later. */
	g->end_us = now - now % ROLLUP_INTERVAL_US;
	if (g->l->raw_days == 0)
		g->end_us = g->today * DAY_US; /* today has rows, or no calls */
	g->first_raw_day = g->l->raw_days >= g->l->days
				   ? usage_day_of(g->end_us - g->l->days * DAY_US)
				   : usage_day_of(now) + 1 - g->l->raw_days;
}

static bool has_cells_only(const struct load *g)
{
	return g->first_raw_day > usage_day_of(g->end_us - g->l->days * DAY_US);
}

/* Where rows were dropped they would be again, and statistics are only ever added to. */
static bool is_kept(struct load *g)
{
	char day[USAGE_TIME_TEXT_MAX];
	const char *values[] = {day};
	PGresult *r;
	bool kept;

	usage_day_text(day, g->first_raw_day);
	r = pg_sync_query(
		g->o->db,
		"SELECT raw_since <= $1::date, to_char(raw_since, 'YYYY-MM-DD') "
		"FROM usage_rollup_state",
		values, 1, g->o->error);
	if (r == NULL)
		return false;
	kept = pg_value_bool(r, 0, 0);
	if (!kept)
		sbuf_printf(
			g->o->error,
			"rows are kept since %s only (usage.retention_days, or a load "
			"without rows), and these would begin on %s. Take fewer --days, "
			"or take away what was made up before (--remove)",
			PQgetvalue(r, 0, 1), day);
	PQclear(r);
	return kept;
}

/* What is there already would be counted no more where days have cells only. */
static bool is_clear(struct load *g)
{
	char day[USAGE_TIME_TEXT_MAX];
	const char *values[] = {day};
	PGresult *r;
	bool clear;

	if (!has_cells_only(g))
		return true;
	usage_day_text(day, g->first_raw_day);
	r = pg_sync_query(g->o->db,
			  "SELECT NOT EXISTS (SELECT FROM token_usage_logs WHERE used_at "
			  "< $1::date) AND NOT EXISTS (SELECT FROM usage_day WHERE "
			  "token_id = -1 AND route_id = -1 AND since < $1::date) AND NOT "
			  "EXISTS (SELECT FROM usage_open WHERE token_id = -1 AND "
			  "route_id = -1 AND since < $1::date) AND NOT EXISTS (SELECT "
			  "FROM usage_deltas WHERE since < $1::date)",
			  values, 1, g->o->error);
	if (r == NULL)
		return false;
	clear = pg_value_bool(r, 0, 0);
	if (!clear)
		sbuf_printf(g->o->error,
			    "there is usage before %s: days without rows can only be "
			    "made in a database that has none there. Make rows of all "
			    "days (--raw-days %u), or take away what was made up before "
			    "(--remove)",
			    day, g->l->days);
	PQclear(r);
	return clear;
}

static bool note(struct load *g)
{
	char low[USAGE_TIME_TEXT_MAX], high[USAGE_TIME_TEXT_MAX],
		raw[USAGE_TIME_TEXT_MAX];

	usage_time_text(low, g->end_us - g->l->days * DAY_US);
	usage_time_text(high, g->end_us);
	usage_day_text(raw, g->first_raw_day);
	sbuf_reset(&g->sql);
	sbuf_printf(&g->sql,
		    "BEGIN; INSERT INTO usage_generated (low, high, calls, raw_since) "
		    "SELECT '%s', '%s', %lld, %s FROM usage_rollup_state; ",
		    low, high, (long long)g->l->calls,
		    has_cells_only(g) ? "raw_since" : "NULL");
	if (has_cells_only(g))
		sbuf_printf(&g->sql,
			    "UPDATE usage_rollup_state SET raw_since = "
			    "greatest(raw_since, '%s'); ",
			    raw);
	sbuf_lit(&g->sql, "COMMIT");
	return run(g);
}

/* --- routes --- */

static void make_paths(struct load *g)
{
	g->paths = xcalloc(g->l->routes, sizeof *g->paths);
	for (size_t i = 0; i < g->l->routes; i++)
		g->paths[i] = i < g->o->n_paths ? xstrdup(g->o->paths[i])
						: xasprintf("/generated/%03zu",
							    i - g->o->n_paths + 1);
}

static bool number_paths(struct load *g)
{
	static const char sql[] =
		"WITH made AS (INSERT INTO usage_routes (route_path) VALUES ($1) "
		"ON CONFLICT DO NOTHING RETURNING route_id) SELECT route_id FROM made "
		"UNION ALL SELECT route_id FROM usage_routes WHERE route_path = $1";

	g->route_ids = xcalloc(g->l->routes, sizeof *g->route_ids);
	for (size_t i = 0; i < g->l->routes; i++) {
		PGresult *r = pg_sync_query(
			g->o->db, sql, (const char *const *)&g->paths[i], 1, g->o->error);

		if (r == NULL)
			return false;
		g->route_ids[i] = (int)pg_value_int(r, 0, 0);
		PQclear(r);
	}
	return true;
}

/* --- a day --- */

static void say(struct load *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct load *g, const char *format, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	g->o->report(g->o->ctx, line);
}

/* Whose name may have a number behind the day. */
static bool begin_copy(struct load *g, const char *day)
{
	PGresult *r;
	bool ok = false;

	sbuf_reset(&g->sql);
	sbuf_printf(&g->sql,
		    "SELECT relname FROM pg_class WHERE oid = usage_partition('%s')",
		    day);
	r = pg_sync_query(g->o->db, sbuf_text(&g->sql), NULL, 0, g->o->error);
	if (r != NULL && PQntuples(r) == 1) {
		sbuf_reset(&g->sql);
		sbuf_printf(&g->sql, "COPY %s (" COPY_ROW_COLUMNS ") FROM STDIN",
			    PQgetvalue(r, 0, 0));
		ok = pg_sync_copy_begin(g->o->db, sbuf_text(&g->sql), g->o->error);
	} else if (r != NULL) {
		sbuf_printf(g->o->error, "the partition of %s was taken away", day);
	}
	PQclear(r);
	return ok;
}

static bool begin_day(struct load *g, int64_t day)
{
	char text[USAGE_TIME_TEXT_MAX];

	g->day = day;
	g->in_day = 0;
	g->is_raw = day >= g->first_raw_day;
	generate_cells_reset(g->cells);
	usage_rollup_reset(g->deltas);
	sbuf_reset(&g->rows);
	usage_day_text(text, day);
	sbuf_reset(&g->sql);
	sbuf_lit(&g->sql, "BEGIN");
	if (g->is_raw)
		sbuf_printf(&g->sql, "; SELECT usage_ensure_partition(date '%s')", text);
	return run(g) && (!g->is_raw || begin_copy(g, text));
}

/* False: the COPY has failed; its end says why. */
static bool send_rows(struct load *g)
{
	bool ok = pg_sync_copy_put(g->o->db, g->rows.p, g->rows.n);

	CHECK(!g->rows.overflow);
	sbuf_reset(&g->rows);
	return ok;
}

static bool add_call(struct load *g, struct usage_event *e, unsigned token,
		     unsigned route)
{
	generate_mark_event(e, &g->tokens.items[token], g->paths[route]);
	g->in_day++;
	if (g->day >= g->today)
		usage_rollup_add(g->deltas, e);
	else
		generate_cells_add(g->cells, e, route);
	if (!g->is_raw)
		return true;
	g->raw_rows++;
	copy_row_add(&g->rows, e, STR("generated"));
	return g->rows.n < ROWS_PIECE || send_rows(g);
}

static bool write_deltas(struct load *g)
{
	sbuf_reset(&g->sql);
	usage_rollup_copy_sql(g->deltas, &g->sql);
	sbuf_reset(&g->rows);
	usage_rollup_rows(g->deltas, &g->rows);
	CHECK(!g->rows.overflow);
	return pg_sync_copy_begin(g->o->db, sbuf_text(&g->sql), g->o->error) &&
	       (pg_sync_copy_put(g->o->db, g->rows.p, g->rows.n), true) &&
	       pg_sync_copy_end(g->o->db, g->o->error);
}

static bool end_day(struct load *g)
{
	char text[USAGE_TIME_TEXT_MAX];
	bool ok = !g->is_raw || (send_rows(g), pg_sync_copy_end(g->o->db, g->o->error));

	ok = ok &&
	     (g->day >= g->today
		      ? write_deltas(g)
		      : generate_cells_write(g->cells, g->o->db, g->day, g->o->error)) &&
	     pg_sync_run(g->o->db, "COMMIT", g->o->error);
	usage_day_text(text, g->day);
	if (ok)
		say(g, "%s  %lld calls, %s", text, (long long)g->in_day,
		    g->is_raw ? "rows and statistics" : "statistics");
	return ok;
}

static bool write_calls(struct load *g)
{
	unsigned token, route;
	struct usage_event e;
	bool ok = true, open = false;

	while (ok && workload_next(g->work, &token, &route, &e)) {
		int64_t day = usage_day_of(e.used_at_us);

		if (!open || day != g->day) {
			ok = (!open || end_day(g)) && begin_day(g, day);
			open = true;
		}
		/* A COPY that has failed tells why at its end. */
		if (ok && !add_call(g, &e, token, route))
			return end_day(g);
	}
	return ok && end_day(g);
}

/* --- all of it --- */

/* Today's cells are merged as the recorder would; pages know what is visible to all. */
static bool settle(struct load *g)
{
	int64_t n;

	do {
		PGresult *r = pg_sync_query(g->o->db, "SELECT usage_merge()", NULL, 0,
					    g->o->error);

		if (r == NULL)
			return false;
		n = pg_value_int(r, 0, 0);
		PQclear(r);
	} while (n > 0);
	return pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_15min",
			    g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_hour",
			    g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_6hours",
			    g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_day", g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_8days",
			    g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_64days",
			    g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.usage_open",
			    g->o->error) &&
	       pg_sync_bare(g->o->db, "VACUUM public.usage_deltas", g->o->error) &&
	       (g->raw_rows == 0 ||
		pg_sync_bare(g->o->db, "VACUUM (ANALYZE) public.token_usage_logs",
			     g->o->error));
}

static void announce(struct load *g)
{
	double raw =
		(double)g->l->calls *
		(g->l->raw_days < g->l->days ? (double)g->l->raw_days / g->l->days : 1);

	say(g,
	    "%lld calls of %u tokens on %u routes in %u days; rows of the last %u days, "
	    "some %.1f GB, statistics of all",
	    (long long)g->l->calls, g->l->tokens, g->l->routes, g->l->days,
	    g->l->raw_days < g->l->days ? g->l->raw_days : g->l->days,
	    raw * ROW_BYTES / 1e9);
}

static void init(struct load *g)
{
	size_t busiest = (size_t)(g->l->calls / g->l->days) * BUSIEST + 10000;

	if (busiest > (size_t)g->l->calls)
		busiest = (size_t)g->l->calls;
	g->work = workload_new(&(struct workload_options){
		.calls = g->l->calls,
		.days = g->l->days,
		.tokens = g->l->tokens,
		.routes = g->l->routes,
		.seed = g->l->seed,
		.end_us = g->end_us,
	});
	g->cells = generate_cells_new(busiest, g->l->tokens, g->route_ids, g->l->routes);
	g->deltas = usage_rollup_new(busiest);
	sbuf_init(&g->rows, (size_t)1 << 40);
}

static void fini(struct load *g)
{
	workload_free(&g->work);
	generate_cells_free(&g->cells);
	usage_rollup_free(&g->deltas);
	generate_tokens_fini(&g->tokens);
	for (size_t i = 0; g->paths != NULL && i < g->l->routes; i++)
		free(g->paths[i]);
	free(g->paths);
	free(g->route_ids);
	sbuf_fini(&g->rows);
	sbuf_fini(&g->sql);
}

bool usage_generate_load(const struct generate_options *o,
			 const struct generate_load *load)
{
	struct load g = {.o = o, .l = load};
	bool ok;

	sbuf_init(&g.sql, 1 << 20);
	plan_days(&g);
	make_paths(&g);
	ok = generate_as_owner(g.o) && generate_alone(o) && is_kept(&g) && is_clear(&g) &&
	     generate_tokens_marked(&g.tokens, o->db, load->tokens, o->error) &&
	     number_paths(&g) && note(&g);
	if (ok) {
		init(&g);
		announce(&g);
		ok = write_calls(&g) && settle(&g);
	}
	if (ok)
		say(&g, "done: %lld calls, %lld rows", (long long)load->calls,
		    (long long)g.raw_rows);
	fini(&g);
	return ok;
}
