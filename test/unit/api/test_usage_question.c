/* Parameters of calls about usage as questions: what they mean, what is refused, and that
 * nobody asks about what is not theirs. */
#include "gateway/api/usage_question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "common/check.h"

static const char *const known[] = {"from",    "to",    "zone",        "step",   "by",
				    "compare", "limit", "team*",       "token*", "route*",
				    "status",  "class", "outcome",     "method", "min_ms",
				    "address", "after", "percentiles", "x",      NULL};

static struct identity_team two_teams[] = {{.id = 5, .is_manager = true}, {.id = 8}};
static const struct identity member = {.user_id = 1, .teams = two_teams, .n_teams = 2};
static const struct identity admin = {.user_id = 2, .is_admin = true};
static const struct identity reader = {
	.user_id = 3, .sees_all = true, .teams = two_teams, .n_teams = 1};
static const struct identity nobody = {.user_id = 4};

struct asked {
	struct usage_question u;
	struct query query;
	struct input_faults faults;
};

static void ask(struct asked *a, enum question_kind kind, const char *text,
		const struct identity *who)
{
	a->faults = (struct input_faults){0};
	query_read(&a->query, str_of(text), known, &a->faults);
	usage_question_read(&a->u, kind, &a->query, who, &a->faults);
}

static void end(struct asked *a)
{
	usage_question_fini(&a->u);
	query_fini(&a->query);
	input_faults_fini(&a->faults);
}

static void test_what_parameters_mean(void **state)
{
	struct asked a;
	const struct question *q = &a.u.q;

	(void)state;
	ask(&a, QUESTION_STATS,
	    "from=2026-11-24&to=2026-11-25T00:00Z&zone=Asia/Kolkata&step=1h&by=errors&"
	    "compare=week_before&limit=3&route=/a&route=/b&token=7&token=9",
	    &admin);
	usage_question_check(&a.u, &a.faults);
	assert_int_equal(a.faults.n, 0);
	assert_string_equal(q->from, "2026-11-24");
	assert_string_equal(q->to, "2026-11-25T00:00Z");
	assert_string_equal(q->zone, "Asia/Kolkata");
	assert_string_equal(q->step, "1h");
	assert_int_equal(q->by, BY_ERRORS);
	assert_int_equal(q->compare, COMPARE_WEEK_BEFORE);
	assert_int_equal(q->limit, 3);
	assert_int_equal(q->n_routes, 2);
	assert_string_equal(q->routes[1], "/b");
	assert_int_equal(q->n_tokens, 2);
	assert_true(q->tokens[0] == 7 && q->tokens[1] == 9 && !q->all_tokens);
	end(&a);

	ask(&a, QUESTION_ROWS,
	    "class=5xx&method=POST&min_ms=250&outcome=dns_error&address=192.0.2.0/24&"
	    "after=2026-11-24T12:30:00/42",
	    &admin);
	usage_question_check(&a.u, &a.faults);
	assert_int_equal(a.faults.n, 0);
	assert_int_equal(q->status_low, 500);
	assert_int_equal(q->status_high, 599);
	assert_int_equal(q->min_ms, 250);
	assert_string_equal(q->outcome, "dns_error");
	assert_true(q->all_tokens);
	end(&a);

	ask(&a, QUESTION_ROWS, "status=404&min_ms=0", NULL);
	assert_int_equal(a.faults.n, 0);
	assert_int_equal(q->status_low, 404);
	assert_int_equal(q->status_high, 404);
	end(&a);
}

