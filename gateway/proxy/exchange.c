/* One request's way: admitted, sent to an upstream, retried once where that is safe,
 * ended. */
#include "gateway/proxy/exchange.h"

#include <stdio.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/client_addr.h"
#include "gateway/proxy/cors.h"
#include "gateway/journal/event.h"

#define SPARE_MAX 256

static const struct upstream_user upstream_user;
static const struct http_conn_user conn_user;

/* --- life --- */

static struct exchange *exchange_new(struct worker *w, struct http_conn *c)
{
	struct exchange *x = w->spare;

	if (x != NULL) {
		w->spare = x->next_spare;
		w->n_spare--;
	} else {
		x = xmalloc(sizeof *x);
	}
	memset(x, 0, sizeof *x);
	x->magic = EXCHANGE_MAGIC;
	x->w = w;
	x->c = c;
	x->site = w->site;
	x->site->refs++;
	x->reusable = true;
	x->arrival_us = http_conn_arrival_us(c);
	x->arrival_wall_us = http_conn_arrival_wall_us(c);
	sbuf_init(&x->partial, RESPONSE_HEAD_MAX + UPSTREAM_SCRATCH);
	sbuf_init(&x->held, 2 * EXCHANGE_LAST_PIECE + RESPONSE_HEAD_MAX + 4096);
	TAILQ_INSERT_TAIL(&w->exchanges, x, all);
	worker_count(w, 1);
	http_conn_set_user(c, &conn_user, x);
	return x;
}

void exchange_release_upstream(struct exchange *x, bool reusable)
{
	if (x->u != NULL)
		upstream_release(&x->u, reusable);
}

void exchange_free(struct exchange *x)
{
	struct worker *w = x->w;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	CHECK(x->c == NULL && (x->recorded || x->local_answer));
	exchange_release_upstream(x, false);
	TAILQ_REMOVE(&w->exchanges, x, all);
	worker_count(w, -1);
	sbuf_fini(&x->partial);
	sbuf_fini(&x->held);
	if (x->replay != NULL)
		evbuffer_free(x->replay);
	site_release(x->site);
	x->magic = 0;
	if (w->n_spare >= SPARE_MAX) {
		free(x);
		return;
	}
	x->next_spare = w->spare;
	w->spare = x;
	w->n_spare++;
}

/* The whole answer is ours. */
static void answer_problem(struct exchange *x, enum problem_id id, const char *detail)
{
	struct http_conn *c = x->c;
	struct problem_answer a = {.id = id};
	char request_id[REQUEST_ID_MAX + 1], text[EXCHANGE_ERROR_MAX];
	struct sbuf fields;

	sbuf_init(&fields, CORS_FIELDS_MAX);
	local_cors_fields(x, &fields);
	a.fields = sbuf_view(&fields);
	if (detail != NULL && detail[0]) {
		snprintf(text, sizeof text, "%s", detail);
		a.detail = text;
	}
	snprintf(request_id, sizeof request_id, "%s", x->ids.request_id);
	a.request_id = str_of(request_id);
	if (id == PROBLEM_METHOD_NOT_ALLOWED && x->admission.route != NULL)
		a.allow_methods = x->admission.route->methods;
	x->status = problem_status(id);
	x->first_out_us = clock_mono_us();
	if (x->outcome == NULL)
		x->outcome = problem_proxy_error(id);
	snprintf(x->error, sizeof x->error, "%s: %s", x->outcome,
		 a.detail ? a.detail : problem_title(id));
	exchange_record(x, x->outcome);
	x->c = NULL;
	exchange_free(x);
	http_conn_problem(c, a);
	sbuf_fini(&fields);
}

void exchange_fail(struct exchange *x, enum problem_id id, const char *detail)
{
	struct http_conn *c = x->c;

	exchange_release_upstream(x, false);
	if (c == NULL) {
		exchange_free(x);
		return;
	}
	if (x->status == 0) {
		answer_problem(x, id, detail);
		return;
	}
	snprintf(x->error, sizeof x->error, "%s: %s", problem_proxy_error(id),
		 detail && detail[0] ? detail : problem_title(id));
	exchange_record(x, problem_proxy_error(id));
	x->c = NULL;
	exchange_free(x);
	http_conn_reset(c);
}

