/* Parameters of calls about usage. */
#include "gateway/api/usage_question.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/api/list_link.h"
#include "gateway/journal/outcome.h"
#include "gateway/statistics/question_check.h"

#define METHOD_MAX 10 /* characters, as the table has them */

/* One parameter that is being read. */
struct reading {
	const struct query *query;
	struct input_faults *faults;
};

static void fault(const struct reading *r, const char *name, const char *what)
{
	input_fault(r->faults, INPUT_PARAMETER, name, "%s", what);
}

/* --- values --- */

static bool is_number(const char *text, uint64_t most, uint64_t *out)
{
	return str_to_u64(str_of(text), out) && *out <= most;
}

bool usage_id(const char *text, int64_t *id)
{
	uint64_t n;

	if (!is_number(text, INT64_MAX, &n) || n == 0)
		return false;
	*id = (int64_t)n;
	return true;
}

static size_t read_ids(const struct reading *r, const char *name,
		       int64_t ids[QUERY_PARAMETERS_MAX])
{
	const char *values[QUERY_PARAMETERS_MAX];
	size_t n = query_all(r->query, name, values), found = 0;

	for (size_t i = 0; i < n; i++)
		if (usage_id(values[i], &ids[found]))
			found++;
		else
			fault(r, name, "must be an id: a number of 1 or more");
	return found;
}

/* Which of the words (NULL at the end) it is; 0 where it is not there. */
static int read_word(const struct reading *r, const char *name, const char *const *words,
		     const char *what)
{
	const char *value = query_get(r->query, name);

	for (int i = 0; value != NULL && words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	if (value != NULL)
		fault(r, name, what);
	return 0;
}

static uint64_t read_number(const struct reading *r, const char *name, uint64_t least,
			    uint64_t most)
{
	const char *value = query_get(r->query, name);
	uint64_t n = 0;

	if (value == NULL)
		return 0;
	if (is_number(value, most, &n) && n >= least)
		return n;
	input_fault(r->faults, INPUT_PARAMETER, name,
		    "must be a number from %llu to %llu", (unsigned long long)least,
		    (unsigned long long)most);
	return 0;
}

/* --- single calls --- */

static void read_status(const struct reading *r, struct question *q)
{
	const char *class = query_get(r->query, "class");

	q->status_low = q->status_high = (int)read_number(r, "status", 100, 999);
	if (class == NULL)
		return;
	if (strlen(class) != 3 || class[0] < '1' || class[0] > '9' ||
	    strcmp(class + 1, "xx") != 0) {
		fault(r, "class", "must be a class of statuses, like 5xx");
		return;
	}
	if (query_get(r->query, "status") != NULL) {
		fault(r, "class",
		      "is there beside status, which says more; leave it out");
		return;
	}
	q->status_low = (class[0] - '0') * 100;
	q->status_high = q->status_low + 99;
}

static void read_method(const struct reading *r, struct question *q)
{
	size_t n;

	q->method = query_get(r->query, "method");
	if (q->method == NULL)
		return;
	n = strlen(q->method);
	for (size_t i = 0; i < n; i++)
		if (!isupper((unsigned char)q->method[i]))
			n = 0;
	if (n == 0 || n > METHOD_MAX)
		fault(r, "method", "must be a method in capitals, like POST");
}

static void read_rows(const struct reading *r, struct question *q)
{
	read_status(r, q);
	read_method(r, q);
	q->min_ms = (int32_t)read_number(r, "min_ms", 0, INT32_MAX);
	q->after = query_get(r->query, "after");
	q->address = query_get(r->query, "address");
	q->outcome = query_get(r->query, "outcome");
	if (q->outcome != NULL && !usage_outcome_is_known(str_of(q->outcome)))
		fault(r, "outcome",
		      "is no outcome; docs/usage.md lists them: complete, client_abort, "
		      "http_response_timeout, ...");
}

/* --- whose --- */

static bool is_of_all(const struct identity *who)
{
	return who == NULL || who->is_admin;
}

/* What tells of no single call and no single token but by its rank. */
static bool is_statistics(enum question_kind kind)
{
	return kind == QUESTION_STATS || kind == QUESTION_ROUTE ||
	       kind == QUESTION_SERIES || kind == QUESTION_TOP_TOKENS ||
	       kind == QUESTION_TOP_ROUTES || kind == QUESTION_COST;
}

static bool is_own(const struct identity *who, int64_t team)
{
	for (size_t i = 0; i < who->n_teams; i++)
		if (who->teams[i].id == team)
			return true;
	return false;
}

static void take_own_teams(struct usage_question *u, const struct identity *who)
{
	u->own = xcalloc(who->n_teams + 1, sizeof *u->own);
	for (size_t i = 0; i < who->n_teams; i++)
		u->own[i] = who->teams[i].id;
}

static void restrict_to_own(struct usage_question *u, const struct identity *who,
			    const struct reading *r)
{
	struct question *q = &u->q;

	for (size_t i = 0; i < q->n_teams; i++)
		if (!is_own(who, q->teams[i]))
			input_fault(r->faults, INPUT_PARAMETER, "team",
				    "there is no team %lld, or none of yours",
				    (long long)q->teams[i]);
	take_own_teams(u, who);
	if (who->sees_all && is_statistics(q->kind) && q->n_teams == 0 && q->all_tokens) {
		q->rows_in_teams = question_is_whole(q);
		q->rows_teams = u->own;
		q->n_rows_teams = who->n_teams;
		return;
	}
	q->in_teams = true;
	if (q->n_teams == 0) {
		q->teams = u->own;
		q->n_teams = who->n_teams;
	}
}

static void read_whose(struct usage_question *u, const struct identity *who,
		       const struct reading *r)
{
	struct question *q = &u->q;

	q->tokens = u->tokens;
	q->n_tokens = read_ids(r, "token", u->tokens);
	q->all_tokens = query_get(r->query, "token") == NULL;
	q->teams = u->teams;
	q->n_teams = read_ids(r, "team", u->teams);
	q->routes = u->routes;
	q->n_routes = query_all(r->query, "route", u->routes);
	q->names =
		is_of_all(who) && q->n_teams > 0 ? NAMES_TOKENS_AND_TEAMS : NAMES_TOKENS;
	if (is_of_all(who))
		q->in_teams = query_get(r->query, "team") != NULL;
	else
		restrict_to_own(u, who, r);
}

/* --- the whole --- */

void usage_question_read(struct usage_question *u, enum question_kind kind,
			 const struct query *query, const struct identity *who,
			 struct input_faults *faults)
{
	static const char *const by[] = {"calls", "errors", "time", "cost", NULL};
	static const char *const compare[] = {"previous", "week_before", "none", NULL};
	static const char *const truth[] = {"false", "true", NULL};
	const struct reading r = {query, faults};
	struct question *q = &u->q;

	*u = (struct usage_question){.q.kind = kind};
	sbuf_init(&u->link, LIST_LINK_MAX);
	if (kind == QUESTION_ROWS)
		list_check_lengths(query, faults);
	q->from = query_get(query, "from");
	q->to = query_get(query, "to");
	q->zone = query_get(query, "zone");
	q->step = query_get(query, "step");
	q->by = (enum question_order)read_word(&r, "by", by,
					       "must be calls, errors, time or cost");
	q->compare = (enum question_compare)read_word(
		&r, "compare", compare, "must be previous, week_before or none");
	q->percentiles =
		read_word(&r, "percentiles", truth, "must be true or false") == 1;
	q->limit = (unsigned)read_number(&r, "limit", 1, USAGE_LIMIT_MAX);
	read_rows(&r, q);
	read_whose(u, who, &r);
}

void usage_question_of_token(struct usage_question *u, int64_t id)
{
	u->tokens[0] = id;
	u->q.n_tokens = 1;
	u->q.all_tokens = false;
	u->q.names = NAMES_ANY;
}

void usage_question_of_route(struct usage_question *u, const char *path)
{
	u->routes[0] = path;
	u->q.n_routes = 1;
}

void usage_question_price(struct usage_question *u, const struct settings *s)
{
	u->prices = xcalloc(s->n_routes + 1, sizeof *u->prices);
	u->q.prices = u->prices;
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].price_micro != 0)
			u->prices[u->q.n_prices++] = (struct question_price){
				s->routes[i].path, s->routes[i].price_micro};
}

