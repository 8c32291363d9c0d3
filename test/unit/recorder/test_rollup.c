/* What a batch adds to the statistics: buckets, whose errors, cells as COPY lines. */
#include "gateway/recorder/rollup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/check.h"

#define MAX_EVENTS 100
#define QUARTER_US (INT64_C(900) * 1000000)

static struct usage_event event_at(int64_t used_at_us, int64_t token_id, const char *path)
{
	struct usage_event e;

	usage_event_init(&e);
	e.used_at_us = used_at_us;
	e.token_id = token_id;
	e.route_path = path ? str_of(path) : (struct str){NULL, 0};
	return e;
}

static void assert_text(const struct sbuf *b, const char *expected)
{
	char *text = xstrndup(b->p ? b->p : "", b->n);

	assert_false(b->overflow);
	assert_string_equal(text, expected);
	free(text);
}

static void test_buckets_are_exact_then_eighths_of_octaves(void **state)
{
	static const struct {
		int32_t ms;
		unsigned bucket;
	} cases[] = {
		{INT32_MIN + 1, 1}, {-1, 1},          {0, 1},     {1, 2},
		{15, 16},           {16, 17},         {17, 17},   {18, 18},
		{31, 24},           {32, 25},         {35, 25},   {36, 26},
		{1000, 64},         {1023, 64},       {1024, 65}, {524287, 136},
		{524288, 137},      {INT32_MAX, 137},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(rollup_bucket(cases[i].ms), cases[i].bucket);
	for (int32_t ms = 1; ms < 600000; ms++) /* rising, none left out */
		assert_in_range(rollup_bucket(ms) - rollup_bucket(ms - 1), 0, 1);
}

static void test_whose_error(void **state)
{
	static const struct {
		int32_t status;
		const char *outcome;
		enum usage_fault error;
	} cases[] = {
		{200, NULL, USAGE_FAULT_NONE},
		{200, "complete", USAGE_FAULT_NONE},
		{399, "complete", USAGE_FAULT_NONE},
		{USAGE_NULL, NULL, USAGE_FAULT_NONE},
		{400, NULL, USAGE_FAULT_UPSTREAM},
		{404, "complete", USAGE_FAULT_UPSTREAM},
		{200, "", USAGE_FAULT_UPSTREAM},
		{200, "http_response_incomplete", USAGE_FAULT_UPSTREAM},
		{502, "connection_refused", USAGE_FAULT_UPSTREAM},
		{499, "client_abort", USAGE_FAULT_CLIENT},
		{200, "client_abort", USAGE_FAULT_CLIENT},
		{200, "revoked", USAGE_FAULT_CLIENT},
		{403, "http_request_denied", USAGE_FAULT_CLIENT},
		{400, "http_request_error", USAGE_FAULT_CLIENT},
		{503, "shutdown", USAGE_FAULT_OURS},
		{500, "proxy_internal_error", USAGE_FAULT_OURS},
		{503, "connection_limit_reached", USAGE_FAULT_OURS},
		{502, "proxy_loop_detected", USAGE_FAULT_OURS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct usage_event e = event_at(0, 1, NULL);

		e.response_status = cases[i].status;
		if (cases[i].outcome)
			e.outcome = str_of(cases[i].outcome);
		assert_int_equal(rollup_fault_of(&e), cases[i].error);
	}
}

struct fixture {
	struct usage_rollup *rollup;
	struct sbuf sql, rows;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->rollup = usage_rollup_new(MAX_EVENTS);
	sbuf_init(&f->sql, 1 << 20);
	sbuf_init(&f->rows, 1 << 20);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	usage_rollup_free(&f->rollup);
	assert_null(f->rollup);
	usage_rollup_free(&f->rollup);
	sbuf_fini(&f->sql);
	sbuf_fini(&f->rows);
	free(f);
	return 0;
}

#define SUMS                                                                             \
	"since, token_id, route_path, calls, errors_ours, errors_upstream, "             \
	"errors_client, status_1xx, status_2xx, status_3xx, status_4xx, status_5xx, "    \
	"status_none, time_count, time_sum, total_count, total_sum, bytes_in, "          \
	"bytes_out, time_max"

static void test_events_of_one_cell_are_summed(void **state)
{
	struct fixture *f = *state;
	struct usage_event e = event_at(QUARTER_US, 7, "/api/a");

	e.response_status = 200;
	e.response_time_ms = 20;
	e.total_ms = 25;
	e.bytes_in = 100;
	e.bytes_out = 1000;
	usage_rollup_add(f->rollup, &e);
	e.used_at_us = 2 * QUARTER_US - 1;
	e.response_status = 503;
	e.response_time_ms = 3;
	e.bytes_out = USAGE_NULL;
	usage_rollup_add(f->rollup, &e);
	e.response_time_ms = USAGE_NULL;
	e.total_ms = USAGE_NULL;
	e.response_status = USAGE_NULL;
	usage_rollup_add(f->rollup, &e);
	usage_rollup_copy_sql(f->rollup, &f->sql);
	assert_text(&f->sql, "COPY usage_deltas (" SUMS ", h4, h19) FROM STDIN");
	usage_rollup_rows(f->rollup, &f->rows);
	assert_text(
		&f->rows,
		"1970-01-01 "
		"00:15:00.000000\t7\t/api/a\t3\t\\N\t1\t\\N\t\\N\t1\t\\N\t\\N\t1\t1\t2\t23\t2\t50\t300\t1000\t20\t1\t1\n");
}

static size_t lines_of(struct fixture *f)
{
	size_t n = 0;

	sbuf_reset(&f->rows);
	usage_rollup_rows(f->rollup, &f->rows);
	for (size_t i = 0; i < f->rows.n; i++)
		n += f->rows.p[i] == '\n';
	return n;
}

static void test_cells_part_by_interval_token_and_route(void **state)
{
	struct fixture *f = *state;
	struct usage_event events[] = {
		event_at(0, 1, "/a"),          event_at(QUARTER_US - 1, 1, "/a"),
		event_at(QUARTER_US, 1, "/a"), event_at(-1, 1, "/a"),
		event_at(0, 2, "/a"),          event_at(0, USAGE_NULL, "/a"),
		event_at(0, 1, "/b"),          event_at(0, 1, ""),
		event_at(0, 1, NULL),          event_at(0, 1, NULL),
	};

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		usage_rollup_add(f->rollup, &events[i]);
	assert_int_equal(lines_of(f), 8);
	assert_non_null(strstr(f->rows.p, "1969-12-31 23:45:00.000000\t1\t/a\t1\t"));
	assert_non_null(strstr(f->rows.p, "1970-01-01 00:00:00.000000\t0\t/a\t1\t"));
	assert_non_null(strstr(f->rows.p, "1970-01-01 00:00:00.000000\t1\t/a\t2\t"));
	assert_non_null(strstr(f->rows.p, "1970-01-01 00:00:00.000000\t1\t\\N\t2\t"));
	usage_rollup_routes_sql(f->rollup, &f->sql);
	sbuf_add(&f->sql, "", 1);
	assert_non_null(strstr(f->sql.p, "(VALUES ('/a'), ('/b'), ('')) "));

	usage_rollup_reset(f->rollup);
	sbuf_reset(&f->rows);
	sbuf_reset(&f->sql);
	assert_int_equal(lines_of(f), 0);
	usage_rollup_routes_sql(f->rollup, &f->sql);
	assert_int_equal(f->rows.n + f->sql.n, 0);
	usage_rollup_add(f->rollup, &events[8]);
	usage_rollup_routes_sql(f->rollup, &f->sql); /* no route, no statement */
	assert_int_equal(f->sql.n, 0);
}

static void test_routes_are_escaped(void **state)
{
	struct fixture *f = *state;
	struct usage_event e = event_at(0, 1, "/it's\\a\ttab");

	usage_rollup_add(f->rollup, &e);
	usage_rollup_rows(f->rollup, &f->rows);
	sbuf_add(&f->rows, "", 1);
	assert_non_null(strstr(f->rows.p, "\t/it's\\\\a\\ttab\t1\t"));
	usage_rollup_routes_sql(f->rollup, &f->sql);
	sbuf_add(&f->sql, "", 1);
	assert_non_null(strstr(f->sql.p, "(VALUES ('/it''s\\a\ttab')) "));
}

/* An event's text lies in a ring that is written anew while the batch is on its way. */
static void test_text_is_not_needed_afterwards(void **state)
{
	struct fixture *f = *state;
	char path[] = "/api/one";
	struct usage_event e = event_at(0, 1, path);

	usage_rollup_add(f->rollup, &e);
	memset(path, 'x', sizeof path - 1);
	usage_rollup_rows(f->rollup, &f->rows);
	sbuf_add(&f->rows, "", 1);
	assert_non_null(strstr(f->rows.p, "\t/api/one\t1\t"));
	usage_rollup_routes_sql(f->rollup, &f->sql);
	sbuf_add(&f->sql, "", 1);
	assert_non_null(strstr(f->sql.p, "(VALUES ('/api/one')) "));
}

static void test_as_many_cells_as_events(void **state)
{
	struct fixture *f = *state;
	char paths[MAX_EVENTS][16];

	for (int round = 0; round < 2; round++) {
		usage_rollup_reset(f->rollup);
		for (int i = 0; i < MAX_EVENTS; i++) {
			struct usage_event e;

			snprintf(paths[i], sizeof paths[i], "/r%d", i);
			e = event_at(i * QUARTER_US, i, paths[i]);
			e.response_time_ms = i;
			usage_rollup_add(f->rollup, &e);
		}
		assert_int_equal(lines_of(f), MAX_EVENTS);
	}
}

/* Batches of any size, one after another; each finds the tables as if they were new. */
static void test_nothing_stays_of_the_batch_before(void **state)
{
	static const char *const paths[] = {"/a", "/b", "/c", "/d", "/e", "/f", NULL};
	struct fixture *f = *state;
	unsigned chance = 1;

	for (int round = 0; round < 300; round++) {
		bool there[2][7] = {0}, route_there[7] = {0};
		size_t cells = 0, routes = 0, told = 0;

		for (unsigned n = chance % MAX_EVENTS; n > 0; n--) {
			unsigned token, route;
			struct usage_event e;

			chance = chance * 1103515245u + 12345u;
			token = chance >> 16 & 1;
			route = (chance >> 20) % ARRAY_LEN(paths);
			e = event_at(0, token, paths[route]);
			usage_rollup_add(f->rollup, &e);
			cells += !there[token][route];
			routes += !route_there[route] && paths[route] != NULL;
			there[token][route] = route_there[route] = true;
		}
		assert_int_equal(lines_of(f), cells);
		sbuf_reset(&f->sql);
		usage_rollup_routes_sql(f->rollup, &f->sql);
		sbuf_add(&f->sql, "", 1);
		for (const char *at = f->sql.p; (at = strstr(at, "('")) != NULL; at++)
			told++;
		assert_int_equal(told, routes);
		usage_rollup_reset(f->rollup);
		chance = chance * 1103515245u + 12345u;
	}
}

static void test_sorted_lines_come_by_series(void **state)
{
	static const struct {
		int64_t quarter, token;
		const char *path;
	} events[] = {{2, 1, "10"}, {1, 1, "10"}, {0, 2, "1"},   {3, -1, "9"},
		      {0, 1, "1"},  {1, 1, "10"}, {0, -1, "10"}, {0, 1, "100"}};
	static const char *const order[] = {
		"00:00:00.000000\t-1\t10\t1", "00:45:00.000000\t-1\t9\t1",
		"00:00:00.000000\t1\t1\t1",   "00:15:00.000000\t1\t10\t2",
		"00:30:00.000000\t1\t10\t1",  "00:00:00.000000\t1\t100\t1",
		"00:00:00.000000\t2\t1\t1"};
	struct fixture *f = *state;
	const char *at;

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct usage_event e = event_at(events[i].quarter * QUARTER_US,
						events[i].token, events[i].path);

		usage_rollup_add(f->rollup, &e);
	}
	usage_rollup_sort(f->rollup);
	assert_int_equal(lines_of(f), ARRAY_LEN(order));
	sbuf_add(&f->rows, "", 1);
	at = f->rows.p;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		at = strstr(at, order[i]);
		assert_non_null(at);
	}
	usage_rollup_copy_into_sql(f->rollup, "usage_hour", &f->sql);
	sbuf_add(&f->sql, "", 1);
	assert_non_null(strstr(f->sql.p, "COPY usage_hour (since, token_id, route_id, "
					 "calls, "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets_are_exact_then_eighths_of_octaves),
		cmocka_unit_test(test_whose_error),
		cmocka_unit_test_setup_teardown(test_events_of_one_cell_are_summed,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_cells_part_by_interval_token_and_route, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_routes_are_escaped, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_text_is_not_needed_afterwards,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_as_many_cells_as_events, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_stays_of_the_batch_before,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sorted_lines_come_by_series, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
