/* GET /api/live: calls as they end. */
#include "gateway/manager/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/usage_question.h"

#define LAST_ID_ROOM 64

/* --- what is asked for --- */

static int64_t *copy_ids(const int64_t *ids, size_t n)
{
	int64_t *copy = xcalloc(n + 1, sizeof *copy);

	if (n > 0)
		memcpy(copy, ids, n * sizeof *copy);
	return copy;
}

static char *copy_text(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* An address, or a network; what it is was checked. */
static struct net_cidr network_of(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct net_cidr c = {0};
	bool is_mapped;
	uint64_t bits;

	if (!net_ip_parse(&c.ip, (struct str){text, n}))
		return c;
	is_mapped = c.ip.family == 4 && memchr(text, ':', n) != NULL;
	c.bits = c.ip.family == 4 ? 32 : 128;
	if (slash == NULL || !str_to_u64(str_of(slash + 1), &bits))
		return c;
	if (is_mapped)
		bits = bits > 96 ? bits - 96 : 0;
	c.bits = bits < c.bits ? (uint8_t)bits : c.bits;
	return c;
}

static void copy_filter(struct live_filter *to, const struct question *q)
{
	*to = (struct live_filter){
		.tokens = copy_ids(q->tokens, q->n_tokens),
		.n_tokens = q->n_tokens,
		.teams = copy_ids(q->teams, q->n_teams),
		.n_teams = q->n_teams,
		.routes = xcalloc(q->n_routes + 1, sizeof *to->routes),
		.n_routes = q->n_routes,
		.status_low = q->status_low,
		.status_high = q->status_high,
		.method = copy_text(q->method),
		.outcome = copy_text(q->outcome),
		.min_ms = q->min_ms,
	};
	for (size_t i = 0; i < q->n_routes; i++)
		to->routes[i] = xstrdup(q->routes[i]);
	if (q->address != NULL)
		to->network = network_of(q->address);
}

static void check_teams(struct call *c, const struct question *q)
{
	const struct identity *who = call_identity(c);

	for (size_t i = 0; i < q->n_teams && !who->is_admin; i++) {
		bool is_own = false;

		for (size_t k = 0; k < who->n_teams; k++)
			is_own |= who->teams[k].id == q->teams[i];
		if (!is_own)
			input_fault(call_faults(c), INPUT_PARAMETER, "team",
				    "there is no team %lld, or none of yours",
				    (long long)q->teams[i]);
	}
}

static void read_filter(struct call *c, const struct query *query, struct live_filter *to)
{
	struct usage_question u;

	usage_question_read(&u, QUESTION_ROWS, query, NULL, call_faults(c));
	check_teams(c, &u.q);
	usage_question_check(&u, call_faults(c));
	if (call_faults(c)->n == 0)
		copy_filter(to, &u.q);
	usage_question_fini(&u);
}

#define FILTERS                                                                          \
	"token*", "team*", "route*", "status", "class", "outcome", "method", "address",  \
		"min_ms"

static void read_list(struct call *c, const char *const *texts, struct live_wish *wish)
{
	static const char *const known[] = {FILTERS, NULL};

	for (size_t i = 0; i < wish->n_filters; i++) {
		struct query query = {0};

		query_read(&query, str_of(texts[i]), known, call_faults(c));
		read_filter(c, &query, &wish->filters[i]);
		query_fini(&query);
	}
}

static void read_wish(struct call *c, struct live_wish *wish)
{
	static const char *const known[] = {FILTERS, "filter*", NULL};
	const struct query *query = call_query(c, known);
	const char *texts[QUERY_PARAMETERS_MAX];
	size_t n = query_all(query, "filter", texts);

	*wish = (struct live_wish){.is_list = n > 0, .n_filters = n > 0 ? n : 1};
	if (n > LIVE_FILTERS_MAX || (n > 0 && n < query->n)) {
		input_fault(call_faults(c), INPUT_PARAMETER, "filter",
			    "may come up to %u times, and then with nothing beside it",
			    LIVE_FILTERS_MAX);
		return;
	}
	wish->filters = xcalloc(wish->n_filters, sizeof *wish->filters);
	if (n > 0)
		read_list(c, texts, wish);
	else
		read_filter(c, query, wish->filters);
}

static void wish_fini(struct live_wish *wish)
{
	for (size_t i = 0; i < wish->n_filters && wish->filters != NULL; i++)
		live_filter_fini(&wish->filters[i]);
	free(wish->filters);
}

/* --- the operation --- */

/* What a browser sends by itself when it comes back; one that is too long is none of
 * ours. */
static const char *last_id(const struct call *c, char text[LAST_ID_ROOM])
{
	const struct request_head *h = call_head(c);

	for (size_t i = 0; h != NULL && i < h->n_fields; i++)
		if (str_ieq(h->fields[i].name, STR("last-event-id")))
			return str_copy(text, LAST_ID_ROOM, h->fields[i].value) ? text
										: "";
	return NULL;
}

/* True: answered. */
static bool refuse(struct call *c, enum live_room room)
{
	switch (room) {
	case LIVE_HAS_ROOM:
		return false;
	case LIVE_USER_IS_FULL:
		call_problem_later(c, PROBLEM_TOO_MANY_STREAMS,
				   "4 streams of yours are open; close one",
				   LIVE_LATER_S);
		return true;
	case LIVE_NODE_IS_FULL:
		call_problem_later(c, PROBLEM_BUSY,
				   "as many look on as this node has room for",
				   LIVE_LATER_S);
		return true;
	case LIVE_ENDS:
		call_problem(c, PROBLEM_SHUTTING_DOWN, NULL);
		return true;
	}
	CHECK(!"room for a stream");
	return true;
}

void api_get_live(struct call *c)
{
	struct live *live = call_context(c)->live;
	char id[LAST_ID_ROOM];
	struct live_wish wish;

	read_wish(c, &wish);
	if (call_is_faulty(c) || refuse(c, live_make_room(live, call_identity(c)))) {
		wish_fini(&wish);
		return;
	}
	wish.last_id = last_id(c, id);
	live_begin(live, c, &wish);
}