static void test_what_is_refused(void **state)
{
	static const struct {
		const char *text, *parameter, *detail;
	} cases[] = {
		{"from=x", "from", "must be a time like"},
		{"from=2026-02-30", "from", "must be a time like"},
		{"to=2026-11-24T12:30:00+05:30", "to", "in a link + is written %2B"},
		{"zone=IST", "zone", "must be the name of a time zone"},
		{"zone=", "zone", "must be the name of a time zone"},
		{"limit=0", "limit", "must be a number from 1 to 200"},
		{"limit=201", "limit", "must be a number from 1 to 200"},
		{"limit=1e1", "limit", "must be a number from 1 to 200"},
		{"limit=18446744073709551617", "limit", "must be a number from 1 to 200"},
		{"limit=", "limit", "must be a number from 1 to 200"},
		{"token=0", "token", "must be an id"},
		{"token=-1", "token", "must be an id"},
		{"token=9223372036854775808", "token", "must be an id"},
		{"token=1;DROP", "token", "must be an id"},
		{"team=x", "team", "must be an id"},
		{"status=99", "status", "must be a number from 100 to 999"},
		{"status=5xx", "status", "must be a number from 100 to 999"},
		{"class=500", "class", "like 5xx"},
		{"class=0xx", "class", "like 5xx"},
		{"status=500&class=5xx", "class", "beside status"},
		{"outcome=done", "outcome", "is no outcome"},
		{"method=get", "method", "must be a method"},
		{"method=", "method", "must be a method"},
		{"method=ABCDEFGHIJK", "method", "must be a method"},
		{"min_ms=-1", "min_ms", "must be a number"},
		{"min_ms=2147483648", "min_ms", "must be a number"},
		{"address=localhost", "address", "must be one, or a network"},
		{"after=1", "after", "must be what `next`"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const cJSON *error;
		struct asked a;

		ask(&a, QUESTION_ROWS, cases[i].text, &admin);
		usage_question_check(&a.u, &a.faults);
		if (a.faults.n != 1)
			fail_msg("%s: %zu", cases[i].text, a.faults.n);
		error = cJSON_GetArrayItem(a.faults.errors, 0);
		assert_string_equal(
			cJSON_GetStringValue(cJSON_GetObjectItem(error, "parameter")),
			cases[i].parameter);
		if (strstr(cJSON_GetStringValue(cJSON_GetObjectItem(error, "detail")),
			   cases[i].detail) == NULL)
			fail_msg("%s", cases[i].text);
		end(&a);
	}
}

static void test_words_are_refused(void **state)
{
	static const char *const cases[] = {
		"by=Calls", "by=", "compare=", "step=5m", "compare=before", "step="};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asked a;

		ask(&a, QUESTION_STATS, cases[i], &admin);
		usage_question_check(&a.u, &a.faults);
		if (a.faults.n != 1)
			fail_msg("%s: %zu", cases[i], a.faults.n);
		end(&a);
	}
}

static void test_all_faults_at_once(void **state)
{
	struct asked a;

	(void)state;
	ask(&a, QUESTION_STATS,
	    "from=x&to=y&zone=z&step=q&by=b&compare=c&limit=0&token=t&team=99&team=u&nope=1",
	    &member);
	usage_question_check(&a.u, &a.faults);
	assert_int_equal(a.faults.n, 11);
	end(&a);
}

static void test_whose(void **state)
{
	struct asked a;
	const struct question *q = &a.u.q;

	(void)state;
	/* Admins: everything, or what they name. */
	ask(&a, QUESTION_STATS, "", &admin);
	assert_true(q->all_tokens && !q->in_teams && !q->rows_in_teams);
	end(&a);
	ask(&a, QUESTION_STATS, "team=77&team=78", &admin);
	assert_true(q->in_teams && q->n_teams == 2 && q->teams[1] == 78);
	assert_int_equal(q->names, NAMES_TOKENS_AND_TEAMS);
	end(&a);
	/* Members: their teams', whatever they ask. */
	for (int kind = 0; kind < QUESTION_COUNT; kind++) {
		ask(&a, (enum question_kind)kind, "token=1", &member);
		assert_true(q->in_teams && q->n_teams == 2);
		assert_true(q->teams[0] == 5 && q->teams[1] == 8);
		assert_int_equal(q->names, NAMES_TOKENS);
		end(&a);
	}
	ask(&a, QUESTION_STATS, "team=8", &member);
	assert_int_equal(a.faults.n, 0);
	assert_true(q->in_teams && q->n_teams == 1 && q->teams[0] == 8);
	end(&a);
	ask(&a, QUESTION_STATS, "team=8&team=9", &member);
	assert_int_equal(a.faults.n, 1);
	end(&a);
	/* Who has no team has no token. */
	ask(&a, QUESTION_STATS, "", &nobody);
	assert_true(q->in_teams && q->n_teams == 0);
	end(&a);
}

