/* Questions as SQL: what is refused, what becomes a parameter, and that nothing else
 * does. */
#include "gateway/statistics/questions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/statistics/question_check.h"
#include "gateway/statistics/question_fields.h"
#include "gateway/statistics/statement.h"

static void test_times(void **state)
{
	static const struct {
		const char *text;
		bool valid, has_offset;
	} cases[] = {
		{"2026-11-24", true, false},
		{"1970-01-01", true, false},
		{"2199-12-31", true, false},
		{"1969-12-31", false, false},
		{"2200-01-01", false, false},
		{"infinity", false, false},
		{"2026-11-24T12:30", true, false},
		{"2026-11-24 12:30", true, false},
		{"2026-11-24T12:30:59", true, false},
		{"2026-11-24T12:30:59.123456", true, false},
		{"2026-11-24T12:30Z", true, true},
		{"2026-11-24T12:30:59.1Z", true, true},
		{"2026-11-24T12:30+05:30", true, true},
		{"2026-11-24T12:30:00-08", true, true},
		{"2024-02-29", true, false},
		{"2000-02-29", true, false},
		{"2026-02-29", false, false},
		{"2100-02-29", false, false},
		{"2026-13-01", false, false},
		{"2026-00-10", false, false},
		{"2026-04-31", false, false},
		{"2026-04-00", false, false},
		{"2026-11-24T23:59:59", true, false},
		{"2026-11-24T24:00", false, false},
		{"2026-11-24T12:60", false, false},
		{"2026-11-24T12:30:60", false, false},
		{"2026-11-24T12:30+15:59", true, true},
		{"2026-11-24T12:30+16:00", false, false},
		{"2026-11-24T12:30+05:60", false, false},
		{"", false, false},
		{"2026-11-2", false, false},
		{"2026-11-24T", false, false},
		{"2026-11-24T12", false, false},
		{"2026-11-24Z", false, false},
		{"2026-11-24+05:30", false, false},
		{"2026-11-24T12:30:5", false, false},
		{"2026-11-24T12:30:59.", false, false},
		{"2026-11-24T12:30:59.1234567", false, false},
		{"2026-11-24T12:30+5:30", false, false},
		{"2026-11-24T12:30Zx", false, false},
		{"2026-11-24T12:30 Z", false, false},
		{"infinity", false, false},
		{"now", false, false},
		{"2026-11-24'; --", false, false},
	};
	bool has_offset;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool valid = question_time_is_valid(cases[i].text, &has_offset);

		if (valid != cases[i].valid ||
		    (valid && has_offset != cases[i].has_offset))
			fail_msg("%s", cases[i].text);
	}
}

static void test_a_lost_plus(void **state)
{
	static const char *const lost[] = {"2026-11-24T12:30:00 05:30",
					   "2026-11-24 12:30 05"};
	static const char *const not_lost[] = {"",
					       "2026-11-24 12:30",
					       "2026-11-24",
					       "2026-11-24T12:30:00+05:30",
					       "2026-11-24T12:30:00 Z",
					       "2026-11-24T12:30:00 5",
					       "x 05:30"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lost); i++)
		assert_true(question_time_lost_plus(lost[i]));
	for (size_t i = 0; i < ARRAY_LEN(not_lost); i++)
		assert_false(question_time_lost_plus(not_lost[i]));
}

