/* POST /api/usage-log: events of edge Workers, into the manager's lane.
 *
 * From there they go the way of the gateway's own. An array is looked through first: a
 * fault in any event refuses it whole. A row is made for known tokens only. */
#include <inttypes.h>
#include <stdio.h>

#include "common/clock.h"
#include "gateway/api/operations.h"
#include "gateway/manager/ingest.h"

struct tally {
	uint64_t logged, unknown, replaced;
	struct sbuf unknown_at; /* their indexes, as JSON */
};

static void refuse(struct call *c, enum problem_id id, const char *detail)
{
	call_context(c)->refused++;
	call_problem(c, id, detail);
}

static bool find_token(const struct manager_context *m, struct ingest *in)
{
	const struct token_table *table = token_sync_table(m->tokens);
	struct token_view token;

	if (!in->hash_possible || table == NULL ||
	    !token_table_find(table, in->event.token_hash, &token))
		return false;
	in->event.token_id = token.token_id;
	return true;
}

static void refuse_fields(struct call *c, const struct ingest *in)
{
	char detail[sizeof in->detail + 64];

	snprintf(detail, sizeof detail, "%s%s", in->detail,
		 in->is_array ? " (nothing of the array was taken)" : "");
	refuse(c, PROBLEM_BAD_REQUEST, detail);
}

/* False: answered, nothing is taken. */
static bool look_through(struct call *c, struct ingest *in)
{
	struct manager_context *m = call_context(c);
	enum ingest_verdict v;
	bool miss = false;

	while ((v = ingest_next(in)) != INGEST_END)
		miss |= v == INGEST_OK && !find_token(m, in);
	if (in->n_bad) {
		refuse_fields(c, in);
		return false;
	}
	/* A miss tells of an unknown token only while the table is in step with the
	 * database. */
	if (miss && token_sync_state(m->tokens, clock_mono_us()) != TOKENS_FRESH) {
		refuse(c, PROBLEM_KEYS_UNAVAILABLE,
		       "whose token this is cannot be told now");
		return false;
	}
	return true;
}

/* False: the lane is full. */
static bool take(struct call *c, struct ingest *in, struct tally *t)
{
	struct manager_context *m = call_context(c);

	if (!find_token(m, in)) {
		/* Its route is the caller's choice: not told, or each could make a
		 * row. */
		usage_lane_stranger(m->lane, call_arrival_us(c), (struct str){NULL, 0},
				    "unknown_token_hash", call_client(c));
		sbuf_printf(&t->unknown_at, "%s%zu", t->unknown ? "," : "",
			    in->index - 1);
		t->unknown++;
		m->unknown++;
		return true;
	}
	if (!usage_lane_offer(m->lane, &in->event))
		return false;
	t->logged++;
	t->replaced += in->time_replaced;
	m->logged++;
	return true;
}

/* The event at hand and all behind it are refused. Those with a request_id may come again
 * without harm, so they are expected to; the others are lost, as far as anybody here can
 * tell. */
static void refuse_full(struct call *c, struct ingest *in)
{
	struct manager_context *m = call_context(c);
	size_t first = in->index - 1;
	char detail[128];

	do {
		if (find_token(m, in) && in->event.request_id.p == NULL)
			usage_lane_drop(m->lane, &in->event);
	} while (ingest_next(in) == INGEST_OK);
	snprintf(
		detail, sizeof detail,
		first > 0
			? "events before [%zu] were taken; send the others again in a moment"
			: "try again in a moment",
		first);
	refuse(c, PROBLEM_QUEUE_FULL, detail);
}

static void answer_one(struct call *c, const struct tally *t)
{
	call_reply_json(
		c, 200,
		t->unknown
			? STR("{\"status\":\"logged\",\"stored\":false,\"reason\":\"unknown token_hash\"}")
			: STR("{\"status\":\"logged\"}"));
}

static void answer_array(struct call *c, const struct tally *t)
{
	struct sbuf out;

	sbuf_init(&out, 2 * CALL_OWN_BODY_MAX);
	sbuf_printf(&out,
		    "{\"status\":\"logged\",\"logged\":%" PRIu64 ",\"unknown\":%" PRIu64
		    ",\"unknown_at\":[" STR_FMT "],\"time_replaced\":%" PRIu64 "}",
		    t->logged, t->unknown, STR_ARG(sbuf_view(&t->unknown_at)),
		    t->replaced);
	call_reply_json(c, 200, sbuf_view(&out));
	sbuf_fini(&out);
}

static void take_all(struct call *c, struct ingest *in)
{
	struct tally t = {0};
	bool room = true;

	sbuf_init(&t.unknown_at, CALL_OWN_BODY_MAX);
	ingest_rewind(in);
	while (room && ingest_next(in) == INGEST_OK)
		room = take(c, in, &t);
	if (!room)
		refuse_full(c, in);
	else if (in->is_array)
		answer_array(c, &t);
	else
		answer_one(c, &t);
	sbuf_fini(&t.unknown_at);
}

void api_log_usage(struct call *c)
{
	struct ingest in;

	if (ingest_parse(&in, call_body(c), call_arrival_us(c)) != INGEST_OK)
		refuse(c, PROBLEM_BAD_REQUEST, in.detail);
	else if (look_through(c, &in))
		take_all(c, &in);
	ingest_fini(&in);
}
