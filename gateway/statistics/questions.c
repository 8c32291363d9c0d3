/* Questions: checked, and made into a statement (questions.sql) and its parameters: $1
 * from, $2 to, $3 zone, $4 tokens, $5 routes, $6 limit, $7 teams; others are a question's
 * own. */
#include "gateway/statistics/questions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"
#include "gateway/statistics/question_fields.h"
#include "gateway/statistics/statement.h"

#define SQL_MAX (64u << 10)
#define ID_SLACK_MS 30000 /* between an id's time and its row's */

#define QUESTION_NAME(id, name, what) {name, what},
static const struct {
	const char *name, *summary;
} questions[] = {QUESTIONS(QUESTION_NAME)};

/* --- building --- */

bool question_named(const char *name, enum question_kind *kind)
{
	for (size_t i = 0; i < QUESTION_COUNT; i++) {
		*kind = (enum question_kind)i;
		if (strcmp(questions[i].name, name) == 0)
			return true;
	}
	return false;
}

const char *question_name(enum question_kind kind)
{
	return questions[kind].name;
}

const char *question_summary(enum question_kind kind)
{
	return questions[kind].summary;
}

static void add_value(struct question_text *t, const char *value)
{
	CHECK(t->n_values < QUESTION_PARAMS);
	t->values[t->n_values++] = value;
}

static void add_owned(struct question_text *t, char *value)
{
	CHECK(t->n_owned <= QUESTION_PARAMS);
	t->owned[t->n_owned++] = value;
	add_value(t, value);
}

static bool refuse(struct sbuf *error, const char *what)
{
	sbuf_str(error, str_of(what));
	return false;
}

static bool check_times(const struct question *q, struct sbuf *error)
{
	static const char shape[] =
		" must be a time like 2026-11-24, 2026-11-24T12:30 or "
		"2026-11-24T12:30:00+05:30, of the years 1970 to 2199";
	const struct {
		const char *name, *text;
	} times[] = {{"to", q->to}, {"from", q->from}};
	bool has_offset;

	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (times[i].text != NULL &&
		    !question_time_is_valid(times[i].text, &has_offset)) {
			sbuf_printf(error, "%s%s", times[i].name, shape);
			return false;
		}
	return true;
}

/* The questions whose answer is a page's whole. */
static bool is_whole(const struct question *q)
{
	return q->kind == QUESTION_STATS || q->kind == QUESTION_TOKEN ||
	       q->kind == QUESTION_ROUTE;
}

/* A restriction that a question does not know would be told as if it held. */
static bool check_own(const struct question *q, struct sbuf *error)
{
	const struct {
		bool set;
		enum question_kind of;
		const char *name;
	} fields[] = {
		{q->step != NULL && !is_whole(q), QUESTION_SERIES, "step"},
		{q->compare != COMPARE_PREVIOUS && !is_whole(q), QUESTION_STATS,
		 "compare"},
		{q->percentiles, QUESTION_SERIES, "percentiles"},
		{q->status_low != 0, QUESTION_ROWS, "status"},
		{q->method != NULL, QUESTION_ROWS, "method"},
		{q->min_ms != 0, QUESTION_ROWS, "min_ms"},
		{q->after != NULL, QUESTION_ROWS, "after"},
		{q->outcome != NULL, QUESTION_ROWS, "outcome"},
		{q->address != NULL, QUESTION_ROWS, "address"},
		{q->request_id != NULL, QUESTION_ROW, "request_id"},
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].set && q->kind != fields[i].of &&
		    !(is_whole(q) && fields[i].of == QUESTION_STATS)) {
			sbuf_printf(error, "%s is for the question `%s`", fields[i].name,
				    question_name(fields[i].of));
			return false;
		}
	return true;
}