static void test_zones(void **state)
{
	static const char *const good[] = {"UTC",
					   "EST5EDT",
					   "GB-Eire",
					   "W-SU",
					   "GMT",
					   "Asia/Kolkata",
					   "America/New_York",
					   "Etc/GMT+5",
					   "America/Port-au-Prince",
					   "America/Argentina/Buenos_Aires"};
	static const char *const bad[] = {
		"",
		"IST",
		"PST",
		"Kolkata",
		"XYZ+5",
		"<+05>-5",
		"Asia/Kol kata",
		"/etc",
		"+05:30",
		"A/B'",
		"A/0123456789012345678901234567890123456789012345678901234567890123"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(question_zone_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(question_zone_is_valid(bad[i]));
}

static void test_steps(void **state)
{
	static const struct {
		const char *text, *interval; /* NULL: refused */
	} cases[] = {
		{"15m", "15 minutes"}, {"45m", "45 minutes"}, {"1440m", "1440 minutes"},
		{"1h", "1 hours"},     {"24h", "24 hours"},   {"1d", "1 days"},
		{"366d", "366 days"},  {"2w", "14 days"},     {"1mo", "1 months"},
		{"24mo", "24 months"}, {"10y", "10 years"},   {"10m", NULL},
		{"16m", NULL},         {"1455m", NULL},       {"0h", NULL},
		{"25h", NULL},         {"367d", NULL},        {"1", NULL},
		{"h", NULL},           {"-1h", NULL},         {"1 h", NULL},
		{"1H", NULL},          {"1hh", NULL},         {"", NULL},
		{"99999999999h", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *interval = question_step(cases[i].text);

		if (cases[i].interval == NULL)
			assert_null(interval);
		else
			assert_string_equal(interval, cases[i].interval);
		free(interval);
	}
}

static void test_places(void **state)
{
	static const char *const bad[] = {"",
					  "/",
					  "2026-11-24T12:30:00",
					  "2026-11-24T12:30:00/",
					  "/42",
					  "2026-11-24T12:30:00/-1",
					  "2026-11-24T12:30Z/1",
					  "2026-11-24T12:30:00/1x",
					  "2026-11-24T12:30:00/1234567890123456789"};
	char *used_at, *id;

	(void)state;
	assert_true(question_place("2026-11-24T12:30:00.123456/42", &used_at, &id));
	assert_string_equal(used_at, "2026-11-24T12:30:00.123456");
	assert_string_equal(id, "42");
	free(used_at);
	free(id);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(question_place(bad[i], &used_at, &id));
}

static void test_arrays(void **state)
{
	static const int64_t ids[] = {1, -2, INT64_MAX};
	static const char *const texts[] = {"/a", "", "q\"\\", "b,{}"};
	char *text = question_ids_array(ids, ARRAY_LEN(ids));

	(void)state;
	assert_string_equal(text, "{1,-2,9223372036854775807}");
	free(text);
	text = question_ids_array(ids, 0);
	assert_string_equal(text, "{}");
	free(text);
	text = question_texts_array(texts, ARRAY_LEN(texts));
	assert_string_equal(text, "{\"/a\",\"\",\"q\\\"\\\\\",\"b,{}\"}");
	free(text);
}

static bool build(const struct question *q, struct question_text *t, char why[256])
{
	struct sbuf error;
	bool ok;

	sbuf_init(&error, 256);
	ok = question_build(q, t, &error);
	snprintf(why, 256, STR_FMT, STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	return ok;
}

/* Every $n of a statement has a value, and every value is of use. */
static void check_parameters(const struct question_text *t)
{
	char name[8];

	for (int n = 1; n <= QUESTION_PARAMS + 1; n++) {
		snprintf(name, sizeof name, "$%d", n);
		assert_int_equal(strstr(t->sql, name) != NULL, n <= t->n_values);
	}
	assert_null(strchr(t->sql, '{'));
}

static void test_every_question_is_built(void **state)
{
	static const int64_t tokens[] = {7};
	static const char *const routes[] = {"/hunter2"};
	static const struct question_price prices[] = {{"/hunter2", 5}};
	struct question q = {.from = "2026-11-24",
			     .to = "2026-11-25T00:00Z",
			     .zone = "Asia/Kolkata",
			     .tokens = tokens,
			     .n_tokens = 1,
			     .routes = routes,
			     .n_routes = 1,
			     .prices = prices,
			     .n_prices = 1};
	struct question_text t;
	enum question_kind kind;
	char why[256];

	(void)state;
	for (int i = 0; i < QUESTION_COUNT; i++) {
		bool of_rows = i == QUESTION_ROWS;

		q.kind = (enum question_kind)i;
		q.method = of_rows ? "hunter2" : NULL;
		q.status_low = of_rows ? 500 : 0;
		q.status_high = of_rows ? 599 : 0;
		q.min_ms = of_rows ? 9 : 0;
		q.after = of_rows ? "2026-11-24T12:30:00/42" : NULL;
		q.outcome = of_rows ? "hunter2" : NULL;
		q.address = of_rows ? "192.0.2.0/24" : NULL;
		q.request_id =
			i == QUESTION_ROW ? "019a9b3c-7f12-7c55-9d0e-3a7be1c2f605" : NULL;
		assert_true(question_named(question_name(q.kind), &kind));
		assert_int_equal(kind, q.kind);
		assert_true(*question_summary(q.kind) != '\0');
		assert_true(build(&q, &t, why));
		check_parameters(&t);
		assert_null(strstr(t.sql, "hunter2"));
		assert_null(strstr(t.sql, "Kolkata"));
		assert_string_equal(t.values[0], "2026-11-24");
		assert_string_equal(t.values[2], "Asia/Kolkata");
		assert_string_equal(t.values[3], "{7}");
		assert_string_equal(t.values[4], "{\"/hunter2\"}");
		/* A time without an offset is one of the zone's clock. */
		assert_non_null(strstr(t.sql,
				       "usage_range(usage_instant($1::timestamp, $3), "
				       "($2::timestamptz AT TIME ZONE 'UTC'))"));
		question_text_fini(&t);
	}
	assert_false(question_named("totalss", &kind));
	assert_false(question_named("", &kind));
}

/* Whatever stands in the place of {name} is there. */
static void test_every_choice_is_built(void **state)
{
	static const char *const times[] = {NULL, "2026-11-24", "2026-11-24T00:00Z"};
	struct question q = {.kind = QUESTION_SERIES, .all_tokens = true};
	struct question_text t;
	char why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times) * ARRAY_LEN(times) * 2; i++) {
		q.percentiles = i % 2 != 0;
		q.from = times[i / 2 % ARRAY_LEN(times)];
		q.to = times[i / 2 / ARRAY_LEN(times)];
		assert_true(build(&q, &t, why));
		check_parameters(&t);
		assert_int_equal(strstr(t.sql, "'p95_ms', p.ms[2]") != NULL,
				 q.percentiles);
		assert_int_equal(strstr(t.sql, "AS p (ms) ON true") != NULL,
				 q.percentiles);
		question_text_fini(&t);
	}
	q = (struct question){.kind = QUESTION_TOP_ROUTES, .all_tokens = true};
	for (int by = BY_CALLS; by <= BY_COST; by++) {
		q.by = (enum question_order)by;
		assert_true(build(&q, &t, why));
		check_parameters(&t);
		question_text_fini(&t);
	}
	for (int names = NAMES_ANY; names <= NAMES_TOKENS_AND_TEAMS; names++) {
		q.names = (enum question_names)names;
		assert_true(build(&q, &t, why));
		check_parameters(&t);
		assert_int_equal(strstr(t.sql, "usage_tokens_named") != NULL,
				 names != NAMES_ANY);
		question_text_fini(&t);
	}
	q = (struct question){
		.kind = QUESTION_ROWS, .all_tokens = true, .link = "/hunter2"};
	assert_true(build(&q, &t, why));
	check_parameters(&t);
	assert_string_equal(t.values[15], "/hunter2");
	question_text_fini(&t);
}

/* The manager's statements outlive those who ask. */
static void test_texts_stay(void **state)
{
	struct question q = {.kind = QUESTION_STATS, .all_tokens = true};
	struct question_text first, second;
	char why[256];

	(void)state;
	assert_true(build(&q, &first, why));
	q.limit = 3;
	q.in_teams = q.rows_in_teams = true;
	assert_true(build(&q, &second, why));
	assert_ptr_equal(first.sql, second.sql);
	assert_null(first.values[12]);
	assert_string_equal(second.values[12], "{}");
	question_text_fini(&second);
	q.from = "2026-11-24";
	assert_true(build(&q, &second, why));
	assert_ptr_not_equal(first.sql, second.sql);
	question_text_fini(&second);
	question_text_fini(&first);
}

/* Parts end where the next begins, with the comments in front of that. */
static void test_parts(void **state)
{
	static const struct statement_choice choices[] = {
		{"by", "by_time"}, {"asked", "nothing"}, {NULL, NULL}};
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"nothing", ""},
		{"by", "s.time_sum"},
		{"asked", ""},
		{"from_clock", "usage_instant($1::timestamp, $3)"},
		{"by_errors", "(s.errors_ours + s.errors_upstream + s.errors_client)"},
		{"verify_repair", "SELECT usage_repair($1, $2)"},
	};
	struct sbuf sql;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		sbuf_init(&sql, 1024);
		statement_put(&sql, cases[i].name, choices);
		assert_true(str_eq(sbuf_view(&sql), str_of(cases[i].text)));
		sbuf_fini(&sql);
	}
}