/* The older system's "any signed-in user sees statistics". */
static void test_who_sees_all(void **state)
{
	static const enum question_kind of_all[] = {
		QUESTION_STATS,      QUESTION_ROUTE,      QUESTION_SERIES,
		QUESTION_TOP_TOKENS, QUESTION_TOP_ROUTES, QUESTION_COST};
	static const enum question_kind of_own[] = {QUESTION_TOKEN, QUESTION_ROWS,
						    QUESTION_ROW};
	static const char *const filters[] = {"token=1", "team=5"};
	struct asked a;
	const struct question *q = &a.u.q;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of_all); i++) {
		ask(&a, of_all[i], "route=/a", &reader);
		assert_true(q->all_tokens && !q->in_teams);
		/* No single call of others. */
		assert_true(q->rows_in_teams == (i < 2));
		if (q->rows_in_teams)
			assert_true(q->n_rows_teams == 1 && q->rows_teams[0] == 5);
		end(&a);
		for (size_t j = 0; j < ARRAY_LEN(filters); j++) {
			ask(&a, of_all[i], filters[j], &reader);
			assert_true(q->in_teams && q->n_teams == 1 && q->teams[0] == 5);
			end(&a);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(of_own); i++) {
		ask(&a, of_own[i], "", &reader);
		assert_true(q->in_teams && q->n_teams == 1);
		end(&a);
	}
}

static void test_links(void **state)
{
	static const struct {
		const char *text, *link;
	} cases[] = {
		{"", "/logs"},
		{"after=2026-11-24T12:30:00/42&from=2026-11-24&to=2026-11-25", "/logs"},
		{"route=/a%26b&route=/c%20d&limit=2",
		 "/logs?route=/a%26b&route=/c%20d&limit=2"},
		{"zone=Etc/GMT%2B5&after=x&class=5xx",
		 "/logs?zone=Etc/GMT%2B5&class=5xx"},
		{"x=%E7%B8%BD%25%22%27%3C", "/logs?x=%E7%B8%BD%25%22%27%3C"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct asked a;

		ask(&a, QUESTION_ROWS, cases[i].text, &admin);
		usage_question_link(&a.u, "/logs", &a.query);
		assert_string_equal(a.u.q.link, cases[i].link);
		end(&a);
	}
}

static void test_prices(void **state)
{
	struct settings_route routes[] = {{.path = (char *)"/free"},
					  {.path = (char *)"/dear", .price_micro = 2500}};
	const struct settings s = {.routes = routes, .n_routes = 2};
	struct asked a;

	(void)state;
	ask(&a, QUESTION_COST, "", &admin);
	usage_question_price(&a.u, &s);
	assert_int_equal(a.u.q.n_prices, 1);
	assert_string_equal(a.u.q.prices[0].path, "/dear");
	assert_int_equal(a.u.q.prices[0].micro, 2500);
	end(&a);
}

static void test_ids(void **state)
{
	static const char *const bad[] = {
		"", "0", "x", "1x", "-1", "+1", " 1", "01x", "9223372036854775808"};
	int64_t id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(usage_id(bad[i], &id));
	assert_true(usage_id("9223372036854775807", &id) && id == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_parameters_mean),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_words_are_refused),
		cmocka_unit_test(test_all_faults_at_once),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_who_sees_all),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_prices),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
