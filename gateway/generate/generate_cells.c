/* A day of calls as cells of whole days. */
#include "gateway/generate/generate_cells.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/pg_value.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/recorder/rollup.h"
#include "gateway/generate/workload.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US (86400 * SECOND_US)
#define ALL_TOKENS (-1)
#define NUMBER_MAX 12

static const struct width {
	const char *table;
	int64_t us;
} widths[] = {
#define CELL_SUM(column, how)
#define CELL_WIDE(table, seconds)
#define CELL_WIDTH(table, seconds) {#table, seconds * SECOND_US},
#include "gateway/recorder/cells.def"
#undef CELL_SUM
#undef CELL_WIDTH
#undef CELL_WIDE
};

struct generate_cells {
	/* Of all routes together, and of each: that is their order in the tables. */
	struct usage_rollup *sums[ARRAY_LEN(widths)][2];
	char (*numbers)[NUMBER_MAX]; /* of routes, as text */
	size_t n_routes;
	struct sbuf rows, sql;
};

struct generate_cells *generate_cells_new(size_t max_events, size_t n_tokens,
					  const int *route_ids, size_t n_routes)
{
	struct generate_cells *c = xcalloc(1, sizeof *c);
	/* In one interval: each token and all together; likewise on their routes. */
	size_t series[] = {n_tokens + 1, n_tokens * WORKLOAD_TOKEN_ROUTES + n_routes};

	for (size_t i = 0; i < ARRAY_LEN(widths); i++)
		for (size_t k = 0; k < 2; k++) {
			size_t cells = series[k] * (size_t)(DAY_US / widths[i].us);

			c->sums[i][k] = usage_rollup_new_of(
				2 * max_events,
				cells < 2 * max_events ? cells : 2 * max_events);
		}
	c->numbers = xcalloc(n_routes, sizeof *c->numbers);
	for (size_t i = 0; i < n_routes; i++)
		snprintf(c->numbers[i], NUMBER_MAX, "%d", route_ids[i]);
	c->n_routes = n_routes;
	sbuf_init(&c->rows, (size_t)1 << 40);
	sbuf_init(&c->sql, 1 << 20);
	return c;
}

void generate_cells_free(struct generate_cells **cells)
{
	struct generate_cells *c = *cells;

	*cells = NULL;
	if (c == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(widths); i++)
		for (size_t k = 0; k < 2; k++)
			usage_rollup_free(&c->sums[i][k]);
	free(c->numbers);
	sbuf_fini(&c->rows);
	sbuf_fini(&c->sql);
	free(c);
}

void generate_cells_reset(struct generate_cells *c)
{
	for (size_t i = 0; i < ARRAY_LEN(widths); i++)
		for (size_t k = 0; k < 2; k++)
			usage_rollup_reset(c->sums[i][k]);
}

void generate_cells_add(struct generate_cells *c, const struct usage_event *event,
			unsigned route)
{
	struct str paths[] = {STR("-1"), str_of(c->numbers[route])};
	struct usage_event e = *event;

	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		/* The recorder's interval that the wider one begins with. */
		e.used_at_us = event->used_at_us - event->used_at_us % widths[i].us;
		for (size_t k = 0; k < 2; k++) {
			e.route_path = paths[k];
			e.token_id = event->token_id;
			usage_rollup_add(c->sums[i][k], &e);
			e.token_id = ALL_TOKENS;
			usage_rollup_add(c->sums[i][k], &e);
		}
	}
}

/* Cells that are there already, of other calls, take a way round. */
static bool day_is_empty(struct pg_sync *db, int64_t day, bool *empty, struct sbuf *error)
{
	char text[USAGE_TIME_TEXT_MAX];
	const char *values[] = {text};
	PGresult *r;

	usage_day_text(text, day);
	r = pg_sync_query(
		db,
		"SELECT NOT EXISTS (SELECT FROM usage_15min WHERE token_id = -1 "
		"AND route_id = -1 AND since >= $1::date AND since < $1::date + 1)",
		values, 1, error);
	if (r != NULL)
		*empty = pg_value_bool(r, 0, 0);
	PQclear(r);
	return r != NULL;
}

static bool copy(struct generate_cells *c, struct pg_sync *db, struct usage_rollup *sums,
		 const char *table, struct sbuf *error)
{
	sbuf_reset(&c->rows);
	sbuf_reset(&c->sql);
	usage_rollup_sort(sums);
	usage_rollup_copy_into_sql(sums, table, &c->sql);
	usage_rollup_rows(sums, &c->rows);
	if (!pg_sync_copy_begin(db, sbuf_text(&c->sql), error))
		return false;
	pg_sync_copy_put(db, c->rows.p, c->rows.n); /* a fault is told by the end */
	return pg_sync_copy_end(db, error);
}

static bool run_made(struct pg_sync *db, const char *maker, const char *table,
		     struct sbuf *error)
{
	PGresult *r = pg_sync_query(db, maker, &table, 1, error);
	bool ok = r != NULL && pg_sync_run(db, PQgetvalue(r, 0, 0), error);

	PQclear(r);
	return ok;
}

static bool copy_aside(struct generate_cells *c, struct pg_sync *db,
		       struct usage_rollup *sums, const char *table, struct sbuf *error)
{
	return run_made(db,
			"SELECT format('CREATE TEMPORARY TABLE generated_cells (LIKE %I) "
			"ON COMMIT DROP', $1::text)",
			table, error) &&
	       copy(c, db, sums, "generated_cells", error) &&
	       run_made(
		       db,
		       "SELECT usage_sql(format('INSERT INTO %I AS c (since, token_id, "
		       "route_id, {columns}) SELECT since, token_id, route_id, {columns} "
		       "FROM generated_cells ORDER BY route_id <> -1, token_id, "
		       "route_id, since ON CONFLICT (token_id, route_id, since) DO "
		       "UPDATE SET {merge}', $1::text)) || '; DROP TABLE "
		       "generated_cells'",
		       table, error);
}

static bool widen(struct pg_sync *db, int64_t day, struct sbuf *error)
{
	char text[USAGE_TIME_TEXT_MAX];
	const char *values[] = {text};
	PGresult *r;

	usage_day_text(text, day);
	r = pg_sync_query(db, "SELECT usage_widen(ARRAY[$1::timestamp])", values, 1,
			  error);
	PQclear(r);
	return r != NULL;
}

bool generate_cells_write(struct generate_cells *c, struct pg_sync *db, int64_t day,
			  struct sbuf *error)
{
	bool empty, ok = pg_sync_run(db,
				     "SELECT pg_advisory_xact_lock(hashtext('tollgate: "
				     "usage rollups'))",
				     error) &&
			 day_is_empty(db, day, &empty, error);

	for (size_t i = 0; ok && i < ARRAY_LEN(widths); i++)
		for (size_t k = 0; ok && k < 2; k++)
			ok = empty ? copy(c, db, c->sums[i][k], widths[i].table, error)
				   : copy_aside(c, db, c->sums[i][k], widths[i].table,
						error);
	return ok && widen(db, day, error);
}
