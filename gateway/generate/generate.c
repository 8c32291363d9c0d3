/* A sample of usage: as many calls as a person can look through. */
#include "gateway/generate/generate.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/pg_value.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/generate/generate_priv.h"
#include "gateway/generate/generate_tokens.h"
#include "gateway/statistics/recount.h"

#define HOUR_US INT64_C(3600000000)
#define TOKENS_MAX 10 /* of those that there are */
#define TOKENS_MADE 3 /* where there are none */

static void fill(struct usage_event *e, size_t i, int64_t used_at_us)
{
	static const int16_t statuses[] = {200, 200, 200, 400, 200, 200, 500};
	static char ip[16];
	int16_t status = statuses[i % ARRAY_LEN(statuses)];

	usage_event_init(e);
	e->used_at_us = used_at_us;
	e->response_status = e->upstream_status = status;
	e->response_time_ms = (int32_t)(80 + i * 7919 % 1900);
	e->ttfb_ms = e->response_time_ms + 1;
	e->total_ms = e->response_time_ms + (int32_t)(i % 40);
	e->client_wait_ms = 0;
	e->bytes_in = (int64_t)(200 + i * 31 % 700);
	e->bytes_out = (int64_t)(500 + i * 577 % 9000);
	e->outcome = STR(USAGE_OUTCOME_COMPLETE);
	if (status == 400)
		e->error_message = STR("upstream: 400 Bad Request");
	else if (status == 500)
		e->error_message = STR("upstream: 500 Internal Server Error");
	snprintf(ip, sizeof ip, "192.168.1.%zu", i % 255);
	e->ip_address = str_of(ip);
	e->user_agent = STR("tollgate usage generate");
	e->request_method = i % 4 == 3 ? STR("GET") : STR("POST");
}

static void make_rows(struct sbuf *rows, const struct generate_options *o,
		      const struct generate_tokens *tokens, int64_t now_us,
		      int64_t step_us)
{
	struct usage_event e;

	for (size_t i = 0; i < GENERATE_SAMPLE_CALLS; i++) {
		fill(&e, i, now_us - (int64_t)i * step_us);
		/* Each token calls each route, whatever their numbers have in common. */
		generate_mark_event(
			&e, &tokens->items[(i / o->n_paths + i % o->n_paths) % tokens->n],
			o->paths[i % o->n_paths]);
		copy_row_add(rows, &e, STR("generated"));
	}
	CHECK(!rows->overflow);
}

/* How far apart the calls are: an hour, or less, since rows from before `since` were
 * dropped and would be no more counted. */
static bool find_step(const struct generate_options *o, int64_t now_us, int64_t *step_us,
		      char since[USAGE_TIME_TEXT_MAX])
{
	PGresult *r = pg_sync_query(
		o->db,
		"SELECT CASE WHEN isfinite(raw_since) THEN (extract(epoch FROM "
		"raw_since) * 1000000)::bigint ELSE 0 END, to_char(raw_since, "
		"'YYYY-MM-DD') FROM usage_rollup_state",
		NULL, 0, o->error);

	if (r == NULL)
		return false;
	*step_us = (now_us - pg_value_int(r, 0, 0)) / GENERATE_SAMPLE_CALLS;
	if (*step_us > HOUR_US)
		*step_us = HOUR_US;
	snprintf(since, USAGE_TIME_TEXT_MAX, "%s", PQgetvalue(r, 0, 1));
	PQclear(r);
	return true;
}

static void report(const struct generate_options *o, const struct generate_tokens *tokens,
		   int64_t step_us, const char *since)
{
	char line[160];
	int n = snprintf(line, sizeof line, "%d calls of %zu tokens on %zu routes, ",
			 GENERATE_SAMPLE_CALLS, tokens->n, o->n_paths);

	if (step_us == HOUR_US)
		snprintf(line + n, sizeof line - (size_t)n, "one an hour back from now");
	else
		snprintf(line + n, sizeof line - (size_t)n,
			 "since %s, as far back as rows are kept", since);
	o->report(o->ctx, line);
}

static bool prepare(const struct generate_options *o, int64_t low_us, int64_t high_us)
{
	char low[USAGE_TIME_TEXT_MAX], high[USAGE_TIME_TEXT_MAX];
	struct sbuf sql;
	bool ok;

	usage_time_text(low, low_us);
	usage_time_text(high, high_us);
	sbuf_init(&sql, 4096);
	sbuf_printf(&sql,
		    "BEGIN; SELECT usage_ensure_partition(d::date) FROM generate_series("
		    "date '%.10s', date '%.10s', interval '1 day') AS d; "
		    "INSERT INTO usage_generated (low, high, calls) "
		    "VALUES ('%s', '%s', %d)",
		    low, high, low, high, GENERATE_SAMPLE_CALLS);
	ok = pg_sync_run(o->db, sbuf_text(&sql), o->error);
	sbuf_fini(&sql);
	return ok;
}

/* The table's own trigger marks the intervals; they are counted at once where rollups are
 * kept. */
static bool write_rows(const struct generate_options *o, const struct sbuf *rows)
{
	return pg_sync_copy_begin(
		       o->db, "COPY token_usage_logs (" COPY_ROW_COLUMNS ") FROM STDIN",
		       o->error) &&
	       (pg_sync_copy_put(o->db, rows->p, rows->n), true) &&
	       pg_sync_copy_end(o->db, o->error) &&
	       pg_sync_run(o->db, "COMMIT", o->error);
}

bool usage_generate_sample(const struct generate_options *o)
{
	char since[USAGE_TIME_TEXT_MAX];
	struct generate_tokens tokens = {0};
	int64_t now, step;
	struct sbuf rows;
	bool ok;

	sbuf_init(&rows, 1 << 20);
	ok = generate_as_owner(o) && generate_alone(o);
	now = clock_wall_us();
	ok = ok && find_step(o, now, &step, since) &&
	     generate_tokens_any(&tokens, o->db, TOKENS_MAX, TOKENS_MADE, o->error) &&
	     prepare(o, now - (GENERATE_SAMPLE_CALLS - 1) * step, now + 1);
	if (ok) {
		make_rows(&rows, o, &tokens, now, step);
		ok = write_rows(o, &rows) && usage_recount_marked(o->db, o->error);
	}
	if (ok)
		report(o, &tokens, step, since);
	sbuf_fini(&rows);
	generate_tokens_fini(&tokens);
	return ok;
}