void exchange_cut(struct exchange *x, const char *outcome, const char *detail)
{
	struct http_conn *c = x->c;

	exchange_release_upstream(x, false);
	if (c == NULL) {
		exchange_free(x);
		return;
	}
	if (x->status == 0) {
		x->outcome = outcome;
		answer_problem(x,
			       strcmp(outcome, USAGE_OUTCOME_REVOKED) == 0
				       ? PROBLEM_REVOKED_KEY
				       : PROBLEM_SHUTTING_DOWN,
			       detail);
		return;
	}
	snprintf(x->error, sizeof x->error, "%s: %s", outcome, detail);
	exchange_record(x, outcome);
	x->c = NULL;
	exchange_free(x);
	http_conn_reset(c);
}

/* --- the request --- */

static bool send_head(struct exchange *x)
{
	struct worker *w = x->w;
	const struct net_ip *socket_peer = http_conn_peer(x->c);
	char ip[NET_ADDR_TEXT_MAX], peer[NET_ADDR_TEXT_MAX];
	struct forward_request f = {
		.head = http_conn_head(x->c),
		.route = x->admission.route,
		.endpoint = upstream_endpoint(x->u),
		.ids = &x->ids,
		.bearer_was_key = x->admission.bearer,
		.upgrade = x->upgrade,
		.client_tls = http_conn_is_tls(x->c),
		.peer_trusted = client_peer_is_trusted(socket_peer, x->site->settings),
	};
	struct iovec v;

	net_ip_text(&x->client, ip);
	net_ip_text(http_conn_peer(x->c), peer);
	f.client_ip = str_of(ip);
	f.peer_ip = str_of(peer);
	if (f.peer_trusted) {
		net_ip_text(socket_peer, peer);
		f.peer_ip = str_of(peer);
	}
	sbuf_reset(&w->head);
	forward_request_head(&w->head, &f);
	if (w->head.overflow)
		return false;
	v = (struct iovec){w->head.p, w->head.n};
	if (http_conn_body_done(x->c) && f.head->framing == HTTP_NO_BODY)
		upstream_write(x->u, &v, 1);
	else /* leaves together with the first body bytes */
		CHECK(evbuffer_add(upstream_out(x->u), v.iov_base, v.iov_len) == 0);
	return true;
}

void exchange_drop_replay(struct exchange *x)
{
	x->replayable = false;
	if (x->replay != NULL)
		evbuffer_free(x->replay);
	x->replay = NULL;
}

/* Keeps what was taken from the body, as long as it may be sent once more. */
static void keep_for_replay(struct exchange *x, struct evbuffer *taken)
{
	size_t n = evbuffer_get_length(taken);

	if (!x->replayable || n == 0)
		return;
	if (x->replay == NULL)
		x->replay = evbuffer_new();
	CHECK(x->replay != NULL);
	if (evbuffer_get_length(x->replay) + n > EXCHANGE_REPLAY_MAX) {
		exchange_drop_replay(x);
		return;
	}
	CHECK(evbuffer_add(x->replay, evbuffer_pullup(taken, -1), n) == 0);
}

/* Body bytes towards the upstream, in the request's own framing. */
static void queue_body(struct exchange *x, struct evbuffer *taken, bool end)
{
	struct evbuffer *out = upstream_out(x->u);
	size_t n = evbuffer_get_length(taken);
	bool chunked = http_conn_head(x->c)->framing == HTTP_CHUNKED;

	if (n && chunked)
		evbuffer_add_printf(out, "%zx\r\n", n);
	if (n)
		evbuffer_add_buffer(out, taken);
	if (n && chunked)
		evbuffer_add(out, "\r\n", 2);
	if (end && chunked)
		evbuffer_add(out, "0\r\n\r\n", 5);
}

static void fail_body(struct exchange *x, enum http_body_state state)
{
	switch (state) {
	case HTTP_BODY_BAD:
		exchange_fail(x, PROBLEM_BAD_REQUEST,
			      "the body's chunked coding is malformed");
		break;
	case HTTP_BODY_TOO_LARGE:
		exchange_fail(x, PROBLEM_BODY_TOO_LARGE,
			      "the body is over limits.body_bytes");
		break;
	case HTTP_BODY_TIMEOUT:
		exchange_fail(x, PROBLEM_REQUEST_TIMEOUT,
			      "the request's body stopped arriving for timeouts.body_s");
		break;
	case HTTP_BODY_MORE:
	case HTTP_BODY_END:
		CHECK(!"not a failure");
	}
}

/* Moves what the client has sent to the upstream, as far as its queue has room. What is
 * left waits for the upstream's writable event, which only a filled queue brings: so it
 * goes on while the socket takes all at once. False: the exchange is over. */
