/* What becomes of each request: answered here, refused, or sent upstream; and what ends
 * an exchange from without: deadlines, a revoked token, the worker's stop. */
#include "gateway/proxy/dispatch.h"

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/client_addr.h"
#include "gateway/journal/event.h"
#include "gateway/proxy/exchange_end.h"
#include "gateway/proxy/exchange_record.h"
#include "gateway/proxy/forward_request.h"
#include "gateway/proxy/local.h"
#include "gateway/proxy/relay.h"
#include "gateway/proxy/sender.h"
#include "gateway/proxy/tunnel.h"

#define REVOCATION_CHECK_US 2000000u

/* --- request and response --- */

static bool may_drain(const struct exchange *x)
{
	return x->admission.route->on_client_abort == ON_ABORT_DRAIN && x->u != NULL &&
	       x->request.ready && x->request.done && !x->request.upgrade;
}

/* What is left of the answer to a client that has gone is the drain's. */
static void leave_to_drain(struct exchange *x)
{
	drain_begin(&x->env->drains, &(struct drain_start){
					     .site = x->site,
					     .u = x->u,
					     .reader = x->response.reader,
					     .bytes = x->record.bytes_out,
					     .reusable = x->response.reusable,
				     });
	x->u = NULL;
	x->response.reader.partial = (struct sbuf){0};
}

static void on_gone(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (may_drain(x))
		leave_to_drain(x);
	if (x->response.reader.has_head)
		exchange_abort(x, "while the response was sent");
	else if (x->request.done)
		exchange_abort(x, "while waiting for the upstream");
	else
		exchange_abort(x, "while the request was sent");
}

static void time_out(struct exchange *x, const char *detail)
{
	exchange_cut(x, PROBLEM_RESPONSE_TIMEOUT,
		     problem_proxy_error(PROBLEM_RESPONSE_TIMEOUT), detail,
		     EXCHANGE_CUT_MS);
}

static void tick_waiting(struct exchange *x, uint64_t now_us)
{
	const struct settings_timeouts *t = &x->admission.route->timeouts;
	uint64_t progress = upstream_progress_us(x->u);

	if (upstream_queued(x->u) > 0 && clock_over(progress, t->idle_ms, now_us))
		exchange_fail(
			x, PROBLEM_CONNECTION_WRITE_TIMEOUT,
			"the upstream stopped taking the request for timeouts.idle_s");
	else if (x->request.done && upstream_queued(x->u) == 0 &&
		 clock_over(progress, t->first_byte_ms, now_us))
		time_out(x, "no response head within timeouts.first_byte_s");
}

static void on_tick(struct exchange *x, uint64_t now_us)
{
	if (x->u == NULL || !x->request.ready)
		return;
	if (!x->response.reader.has_head)
		tick_waiting(x, now_us);
	else if (!x->response.paused &&
		 clock_over(x->response.data_us, x->admission.route->timeouts.idle_ms,
			    now_us))
		time_out(x, "the response was silent for timeouts.idle_s");
}

static const struct exchange_mode mode = {
	.client = {.on_body = sender_on_body,
		   .on_writable = relay_on_writable,
		   .on_gone = on_gone},
	.upstream = {.on_ready = sender_on_ready,
		     .on_data = relay_on_data,
		     .on_writable = sender_on_writable,
		     .on_end = relay_on_end},
	.tick = on_tick,
	.revoked_after_us = EXCHANGE_OLD_US,
};

/* --- requests --- */