/* from, to and after are the answer's to add: it knows what the range was. */
static bool is_linked(const char *name)
{
	return strcmp(name, "from") != 0 && strcmp(name, "to") != 0 &&
	       strcmp(name, "after") != 0;
}

void usage_question_link(struct usage_question *u, const char *path,
			 const struct query *query)
{
	char separator = '?';

	sbuf_str(&u->link, str_of(path));
	for (size_t i = 0; i < query->n; i++) {
		const struct query_item *item = &query->items[i];

		if (!is_linked(item->name))
			continue;
		sbuf_printf(&u->link, "%c%.*s=", separator, (int)strcspn(item->name, "*"),
			    item->name);
		list_link_value(&u->link, item->value);
		separator = '&';
	}
	CHECK(!u->link.overflow);
	u->q.link = sbuf_text(&u->link);
}

static void hear(void *ctx, const char *field, const char *what)
{
	static const struct {
		const char *field, *parameter;
	} names[] = {{"tokens", "token"}, {"teams", "team"}, {"routes", "route"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].field, field) == 0)
			field = names[i].parameter;
	input_fault(ctx, INPUT_PARAMETER, field, "%s", what);
}

void usage_question_check(const struct usage_question *u, struct input_faults *faults)
{
	question_check(&u->q, hear, faults);
}

void usage_question_fini(struct usage_question *u)
{
	sbuf_fini(&u->link);
	free(u->own);
	free(u->prices);
	*u = (struct usage_question){0};
}