static bool pump_request(struct exchange *x)
{
	struct evbuffer *taken = x->w->body;

	while (!x->request_done && !upstream_write_failed(x->u) &&
	       upstream_queued(x->u) < UPSTREAM_OUT_HIGH) {
		enum http_body_state state = http_conn_body(
			x->c, taken, UPSTREAM_OUT_HIGH - upstream_queued(x->u));

		x->bytes_in = http_conn_body_bytes(x->c);
		if (state != HTTP_BODY_MORE && state != HTTP_BODY_END) {
			evbuffer_drain(taken, evbuffer_get_length(taken));
			fail_body(x, state);
			return false;
		}
		keep_for_replay(x, taken);
		queue_body(x, taken, state == HTTP_BODY_END);
		x->request_done = state == HTTP_BODY_END;
		upstream_flush(x->u);
		if (!http_conn_body_waits(x->c))
			break;
	}
	/* Not while bytes wait: a flush that empties the queue brings no event for
	 * them. */
	if (x->request_done)
		upstream_flush(x->u);
	if (upstream_sent(x->u) > 0 && !http_method_is_idempotent(x->method))
		exchange_drop_replay(x);
	return true;
}

static void send_request(struct exchange *x)
{
	const struct request_head *h = http_conn_head(x->c);

	x->ready = true;
	if (!send_head(x)) {
		exchange_fail(x, PROBLEM_HEAD_TOO_LARGE,
			      "the header section is too large to be passed on");
		return;
	}
	if (h->framing == HTTP_NO_BODY) {
		x->request_done = true;
		return;
	}
	if (x->retried && (x->replay != NULL || http_conn_body_done(x->c)))
		queue_body(x, x->replay ? x->replay : x->w->body,
			   http_conn_body_done(x->c));
	x->request_done = x->retried && http_conn_body_done(x->c);
	pump_request(x);
}

static void acquire(struct exchange *x, bool retry)
{
	const struct settings_route *route = x->admission.route;
	bool idempotent = http_method_is_idempotent(x->method), ready;
	enum upstream_reuse reuse = idempotent ? UPSTREAM_ANY : UPSTREAM_PROVEN;

	if (retry)
		reuse = UPSTREAM_FRESH;

	for (;;) {
		x->u = upstream_acquire(x->site->upstreams, route, reuse, &upstream_user,
					x, &ready);
		/* What cannot be sent twice does not go out on a connection that the
		 * upstream has closed meanwhile. */
		if (!ready || idempotent || upstream_probe(x->u))
			break;
		exchange_release_upstream(x, false);
	}
	if (ready)
		send_request(x);
}

bool exchange_retry(struct exchange *x)
{
	if (x->retried || x->c == NULL || x->status != 0 || x->interim)
		return false;
	if (!x->ready ||
	    (x->sent_before_end != 0 && !http_method_is_idempotent(x->method)))
		return false;
	if (http_conn_body_bytes(x->c) > 0 && !x->replayable)
		return false;
	x->retried = true;
	x->ready = false;
	acquire(x, true);
	return true;
}

static void on_upstream_ready(struct upstream_conn *u, void *ctx)
{
	struct exchange *x = ctx;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	CHECK(x->u == u);
	send_request(x);
}

static void on_upstream_writable(struct upstream_conn *u, void *ctx)
{
	struct exchange *x = ctx;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (x->tunnel)
		tunnel_from_client(x);
	else if (x->c != NULL && !x->request_done)
		pump_request(x);
}

static const struct upstream_user upstream_user = {
	.on_ready = on_upstream_ready,
	.on_data = relay_data,
	.on_writable = on_upstream_writable,
	.on_end = relay_end,
};

/* --- what the front tells --- */

static void start(struct exchange *x, const struct request_head *h)
{
	const struct settings_route *route = x->admission.route;

	http_conn_set_body_limits(x->c, route->limits.body_bytes,
				  route->timeouts.body_ms);
	x->method = h->method;
	x->replayable = true;
	x->upgrade = tunnel_wanted(h);
	x->send_us = clock_mono_us();
	acquire(x, false);
}

