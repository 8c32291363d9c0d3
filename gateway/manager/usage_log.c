/* POST /api/usage-log: events of Workers that are still at the edge, into the manager's
 * lane.
 *
 * From there they go the way of the gateway's own. Whoever reaches the manager may call
 * this, as with the older system; a row is made for known tokens only. */
#include "common/clock.h"
#include "gateway/manager/endpoints.h"
#include "gateway/manager/ingest.h"

static void refuse(struct call *c, enum problem_id id, const char *detail)
{
	call_context(c)->refused++;
	call_problem(c, id, detail);
}

/* A miss tells of an unknown token only while the table is in step with the database. */
static void answer_miss(struct call *c)
{
	struct manager_context *m = call_context(c);

	if (token_sync_state(m->tokens, clock_mono_us()) != TOKENS_FRESH) {
		refuse(c, PROBLEM_KEYS_UNAVAILABLE,
		       "whose token this is cannot be told now");
		return;
	}
	m->unknown++;
	call_reply_json(c, 200,
			STR("{\"status\":\"logged\",\"stored\":false,"
			    "\"reason\":\"unknown token_hash\"}"));
}

static bool find_token(const struct manager_context *m, const struct ingest *in,
		       int64_t *token_id)
{
	const struct token_table *table = token_sync_table(m->tokens);
	struct token_view token;

	if (!in->hash_possible || table == NULL ||
	    !token_table_find(table, in->event.token_hash, &token))
		return false;
	*token_id = token.token_id;
	return true;
}

static void record(struct call *c, struct ingest *in)
{
	struct manager_context *m = call_context(c);

	if (!find_token(m, in, &in->event.token_id)) {
		answer_miss(c);
		return;
	}
	if (!usage_lane_append(m->lane, &in->event)) {
		refuse(c, PROBLEM_QUEUE_FULL, "try again in a moment");
		return;
	}
	m->logged++;
	call_reply_json(c, 200, STR("{\"status\":\"logged\"}"));
}

void serve_usage_log(struct call *c)
{
	struct ingest in;

	switch (ingest_parse(&in, call_body(c), call_arrival_us(c))) {
	case INGEST_OK:
		record(c, &in);
		break;
	case INGEST_NOT_JSON:
	case INGEST_BAD_FIELD:
		refuse(c, PROBLEM_BAD_REQUEST, in.detail);
		break;
	}
	ingest_fini(&in);
}
