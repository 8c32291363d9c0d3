/* GET /api/nodes, and which nodes have applied a change of tokens. */
#include "gateway/api/nodes.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/manager/confirmations.h"

#define ANSWER_MAX (64u << 20)

void api_list_nodes(struct call *c)
{
	call_ask(c, &(struct call_question){.pool = DB_QUESTIONS,
					    .sql = "SELECT nodes_list()"});
}

uint32_t api_wait_ms(struct call *c, const struct query *q)
{
	const char *text = query_get(q, "wait");
	uint64_t ms = 0;

	if (text == NULL)
		return 0;
	if (!str_to_u64(str_of(text), &ms) || ms > API_WAIT_MAX_MS) {
		input_fault(call_faults(c), INPUT_PARAMETER, "wait",
			    "must be milliseconds, at most %d", API_WAIT_MAX_MS);
		return 0;
	}
	return (uint32_t)ms;
}

int64_t api_generation(struct str json)
{
	cJSON *object = cJSON_ParseWithLength(json.p, json.n);
	double generation = cJSON_GetNumberValue(
		cJSON_GetObjectItemCaseSensitive(object, "generation"));

	cJSON_Delete(object);
	return generation > 0 ? (int64_t)generation : 0;
}

/* --- waiting --- */

struct waiting {
	struct call *call;
	struct sbuf json; /* without its last brace */
};

static void put_nodes(struct sbuf *out, const struct confirmed *what, bool applied)
{
	cJSON *list = cJSON_CreateArray();
	char *text;

	for (size_t i = 0; i < what->n; i++) {
		const struct confirmation *node = &what->nodes[i];
		cJSON *item;

		if (node->has_applied != applied)
			continue;
		item = cJSON_CreateObject();
		cJSON_AddStringToObject(item, "name", node->node);
		if (applied)
			cJSON_AddNumberToObject(item, "after_ms", node->ms);
		else
			cJSON_AddStringToObject(item, "reported_at", node->since);
		cJSON_AddItemToArray(list, item);
	}
	text = cJSON_PrintUnformatted(list);
	CHECK(text != NULL);
	sbuf_str(out, str_of(text));
	cJSON_free(text);
	cJSON_Delete(list);
}

static bool is_complete(const struct confirmed *what)
{
	bool complete = what->is_known;

	for (size_t i = 0; i < what->n; i++)
		complete &= what->nodes[i].has_applied;
	return complete;
}

static void on_confirmed(void *ctx, const struct confirmed *what)
{
	struct waiting *w = ctx;
	struct sbuf *out = &w->json;

	sbuf_lit(out, "\"confirmed\":");
	put_nodes(out, what, true);
	sbuf_lit(out, ",\"silent\":");
	put_nodes(out, what, false);
	sbuf_printf(out, ",\"complete\":%s}", is_complete(what) ? "true" : "false");
	CHECK(!out->overflow);
	call_reply_json(w->call, 200, sbuf_view(out));
	sbuf_fini(out);
	free(w);
}

/* The object, open for further members. */
static void put_open(struct sbuf *out, struct str json)
{
	json = str_trim(json);
	CHECK(json.n >= 2 && json.p[0] == '{' && json.p[json.n - 1] == '}');
	json.n--;
	sbuf_str(out, json);
	if (str_trim((struct str){json.p + 1, json.n - 1}).n > 0)
		sbuf_lit(out, ",");
}

void api_wait_confirmed(struct call *c, int64_t generation, uint32_t wait_ms,
			struct str json)
{
	struct waiting *w;

	if (wait_ms == 0) {
		call_reply_json(c, 200, json);
		return;
	}
	w = xcalloc(1, sizeof *w);
	w->call = c;
	sbuf_init(&w->json, ANSWER_MAX);
	put_open(&w->json, json);
	confirmations_wait(call_context(c)->confirmations, generation, wait_ms,
			   on_confirmed, w);
}
