/* Questions: checked, and made into a statement (questions.sql) and its parameters: $1
 * from, $2 to, $3 zone, $4 tokens, $5 routes, $6 limit, $7 teams; others are a question's
 * own. */
#include "gateway/statistics/questions.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/pg_value.h"
#include "gateway/statistics/question_check.h"
#include "gateway/statistics/question_fields.h"
#include "gateway/statistics/statement.h"

#define SQL_MAX (64u << 10)
#define ID_SLACK_MS 30000 /* between an id's time and its row's */

/* --- parameters --- */

static void add_value(struct question_text *t, const char *value)
{
	CHECK(t->n_values < QUESTION_PARAMS);
	t->values[t->n_values++] = value;
}

static void add_owned(struct question_text *t, char *value)
{
	CHECK(t->n_owned < QUESTION_PARAMS);
	t->owned[t->n_owned++] = value;
	add_value(t, value);
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

static void add_series(const struct question *q, struct question_text *t)
{
	add_owned(t, question_step(q->step ? q->step : "1h"));
	add_owned(t, xasprintf("%d", QUESTION_POINTS_MAX));
	add_value(t, q->percentiles ? "true" : "false");
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

static void add_whole(const struct question *q, struct question_text *t)
{
	static const char *const compare[] = {
		[COMPARE_PREVIOUS] = "previous",
		[COMPARE_WEEK_BEFORE] = "week_before",
		[COMPARE_NONE] = "none",
	};

	add_prices(q, t);
	if (q->step == NULL)
		add_value(t, NULL);
	else
		add_owned(t, question_step(q->step));
	add_owned(t, xasprintf("%d", QUESTION_WHOLE_POINTS_MAX));
	add_value(t, compare[q->compare]);
	if (q->rows_in_teams)
		add_owned(t, question_ids_array(q->rows_teams, q->n_rows_teams));
	else
		add_value(t, NULL);
}

static void add_row(const struct question *q, struct question_text *t)
{
	int64_t ms = 0;

	CHECK(question_id_time(q->request_id, &ms));
	add_value(t, q->request_id);
	add_owned(t, question_time_text(ms > ID_SLACK_MS ? ms - ID_SLACK_MS : 0));
	add_owned(t, question_time_text(ms + ID_SLACK_MS));
}

static void add_number(struct question_text *t, int64_t value)
{
	if (value == 0)
		add_value(t, NULL);
	else
		add_owned(t, xasprintf("%lld", (long long)value));
}

static void add_rows(const struct question *q, struct question_text *t)
{
	char *used_at = NULL, *id = NULL;

	add_number(t, q->status_low);
	add_number(t, q->status_high);
	add_value(t, q->method);
	add_number(t, q->min_ms);
	if (q->after != NULL) {
		CHECK(question_place(q->after, &used_at, &id));
		add_owned(t, used_at);
		add_owned(t, id);
	} else {
		add_value(t, NULL);
		add_value(t, NULL);
	}
	add_value(t, q->outcome);
	add_value(t, q->address);
	if (q->link != NULL)
		add_value(t, q->link);
}

/* The parameters from $8 on. */
static void add_own(const struct question *q, struct question_text *t)
{
	if (q->kind == QUESTION_SERIES)
		add_series(q, t);
	else if (q->kind == QUESTION_ROWS)
		add_rows(q, t);
	else if (q->kind == QUESTION_ROW)
		add_row(q, t);
	else if (question_is_whole(q))
		add_whole(q, t);
	else if (q->kind == QUESTION_COST || q->kind == QUESTION_TOP_TOKENS ||
		 q->kind == QUESTION_TOP_ROUTES)
		add_prices(q, t);
}

/* --- the text --- */

enum time_shape { TIME_DEFAULT, TIME_CLOCK, TIME_INSTANT, TIME_SHAPES };

static enum time_shape shape_of(const char *text)
{
	bool has_offset;

	if (text == NULL)
		return TIME_DEFAULT;
	return question_time_is_valid(text, &has_offset) && has_offset ? TIME_INSTANT
								       : TIME_CLOCK;
}

/* All that a text depends on. */
struct shape {
	enum question_kind kind;
	enum time_shape from, to;
	enum question_order by;
	enum question_names names;
	/* a series' percentiles, a page's link, or that its route was heard of */
	bool with_more;
};

static struct shape shape_of_question(const struct question *q)
{
	return (struct shape){.kind = q->kind,
			      .from = shape_of(q->from),
			      .to = shape_of(q->to),
			      .by = q->by,
			      .names = q->names,
			      .with_more =
				      q->percentiles || q->link != NULL || q->heard_of};
}

static char *make_sql(const struct shape *s)
{
	static const char *const from[] = {"from_default", "from_clock", "from_instant"};
	static const char *const to[] = {"to_default", "to_clock", "to_instant"};
	static const char *const by[] = {
		[BY_CALLS] = "by_calls",
		[BY_ERRORS] = "by_errors",
		[BY_TIME] = "by_time",
		[BY_COST] = "by_cost",
	};
	static const char *const tokens[] = {
		[NAMES_ANY] = "tokens_any",
		[NAMES_TOKENS] = "tokens_named",
		[NAMES_TOKENS_AND_TEAMS] = "tokens_and_teams_named",
	};
	const struct statement_choice choices[] = {
		{"from", from[s->from]},
		{"to", to[s->to]},
		{"by", by[s->by]},
		{"tokens", tokens[s->names]},
		{"token_sums", s->by == BY_COST ? "token_sums_cost" : "token_sums_plain"},
		{"more", s->with_more ? "more_percentiles" : "nothing"},
		{"join", s->with_more ? "join_percentiles" : "nothing"},
		{"page", s->with_more ? "page_linked" : "page_plain"},
		{"heard", s->with_more ? "heard_of" : "nothing"},
		{NULL, NULL},
	};
	struct sbuf sql;
	char *text;

	sbuf_init(&sql, SQL_MAX);
	statement_put(&sql, question_name(s->kind), choices);
	CHECK(!sql.overflow);
	text = xstrndup(sql.p, sql.n);
	sbuf_fini(&sql);
	return text;
}

/* Texts are made when they are first asked for, and stay: there are only so many. */
static const char *sql_of(const struct question *q)
{
	static _Atomic(char *) texts[QUESTION_COUNT][TIME_SHAPES][TIME_SHAPES]
				    [BY_COST + 1][NAMES_TOKENS_AND_TEAMS + 1][2];
	struct shape s = shape_of_question(q);
	_Atomic(char *) *place = &texts[s.kind][s.from][s.to][s.by][s.names][s.with_more];
	char *there = atomic_load(place), *made;

	if (there != NULL)
		return there;
	made = make_sql(&s);
	if (atomic_compare_exchange_strong(place, &there, made))
		return made;
	free(made);
	return there;
}

static void tell_first(void *ctx, const char *field, const char *what)
{
	struct sbuf *error = ctx;

	if (error->n == 0)
		sbuf_printf(error, "%s %s", field, what);
}

bool question_build(const struct question *q, struct question_text *t, struct sbuf *error)
{
	*t = (struct question_text){0};
	if (!question_check(q, tell_first, error))
		return false;
	add_common(q, t);
	add_own(q, t);
	t->sql = sql_of(q);
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