static void test_defaults(void **state)
{
	struct question q = {
		.kind = QUESTION_TOP_TOKENS, .all_tokens = true, .by = BY_ERRORS};
	struct question_text t;
	char why[256];

	(void)state;
	assert_true(build(&q, &t, why));
	assert_non_null(strstr(t.sql,
			       "usage_range(((now() AT TIME ZONE 'UTC') - interval '24 "
			       "hours'), (now() AT TIME ZONE 'UTC'))"));
	assert_null(t.values[0]);
	assert_null(t.values[1]);
	assert_string_equal(t.values[2], "UTC");
	assert_null(t.values[3]);
	assert_null(t.values[4]);
	assert_string_equal(t.values[5], "10");
	assert_non_null(strstr(t.sql, "ORDER BY (s.errors_ours"));
	question_text_fini(&t);
	/* No token is not every token. */
	q.all_tokens = false;
	q.kind = QUESTION_ROWS;
	assert_true(build(&q, &t, why));
	assert_string_equal(t.values[3], "{}");
	assert_string_equal(t.values[5], "50");
	for (int i = 6; i < t.n_values; i++)
		assert_null(t.values[i]);
	question_text_fini(&t);
	/* Nor is no team every team. */
	q.in_teams = true;
	assert_true(build(&q, &t, why));
	assert_string_equal(t.values[6], "{}");
	question_text_fini(&t);
	q = (struct question){.kind = QUESTION_STATS, .all_tokens = true};
	assert_true(build(&q, &t, why));
	assert_null(t.values[9]);
	assert_string_equal(t.values[10], "300");
	assert_string_equal(t.values[11], "previous");
	question_text_fini(&t);
}

