/* A sample of usage: as many calls as a person can look through. */
#include "gateway/usage/generate.h"

#include <stdio.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/usage/copy_row.h"
#include "gateway/usage/generate_tokens.h"

#define HOUR_US INT64_C(3600000000)
#define TOKENS_MAX 10 /* of those that there are */
#define TOKENS_MADE 3 /* where there are none */

static void fill(struct usage_event *e, size_t i, int64_t now_us)
{
	static const int16_t statuses[] = {200, 200, 200, 400, 200, 200, 500};
	static char ip[16];
	int16_t status = statuses[i % ARRAY_LEN(statuses)];

	usage_event_init(e);
	e->used_at_us = now_us - (int64_t)i * HOUR_US;
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
		      const struct generate_tokens *tokens, int64_t now_us)
{
	struct usage_event e;

	for (size_t i = 0; i < GENERATE_SAMPLE_CALLS; i++) {
		fill(&e, i, now_us);
		/* Each token calls each route, whatever their numbers have in common. */
		generate_mark_event(
			&e, &tokens->items[(i / o->n_paths + i % o->n_paths) % tokens->n],
			o->paths[i % o->n_paths]);
		copy_row_add(rows, &e, STR("generated"));
	}
	CHECK(!rows->overflow);
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
		    "SELECT usage_ensure_partition(d::date) FROM generate_series("
		    "date '%.10s', date '%.10s', interval '1 day') AS d; "
		    "BEGIN; INSERT INTO usage_generated (low, high, calls) "
		    "VALUES ('%s', '%s', %d)",
		    low, high, low, high, GENERATE_SAMPLE_CALLS);
	sbuf_add(&sql, "", 1);
	ok = pg_sync_run(o->db, sql.p, o->error);
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
	int64_t now = clock_wall_us();
	struct generate_tokens tokens;
	struct sbuf rows;
	char line[160];
	bool ok;

	sbuf_init(&rows, 1 << 20);
	ok = generate_tokens_any(&tokens, o->db, TOKENS_MAX, TOKENS_MADE, o->error) &&
	     prepare(o, now - GENERATE_SAMPLE_CALLS * HOUR_US, now + 1);
	if (ok) {
		make_rows(&rows, o, &tokens, now);
		ok = write_rows(o, &rows) && generate_recount(o->db, o->error);
	}
	if (ok) {
		snprintf(
			line, sizeof line,
			"%d calls of %zu tokens on %zu routes, one an hour back from now",
			GENERATE_SAMPLE_CALLS, tokens.n, o->n_paths);
		o->report(o->ctx, line);
	}
	sbuf_fini(&rows);
	generate_tokens_fini(&tokens);
	return ok;
}