static bool check_common(const struct question *q, struct sbuf *error)
{
	unsigned most = q->kind == QUESTION_ROWS ? QUESTION_PAGE_MAX : QUESTION_TOP_MAX;

	if (q->zone != NULL && !question_zone_is_valid(q->zone))
		return refuse(error,
			      "zone must be the name of a time zone, like Asia/Kolkata");
	if (q->n_tokens > QUESTION_TOKENS_MAX)
		return refuse(error, "tokens are more than 10000");
	if (q->n_teams > QUESTION_TEAMS_MAX)
		return refuse(error, "teams are more than 1000");
	if (q->n_routes > QUESTION_ROUTES_MAX)
		return refuse(error, "routes are more than 1000");
	if (q->limit > most) {
		sbuf_printf(error, "limit must be 1 to %u", most);
		return false;
	}
	if (!check_own(q, error))
		return false;
	if (q->kind == QUESTION_TOKEN && (q->all_tokens || q->n_tokens != 1))
		return refuse(error, "this question is of one token");
	if (q->kind == QUESTION_ROUTE && q->n_routes != 1)
		return refuse(error, "this question is of one route");
	return true;
}

/* $1 to $7. */
static void add_common(const struct question *q, struct question_text *t)
{
	unsigned limit = q->limit ? q->limit : q->kind == QUESTION_ROWS ? 50 : 10;

	add_value(t, q->from);
	add_value(t, q->to);
	add_value(t, q->zone ? q->zone : "UTC");
	if (q->all_tokens)
		add_value(t, NULL);
	else
		add_owned(t, question_ids_array(q->tokens, q->n_tokens));
	if (q->n_routes == 0)
		add_value(t, NULL);
	else
		add_owned(t, question_texts_array(q->routes, q->n_routes));
	add_owned(t, xasprintf("%u", limit));
	if (q->n_teams == 0 && !q->in_teams)
		add_value(t, NULL);
	else
		add_owned(t, question_ids_array(q->teams, q->n_teams));
}

static bool add_step(const char *text, struct question_text *t, struct sbuf *error)
{
	char *step = question_step(text);

	if (step == NULL)
		return refuse(
			error,
			"step must be a multiple of 15 minutes: 15m, 2h, 1d, 1w, 1mo or "
			"1y");
	add_owned(t, step);
	return true;
}

static bool add_series(const struct question *q, struct question_text *t,
		       struct sbuf *error)
{
	if (!add_step(q->step ? q->step : "1h", t, error))
		return false;
	add_owned(t, xasprintf("%d", QUESTION_POINTS_MAX));
	add_value(t, q->percentiles ? "true" : "false");
	return true;
}

static void add_prices(const struct question *q, struct question_text *t)
{
	const char **paths = xcalloc(q->n_prices + 1, sizeof *paths);
	int64_t *micros = xcalloc(q->n_prices + 1, sizeof *micros);

	for (size_t i = 0; i < q->n_prices; i++) {
		paths[i] = q->prices[i].path;
		micros[i] = (int64_t)q->prices[i].micro;
	}
	add_owned(t, question_texts_array(paths, q->n_prices));
	add_owned(t, question_ids_array(micros, q->n_prices));
	free(paths);
	free(micros);
}

static bool add_whole(const struct question *q, struct question_text *t,
		      struct sbuf *error)
{
	static const char *const compare[] = {
		[COMPARE_PREVIOUS] = "previous",
		[COMPARE_WEEK_BEFORE] = "week_before",
		[COMPARE_NONE] = "none",
	};

	add_prices(q, t);
	if (q->step == NULL)
		add_value(t, NULL);
	else if (!add_step(q->step, t, error))
		return false;
	add_owned(t, xasprintf("%d", QUESTION_WHOLE_POINTS_MAX));
	add_value(t, compare[q->compare]);
	return true;
}

static bool add_row(const struct question *q, struct question_text *t, struct sbuf *error)
{
	int64_t ms;

	if (q->request_id == NULL || !question_id_time(q->request_id, &ms))
		return refuse(error,
			      "request_id must be one that the gateway made, which "
			      "tells its time; `rows` finds others");
	add_value(t, q->request_id);
	add_owned(t, question_time_text(ms > ID_SLACK_MS ? ms - ID_SLACK_MS : 0));
	add_owned(t, question_time_text(ms + ID_SLACK_MS));
	return true;
}