static void test_networks(void **state)
{
	static const char *const good[] = {"192.0.2.7",     "192.0.2.0/24", "0.0.0.0/0",
					   "2001:db8::/32", "::1/128",      "::"};
	static const char *const bad[] = {"",
					  "192.0.2",
					  "192.0.2.0/33",
					  "192.0.2.0/",
					  "192.0.2.0/-1",
					  "::/129",
					  "::/1x",
					  "a",
					  "192.0.2.7 ",
					  "/8"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(question_network_is_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(question_network_is_valid(bad[i]));
}

static void test_ids_tell_their_time(void **state)
{
	/* RFC 9562, appendix A.6. */
	static const char id[] = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";
	static const char *const bad[] = {"",
					  "017F22E279B07CC398C4DC0C0C07398F",
					  "017F22E2-79B0-4CC3-98C4-DC0C0C07398F",
					  "017F22E2-79B0-7CC3-98C4-DC0C0C07398G",
					  "017F22E2-79B0-7CC3-98C4-DC0C0C07398F1",
					  "FFFFFFFF-FFFF-7CC3-98C4-DC0C0C07398F"};
	struct question q = {.kind = QUESTION_ROW, .all_tokens = true, .request_id = id};
	struct question_text t;
	char why[256];
	int64_t ms;

	(void)state;
	assert_true(question_id_time(id, &ms));
	assert_true(ms == INT64_C(1645557742000));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(question_id_time(bad[i], &ms));
	assert_true(build(&q, &t, why));
	assert_string_equal(t.values[8], "2022-02-22T19:21:52.000");
	assert_string_equal(t.values[9], "2022-02-22T19:22:52.000");
	question_text_fini(&t);
	q.request_id = "00000000-0000-7CC3-98C4-DC0C0C07398F";
	assert_true(build(&q, &t, why));
	assert_string_equal(t.values[8], "1970-01-01T00:00:00.000");
	question_text_fini(&t);
}

static void test_faults_are_named(void **state)
{
	static const struct {
		struct question q;
		const char *why;
	} cases[] = {
		{{.from = "x"}, "from must be a time"},
		{{.to = "2026"}, "to must be a time"},
		{{.zone = "a b"}, "zone must be"},
		{{.limit = 1001}, "limit must be 1 to 1000"},
		{{.kind = QUESTION_ROWS, .limit = 501}, "limit must be 1 to 500"},
		{{.n_tokens = 10001}, "tokens are more than 10000"},
		{{.n_routes = 1001}, "routes are more than 1000"},
		{{.kind = QUESTION_TOKEN, .all_tokens = true}, "of one token"},
		{{.kind = QUESTION_TOKEN}, "of one token"},
		{{.kind = QUESTION_ROUTE}, "of one route"},
		{{.kind = QUESTION_SERIES, .step = "5m"}, "step must be"},
		{{.kind = QUESTION_ROWS, .status_low = 5, .status_high = 4},
		 "status must be"},
		{{.kind = QUESTION_ROWS, .status_high = 1000}, "status must be"},
		{{.kind = QUESTION_ROWS, .min_ms = -1}, "min_ms must be"},
		{{.kind = QUESTION_ROWS, .after = "x"}, "after must be"},
		{{.kind = QUESTION_ROWS, .address = "x"}, "address must be"},
		{{.kind = QUESTION_ROW}, "request_id must be"},
		{{.kind = QUESTION_ROW, .request_id = "x"}, "request_id must be"},
		{{.kind = QUESTION_STATS, .step = "5m"}, "step must be"},
		{{.compare = COMPARE_NONE, .kind = QUESTION_TOTALS}, "compare is for"},
		{{.n_teams = 10001}, "teams are more than 10000"},
		{{.kind = QUESTION_TOTALS, .link = "/"}, "link is for the question"},
		{{.kind = QUESTION_ROWS, .rows_in_teams = true},
		 "rows_in_teams is for the question"},
		{{.from = "2026-11-24T12:30 05:30"}, "from has a blank"},
	};
	struct question_text t;
	char why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_false(build(&cases[i].q, &t, why));
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("%zu: %s", i, why);
		question_text_fini(&t);
	}
}

static void note_field(void *ctx, const char *field, const char *what)
{
	struct sbuf *fields = ctx;

	assert_true(*what != '\0');
	sbuf_printf(fields, "%s ", field);
}

static void test_all_faults_at_once(void **state)
{
	struct question q = {.kind = QUESTION_ROWS,
			     .from = "x",
			     .to = "y",
			     .zone = "z",
			     .step = "1h",
			     .limit = 501,
			     .status_low = 5,
			     .status_high = 4,
			     .min_ms = -1,
			     .after = "a",
			     .address = "b",
			     .request_id = "c",
			     .percentiles = true,
			     .n_routes = 1001};
	struct sbuf fields;

	(void)state;
	sbuf_init(&fields, 1024);
	assert_false(question_check(&q, note_field, &fields));
	assert_string_equal(sbuf_text(&fields),
			    "from to zone routes limit step percentiles request_id "
			    "status min_ms after address ");
	sbuf_fini(&fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_a_lost_plus),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_every_question_is_built),
		cmocka_unit_test(test_every_choice_is_built),
		cmocka_unit_test(test_texts_stay),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_ids_tell_their_time),
		cmocka_unit_test(test_faults_are_named),
		cmocka_unit_test(test_all_faults_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
