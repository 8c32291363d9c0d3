/* What a question must hold to be asked. */
#include "gateway/statistics/question_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/statistics/question_fields.h"

#define WHAT_MAX 256

struct check {
	const struct question *q;
	void (*fault)(void *ctx, const char *field, const char *what);
	void *ctx;
	bool is_right;
};

static void fault(struct check *c, const char *field, const char *what)
{
	c->is_right = false;
	c->fault(c->ctx, field, what);
}

bool question_is_whole(const struct question *q)
{
	return q->kind == QUESTION_STATS || q->kind == QUESTION_TOKEN ||
	       q->kind == QUESTION_ROUTE;
}

unsigned question_limit_max(const struct question *q)
{
	return q->kind == QUESTION_ROWS ? QUESTION_PAGE_MAX : QUESTION_TOP_MAX;
}

static void check_times(struct check *c)
{
	const struct {
		const char *name, *text;
	} times[] = {{"from", c->q->from}, {"to", c->q->to}};
	bool has_offset;

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		const char *text = times[i].text;

		if (text == NULL || question_time_is_valid(text, &has_offset))
			continue;
		fault(c, times[i].name,
		      question_time_lost_plus(text)
			      ? "has a blank where its offset has a sign; in a link + is "
				"written %2B"
			      : "must be a time like 2026-11-24, 2026-11-24T12:30 or "
				"2026-11-24T12:30:00+05:30, of the years 1970 to 2199");
	}
	if (c->q->zone != NULL && !question_zone_is_valid(c->q->zone))
		fault(c, "zone", "must be the name of a time zone, like Asia/Kolkata");
}

/* A restriction that a question does not know would be told as if it held. */
static void check_own(struct check *c)
{
	const struct question *q = c->q;
	bool whole = question_is_whole(q);
	const struct {
		bool set;
		enum question_kind of;
		const char *name;
	} fields[] = {
		{q->step != NULL && !whole, QUESTION_SERIES, "step"},
		{q->compare != COMPARE_PREVIOUS && !whole, QUESTION_STATS, "compare"},
		{q->rows_in_teams && !whole, QUESTION_STATS, "rows_in_teams"},
		{q->percentiles, QUESTION_SERIES, "percentiles"},
		{q->heard_of, QUESTION_ROUTE, "heard_of"},
		{q->status_low != 0, QUESTION_ROWS, "status"},
		{q->method != NULL, QUESTION_ROWS, "method"},
		{q->min_ms != 0, QUESTION_ROWS, "min_ms"},
		{q->after != NULL, QUESTION_ROWS, "after"},
		{q->outcome != NULL, QUESTION_ROWS, "outcome"},
		{q->address != NULL, QUESTION_ROWS, "address"},
		{q->link != NULL, QUESTION_ROWS, "link"},
		{q->request_id != NULL, QUESTION_ROW, "request_id"},
	};
	char what[WHAT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (!fields[i].set || q->kind == fields[i].of)
			continue;
		snprintf(what, sizeof what, "is for the question `%s`",
			 question_name(fields[i].of));
		fault(c, fields[i].name, what);
	}
}

static void check_counts(struct check *c)
{
	const struct question *q = c->q;
	char what[WHAT_MAX];

	if (q->n_tokens > QUESTION_TOKENS_MAX)
		fault(c, "tokens", "are more than 10000");
	if (q->n_teams > QUESTION_TEAMS_MAX)
		fault(c, "teams", "are more than 10000");
	if (q->n_routes > QUESTION_ROUTES_MAX)
		fault(c, "routes", "are more than 1000");
	if (q->kind == QUESTION_TOKEN && (q->all_tokens || q->n_tokens != 1))
		fault(c, "tokens", "must be one: this question is of one token");
	if (q->kind == QUESTION_ROUTE && q->n_routes != 1)
		fault(c, "routes", "must be one: this question is of one route");
	if (q->limit > question_limit_max(q)) {
		snprintf(what, sizeof what, "must be 1 to %u", question_limit_max(q));
		fault(c, "limit", what);
	}
}

static void check_step(struct check *c)
{
	char *step = c->q->step != NULL ? question_step(c->q->step) : NULL;

	if (c->q->step != NULL && step == NULL)
		fault(c, "step",
		      "must be a multiple of 15 minutes: 15m, 2h, 1d, 1w, 1mo or 1y");
	free(step);
}

static void check_rows(struct check *c)
{
	const struct question *q = c->q;
	char *used_at = NULL, *id = NULL;

	if (q->status_low < 0 || q->status_high < q->status_low || q->status_high > 999)
		fault(c, "status", "must be 100 to 999, or a class like 5xx");
	if (q->min_ms < 0)
		fault(c, "min_ms", "must be 0 or more");
	if (q->after != NULL && !question_place(q->after, &used_at, &id))
		fault(c, "after", "must be what `next` of the page before holds");
	if (q->address != NULL && !question_network_is_valid(q->address))
		fault(c, "address", "must be one, or a network like 192.0.2.0/24");
	free(used_at);
	free(id);
}

static void check_row(struct check *c)
{
	int64_t ms;

	if (c->q->request_id == NULL || !question_id_time(c->q->request_id, &ms))
		fault(c, "request_id",
		      "must be one that the gateway made, which tells its time; `rows` "
		      "finds others");
}

bool question_check(const struct question *q,
		    void (*hear)(void *ctx, const char *field, const char *what),
		    void *ctx)
{
	struct check c = {.q = q, .fault = hear, .ctx = ctx, .is_right = true};

	check_times(&c);
	check_step(&c);
	check_counts(&c);
	check_own(&c);
	if (q->kind == QUESTION_ROWS)
		check_rows(&c);
	if (q->kind == QUESTION_ROW)
		check_row(&c);
	return c.is_right;
}