static void on_request(struct http_conn *c, void *ctx)
{
	struct worker *w = ctx;
	const struct request_head *h = http_conn_head(c);
	struct admit_context admit_ctx;
	struct exchange *x;

	OBJ_CHECK(w, WORKER_MAGIC);
	if (local_page(w, c))
		return;
	x = exchange_new(w, c);
	x->client = client_addr_of(h, http_conn_peer(c), x->site->settings);
	exchange_ids_make(&x->ids, h, x->arrival_wall_us, &w->ids);
	if (local_preflight(x))
		return;
	admit_ctx = (struct admit_context){
		.routes = x->site->routes,
		.tokens = w->options.tokens,
		.hasher = w->hasher,
		.mono_us = x->arrival_us,
		.wall_us = x->arrival_wall_us,
	};
	admit(&x->admission, h, &admit_ctx);
	if (!x->admission.admitted)
		answer_problem(x, x->admission.problem, x->admission.detail);
	else if (forward_is_loop(h))
		answer_problem(x, PROBLEM_PROXY_LOOP, "Via names this gateway already");
	else if (forward_ends_here(h))
		local_options(x);
	else
		start(x, h);
}

static void on_body(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (x->tunnel)
		tunnel_from_client(x);
	else if (x->ready && x->u != NULL && !x->request_done)
		pump_request(x);
}

static void on_writable(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	relay_client_writable(x);
}

static bool may_drain(const struct exchange *x)
{
	return !x->upgrade && x->admission.admitted && x->u != NULL && x->request_done &&
	       x->ready && x->admission.route->on_client_abort == ON_ABORT_DRAIN;
}

static const char *abort_phase(const struct exchange *x)
{
	if (x->tunnel)
		return "without closing the upgraded connection";
	if (x->head_done)
		return "while the response was sent";
	return x->request_done ? "while waiting for the upstream"
			       : "while the request was sent";
}

static void on_gone(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;
	bool draining;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	draining = may_drain(x);
	x->gone_us = http_conn_gone_us(c);
	if (x->status == 0)
		x->status = 499;
	snprintf(x->error, sizeof x->error, "%s: %s %s", USAGE_OUTCOME_CLIENT_ABORT,
		 http_conn_gone_why(c), abort_phase(x));
	exchange_record(x, USAGE_OUTCOME_CLIENT_ABORT);
	x->c = NULL;
	if (!draining) {
		exchange_free(x);
		return;
	}
	x->drain_until_us = clock_mono_us() + EXCHANGE_DRAIN_US;
	if (x->upstream_paused)
		upstream_resume(x->u);
	x->upstream_paused = false;
}

static void on_refused(struct http_conn *c, void *ctx, enum problem_id id)
{
	exchange_log_refusal(ctx, c, id);
}

static const struct http_conn_user conn_user = {
	.on_body = on_body,
	.on_writable = on_writable,
	.on_gone = on_gone,
};

const struct http_handler *exchange_handler(void)
{
	static const struct http_handler handler = {
		.on_request = on_request,
		.on_refused = on_refused,
	};

	return &handler;
}

/* --- deadlines --- */

static void tick_waiting(struct exchange *x, const struct settings_timeouts *t,
			 uint64_t now)
{
	uint64_t progress = upstream_progress_us(x->u);

	if (upstream_queued(x->u) > 0 && clock_over(progress, t->idle_ms, now))
		exchange_fail(
			x, PROBLEM_CONNECTION_WRITE_TIMEOUT,
			"the upstream stopped taking the request for timeouts.idle_s");
	else if (x->request_done && upstream_queued(x->u) == 0 &&
		 clock_over(progress, t->first_byte_ms, now))
		exchange_fail(x, PROBLEM_RESPONSE_TIMEOUT,
			      "no response head within timeouts.first_byte_s");
}

void exchange_tick(struct exchange *x, uint64_t now_us)
{
	const struct settings_timeouts *t;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (x->c == NULL) {
		if (now_us > x->drain_until_us)
			exchange_free(x);
		return;
	}
	if (!x->admission.admitted)
		return;
	t = &x->admission.route->timeouts;
	if (clock_over(x->arrival_us, t->total_ms, now_us)) {
		exchange_fail(x, PROBLEM_RESPONSE_TIMEOUT,
			      "the exchange took longer than timeouts.total_s");
		return;
	}
	if (x->u == NULL || !x->ready)
		return;
	if (x->tunnel)
		tunnel_tick(x, now_us);
	else if (!x->head_done)
		tick_waiting(x, t, now_us);
	else if (!x->upstream_paused && clock_over(x->data_us, t->idle_ms, now_us))
		exchange_fail(x, PROBLEM_RESPONSE_TIMEOUT,
			      "the response was silent for timeouts.idle_s");
}