static void add_number(struct question_text *t, int64_t value)
{
	if (value == 0)
		add_value(t, NULL);
	else
		add_owned(t, xasprintf("%lld", (long long)value));
}

static bool add_rows(const struct question *q, struct question_text *t,
		     struct sbuf *error)
{
	char *used_at = NULL, *id = NULL;

	if (q->status_low < 0 || q->status_high < q->status_low || q->status_high > 999)
		return refuse(error, "status must be 100 to 999, or a class like 5xx");
	if (q->min_ms < 0)
		return refuse(error, "min_ms must be 0 or more");
	if (q->after != NULL && !question_place(q->after, &used_at, &id))
		return refuse(error,
			      "after must be what `next` of the page before holds");
	if (q->address != NULL && !question_network_is_valid(q->address))
		return refuse(error,
			      "address must be one, or a network like 192.0.2.0/24");
	add_number(t, q->status_low);
	add_number(t, q->status_high);
	add_value(t, q->method);
	add_number(t, q->min_ms);
	if (q->after != NULL) {
		add_owned(t, used_at);
		add_owned(t, id);
	} else {
		add_value(t, NULL);
		add_value(t, NULL);
	}
	add_value(t, q->outcome);
	add_value(t, q->address);
	return true;
}

/* The parameters from $8 on. */
static bool add_own(const struct question *q, struct question_text *t, struct sbuf *error)
{
	if (q->kind == QUESTION_SERIES)
		return add_series(q, t, error);
	if (q->kind == QUESTION_ROWS)
		return add_rows(q, t, error);
	if (q->kind == QUESTION_ROW)
		return add_row(q, t, error);
	if (is_whole(q))
		return add_whole(q, t, error);
	if (q->kind == QUESTION_COST || q->kind == QUESTION_TOP_TOKENS ||
	    q->kind == QUESTION_TOP_ROUTES)
		add_prices(q, t);
	return true;
}

/* The part of questions.sql that reads a time, which is valid. */
static const char *time_part(const char *text, const char *missing, const char *clock,
			     const char *instant)
{
	bool has_offset;

	if (text == NULL)
		return missing;
	return question_time_is_valid(text, &has_offset) && has_offset ? instant : clock;
}

static char *make_sql(const struct question *q)
{
	static const char *const by[] = {
		[BY_CALLS] = "by_calls",
		[BY_ERRORS] = "by_errors",
		[BY_TIME] = "by_time",
		[BY_COST] = "by_cost",
	};
	const struct statement_choice choices[] = {
		{"from",
		 time_part(q->from, "from_default", "from_clock", "from_instant")},
		{"to", time_part(q->to, "to_default", "to_clock", "to_instant")},
		{"by", by[q->by]},
		{"token_sums", q->by == BY_COST ? "token_sums_cost" : "token_sums_plain"},
		{"more", q->percentiles ? "more_percentiles" : "nothing"},
		{"join", q->percentiles ? "join_percentiles" : "nothing"},
		{NULL, NULL},
	};
	struct sbuf sql;
	char *text;

	sbuf_init(&sql, SQL_MAX);
	statement_put(&sql, question_name(q->kind), choices);
	CHECK(!sql.overflow);
	text = xstrndup(sql.p, sql.n);
	sbuf_fini(&sql);
	return text;
}

bool question_build(const struct question *q, struct question_text *t, struct sbuf *error)
{
	*t = (struct question_text){0};
	if (!check_common(q, error) || !check_times(q, error))
		return false;
	add_common(q, t);
	if (!add_own(q, t, error))
		return false;
	t->sql = t->owned[t->n_owned++] = make_sql(q);
	return true;
}

void question_text_fini(struct question_text *t)
{
	for (int i = 0; i < t->n_owned; i++)
		free(t->owned[i]);
	*t = (struct question_text){0};
}

struct str question_answer(const PGresult *r)
{
	if (PQntuples(r) != 1 || PQgetisnull(r, 0, 0))
		return (struct str){0};
	return pg_value_text(r, 0, 0);
}
