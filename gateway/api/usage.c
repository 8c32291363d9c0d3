/* GET /api/usage/...: statistics, from the rollups (docs/usage-questions.md). */
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/route_facts.h"
#include "gateway/api/usage_ask.h"

#define ANSWER_MAX (64u << 20)

static void read(struct usage_question *u, struct call *c, enum question_kind kind,
		 const struct query *query)
{
	usage_question_read(u, kind, query, call_identity(c), call_faults(c));
	usage_question_price(u, call_context(c)->settings);
}

void api_get_usage_stats(struct call *c)
{
	static const char *const known[] = {"from",   "to",      "zone",  "step",
					    "by",     "compare", "limit", "team*",
					    "token*", "route*",  NULL};
	struct usage_question u;

	read(&u, c, QUESTION_STATS, call_query(c, known));
	usage_ask(c, &u, NULL);
}

void api_get_token_usage(struct call *c)
{
	static const char *const known[] = {"from",    "to",    "zone",   "step", "by",
					    "compare", "limit", "route*", NULL};
	struct usage_question u;
	int64_t id;

	if (!usage_id(call_path(c, "id"), &id)) {
		call_problem(c, PROBLEM_NOT_FOUND, "a token's id is a number");
		return;
	}
	read(&u, c, QUESTION_TOKEN, call_query(c, known));
	usage_question_of_token(&u, id);
	usage_ask(c, &u, NULL);
}

void api_get_usage_series(struct call *c)
{
	static const char *const known[] = {"from",   "to",          "zone",
					    "step",   "percentiles", "team*",
					    "token*", "route*",      NULL};
	struct usage_question u;

	read(&u, c, QUESTION_SERIES, call_query(c, known));
	usage_ask(c, &u, NULL);
}

void api_get_usage_top(struct call *c)
{
	static const char *const known[] = {"of",    "from",  "to",     "zone",   "by",
					    "limit", "team*", "token*", "route*", NULL};
	const struct query *query = call_query(c, known);
	const char *of = query_get(query, "of");
	struct usage_question u;

	if (of != NULL && strcmp(of, "tokens") != 0 && strcmp(of, "routes") != 0)
		input_fault(call_faults(c), INPUT_PARAMETER, "of",
			    "must be tokens or routes");
	read(&u, c,
	     of != NULL && strcmp(of, "routes") == 0 ? QUESTION_TOP_ROUTES
						     : QUESTION_TOP_TOKENS,
	     query);
	usage_ask(c, &u, NULL);
}

void api_get_usage_cost(struct call *c)
{
	static const char *const known[] = {"from",   "to",     "zone", "team*",
					    "token*", "route*", NULL};
	struct usage_question u;

	read(&u, c, QUESTION_COST, call_query(c, known));
	usage_ask(c, &u, NULL);
}

/* --- of a route --- */

/* The facts, as the beginning of the answer's object. The caller frees it. */
static char *facts_text(const struct settings *s, const char *path)
{
	const struct settings_route *r = route_facts_find(s, path);
	cJSON *facts = r != NULL ? route_facts(r) : cJSON_CreateNull();
	char *printed = cJSON_PrintUnformatted(facts), *text;

	CHECK(printed != NULL);
	text = xasprintf("{\"configured\": %s, \"configuration\": %s, ",
			 r != NULL ? "true" : "false", printed);
	cJSON_free(printed);
	cJSON_Delete(facts);
	return text;
}

static void answer_with_facts(struct call *c, struct str json)
{
	struct sbuf out;

	if (json.p == NULL || json.n == 0 || json.p[0] != '{') {
		call_problem(c, PROBLEM_NOT_FOUND,
			     "no route has this path, and none with calls ever had");
		return;
	}
	sbuf_init(&out, ANSWER_MAX);
	sbuf_str(&out, str_of(call_kept(c)));
	sbuf_add(&out, json.p + 1, json.n - 1);
	CHECK(!out.overflow);
	call_reply_json(c, 200, sbuf_view(&out));
	sbuf_fini(&out);
}

void api_get_route_usage(struct call *c)
{
	static const char *const known[] = {"path",  "from",   "to",      "zone",
					    "step",  "by",     "compare", "limit",
					    "team*", "token*", NULL};
	const struct settings *s = call_context(c)->settings;
	const struct query *query = call_query(c, known);
	const char *path = query_get(query, "path");
	struct usage_question u;

	if (path == NULL || path[0] != '/')
		input_fault(call_faults(c), INPUT_PARAMETER, "path",
			    "must be the path of a route, like /api/openai");
	read(&u, c, QUESTION_ROUTE, query);
	usage_question_of_route(&u, path != NULL ? path : "");
	u.q.heard_of = path == NULL || route_facts_find(s, path) == NULL;
	if (path != NULL)
		call_keep(c, facts_text(s, path), free);
	usage_ask(c, &u, answer_with_facts);
}