static void on_request(struct http_conn *c, void *ctx)
{
	struct exchange_env *env = ctx;
	const struct request_head *h = http_conn_head(c);
	struct exchange *x;

	if (local_page(env, c))
		return;
	x = exchange_new(env, c, &mode);
	x->client = client_addr_of(h, http_conn_peer(c), x->site->settings);
	exchange_ids_make(&x->ids, h, x->record.arrival_wall_us, &env->ids);
	admit_route(&x->admission, h, x->site->routes);
	if (local_preflight(x))
		return;
	admit(&x->admission, h,
	      &(struct admit_context){
		      .tokens = token_sync_table(env->tokens),
		      .state = token_sync_state(env->tokens, x->record.arrival_us),
		      .hasher = env->hasher,
		      .client = &x->client,
		      .wall_us = x->record.arrival_wall_us,
	      });
	if (x->admission.keys.thorough)
		exchange_ids_hide(&x->ids, x->admission.keys.key,
				  x->record.arrival_wall_us, &env->ids);
	if (!x->admission.admitted)
		exchange_fail(x, x->admission.problem, x->admission.detail);
	else if (forward_is_loop(h))
		exchange_fail(x, PROBLEM_PROXY_LOOP, "Via names this gateway already");
	else if (forward_ends_here(h))
		local_options(x);
	else
		sender_start(x, tunnel_wanted(h, x->admission.route));
}

static void on_refused(struct http_conn *c, void *ctx, enum problem_id id,
		       size_t body_bytes)
{
	exchange_record_refusal(ctx, c, id, body_bytes);
}

const struct http_handler *dispatch_handler(void)
{
	static const struct http_handler handler = {
		.on_request = on_request,
		.on_refused = on_refused,
	};

	return &handler;
}

/* --- from without --- */

static void tick(struct exchange *x, uint64_t now_us)
{
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (exchange_is_ending(x))
		exchange_ending_tick(x, now_us);
	else if (clock_over(x->record.arrival_us, x->admission.route->timeouts.total_ms,
			    now_us))
		time_out(x, "the exchange took longer than timeouts.total_s");
	else
		x->mode->tick(x, now_us);
}

/* NULL: its key still counts, for this caller. */
static const char *why_revoked(const struct exchange *x, const struct token_table *table,
			       enum problem_id *id)
{
	struct token_view t;

	*id = PROBLEM_REVOKED_KEY;
	if (!token_table_find(table, x->admission.hash, &t) || (t.flags & TOKEN_REVOKED))
		return "the key was revoked";
	*id = PROBLEM_DISABLED_KEY;
	if (t.flags & TOKEN_DISABLED)
		return "the key was disabled";
	if (t.flags & TOKEN_TEAM_DISABLED)
		return "the key's team was disabled";
	*id = PROBLEM_ADDRESS_FORBIDDEN;
	if (!token_allows_address(&t, &x->client))
		return "the key may no longer be used from this address";
	return NULL;
}

/* A stream that has run for long ends soon after its token was revoked or disabled. */
static void check_revocation(struct exchange_env *env, uint64_t now_us)
{
	const struct token_table *table = token_sync_table(env->tokens);
	struct exchange *x, *next;
	enum problem_id id;
	const char *why;

	if (now_us - env->revocation_check_us < REVOCATION_CHECK_US || table == NULL)
		return;
	env->revocation_check_us = now_us;
	for (x = TAILQ_FIRST(&env->all); x != NULL; x = next) {
		next = TAILQ_NEXT(x, all);
		if (now_us - x->record.arrival_us < x->mode->revoked_after_us)
			continue;
		why = why_revoked(x, table, &id);
		if (why != NULL)
			exchange_cut(x, id, USAGE_OUTCOME_REVOKED, why, EXCHANGE_CUT_MS);
	}
}

void dispatch_tick(struct exchange_env *env, uint64_t now_us)
{
	struct exchange *x, *next;

	for (x = TAILQ_FIRST(&env->all); x != NULL; x = next) {
		next = TAILQ_NEXT(x, all);
		tick(x, now_us);
	}
	drains_tick(&env->drains, now_us);
	check_revocation(env, now_us);
}

void dispatch_stop(struct exchange_env *env)
{
	struct exchange *x, *next;

	for (x = TAILQ_FIRST(&env->all); x != NULL; x = next) {
		next = TAILQ_NEXT(x, all);
		exchange_cut(x, PROBLEM_SHUTTING_DOWN, USAGE_OUTCOME_SHUTDOWN,
			     "the gateway was stopped", EXCHANGE_STOP_MS);
	}
	drains_stop(&env->drains);
}

bool dispatch_is_idle(const struct exchange_env *env)
{
	return TAILQ_EMPTY(&env->all) && TAILQ_EMPTY(&env->drains.all);
}
