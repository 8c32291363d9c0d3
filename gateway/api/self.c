/* GET /api/self: what the holder of a gateway key may know of it. */
#include "common/check.h"
#include "common/clock.h"
#include "gateway/api/operations.h"
#include "gateway/proxy/admit.h"
#include "gateway/token/key.h"

/* As the gateway would, on any route. */
static void admit_key(struct admission *a, struct call *c)
{
	const struct token_sync *tokens = call_context(c)->tokens;
	struct key_hasher *hasher = key_hasher_new();

	admit_holder(a, call_head(c),
		     &(struct admit_context){
			     .tokens = token_sync_table(tokens),
			     .state = token_sync_state(tokens, clock_mono_us()),
			     .hasher = hasher,
			     .client = call_client(c),
			     .wall_us = call_arrival_us(c),
		     });
	key_hasher_free(&hasher);
}

static void answer(struct call *c, struct str json)
{
	if (json.p == NULL)
		call_problem(c, PROBLEM_UNKNOWN_KEY, "the key was replaced a moment ago");
	else
		call_reply_json(c, 200, json);
}

void api_get_self(struct call *c)
{
	static const char *const known[] = {NULL};
	char hash[2 * KEY_HASH_BYTES + 1];
	struct admission a;

	admit_key(&a, c);
	if (!a.admitted) {
		call_problem(c, a.problem, *a.detail != '\0' ? a.detail : NULL);
		return;
	}
	call_query(c, known);
	if (call_is_faulty(c))
		return;
	hex_encode(hash, a.hash, sizeof a.hash);
	call_ask(c, &(struct call_question){.pool = DB_QUESTIONS,
					    .sql = "SELECT usage_self($1)",
					    .values = {hash},
					    .n_values = 1,
					    .then = answer});
}
