/* The request's way to the upstream: a connection for it, its head rewritten, its body as
 * it comes; once more where that is safe. */
#include "gateway/proxy/sender.h"

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/client_addr.h"
#include "gateway/proxy/exchange_end.h"
#include "gateway/proxy/forward_request.h"

#define REPLAY_MAX (64 * 1024) /* body bytes kept for the one retry */

static bool is_idempotent(const struct exchange *x)
{
	return http_method_is_idempotent(http_conn_head(x->c)->method);
}

static bool send_head(struct exchange *x)
{
	const struct net_ip *socket_peer = http_conn_peer(x->c);
	struct sbuf *out = &x->env->head;
	char ip[NET_ADDR_TEXT_MAX], peer[NET_ADDR_TEXT_MAX];
	struct forward_request f = {
		.head = http_conn_head(x->c),
		.route = x->admission.route,
		.endpoint = upstream_endpoint(x->u),
		.ids = &x->ids,
		.keys = &x->admission.keys,
		.upgrade = x->request.upgrade,
		.client_tls = http_conn_is_tls(x->c),
		.peer_trusted = client_peer_is_trusted(socket_peer, x->site->settings),
	};

	net_ip_text(&x->client, ip);
	net_ip_text(socket_peer, peer);
	f.client_ip = str_of(ip);
	f.peer_ip = str_of(peer);
	sbuf_reset(out);
	forward_request_head(out, &f);
	if (out->overflow)
		return false;
	if (http_conn_body_done(x->c) && f.head->framing == HTTP_NO_BODY)
		upstream_write(x->u, &(struct iovec){out->p, out->n}, 1);
	else /* leaves together with the first body bytes */
		CHECK(evbuffer_add(upstream_out(x->u), out->p, out->n) == 0);
	return true;
}

void sender_drop_replay(struct exchange *x)
{
	x->request.replayable = false;
	if (x->request.replay != NULL)
		evbuffer_free(x->request.replay);
	x->request.replay = NULL;
}

/* Keeps what was taken from the body, as long as it may be sent once more. */
static void keep_for_replay(struct exchange *x, struct evbuffer *taken)
{
	size_t n = evbuffer_get_length(taken);

	if (!x->request.replayable || n == 0)
		return;
	if (x->request.replay == NULL)
		x->request.replay = evbuffer_new();
	CHECK(x->request.replay != NULL);
	if (evbuffer_get_length(x->request.replay) + n > REPLAY_MAX) {
		sender_drop_replay(x);
		return;
	}
	CHECK(evbuffer_add(x->request.replay, evbuffer_pullup(taken, -1), n) == 0);
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
 * goes on while the socket takes all at once. May end the exchange. */
static void pump(struct exchange *x)
{
	struct evbuffer *taken = x->env->body;

	while (!x->request.done && !upstream_write_failed(x->u) &&
	       upstream_queued(x->u) < UPSTREAM_OUT_HIGH) {
		enum http_body_state state = http_conn_body(
			x->c, taken, UPSTREAM_OUT_HIGH - upstream_queued(x->u));

		if (state != HTTP_BODY_MORE && state != HTTP_BODY_END) {
			evbuffer_drain(taken, evbuffer_get_length(taken));
			fail_body(x, state);
			return;
		}
		keep_for_replay(x, taken);
		queue_body(x, taken, state == HTTP_BODY_END);
		x->request.done = state == HTTP_BODY_END;
		upstream_flush(x->u);
		if (!http_conn_body_waits(x->c))
			break;
	}
	/* Not while bytes wait: a flush that empties the queue brings no event for
	 * them. */
	if (x->request.done)
		upstream_flush(x->u);
	if (upstream_sent(x->u) > 0 && !is_idempotent(x))
		sender_drop_replay(x);
}

static void send_request(struct exchange *x)
{
	const struct request_head *h = http_conn_head(x->c);

	x->request.ready = true;
	if (!send_head(x)) {
		exchange_fail(x, PROBLEM_HEAD_TOO_LARGE,
			      "the header section is too large to be passed on");
		return;
	}
	if (h->framing == HTTP_NO_BODY) {
		x->request.done = true;
		return;
	}
	if (x->request.retried &&
	    (x->request.replay != NULL || http_conn_body_done(x->c)))
		queue_body(x, x->request.replay ? x->request.replay : x->env->body,
			   http_conn_body_done(x->c));
	x->request.done = x->request.retried && http_conn_body_done(x->c);
	pump(x);
}

static void acquire(struct exchange *x, enum upstream_reuse reuse)
{
	bool ready;

	for (;;) {
		x->u = upstream_acquire(x->site->upstreams, x->admission.route, reuse,
					&x->mode->upstream, x, &ready);
		/* What cannot be sent twice does not go out on a connection that the
		 * upstream has closed meanwhile. */
		if (!ready || reuse == UPSTREAM_ANY || upstream_probe(x->u))
			break;
		upstream_release(&x->u, false);
	}
	if (ready)
		send_request(x);
}

void sender_start(struct exchange *x, bool upgrade)
{
	const struct settings_route *route = x->admission.route;

	http_conn_set_body_limits(x->c, route->limits.body_bytes,
				  route->timeouts.body_ms);
	x->request.replayable = true;
	x->request.upgrade = upgrade;
	x->record.send_us = clock_mono_us();
	acquire(x, is_idempotent(x) ? UPSTREAM_ANY : UPSTREAM_PROVEN);
}

bool sender_may_retry(const struct exchange *x, uint64_t sent)
{
	if (x->request.retried || !x->request.ready || x->record.status != 0 ||
	    x->response.interim)
		return false;
	if (sent != 0 && !is_idempotent(x))
		return false;
	return http_conn_body_bytes(x->c) == 0 || x->request.replayable;
}

bool sender_retry(struct exchange *x, uint64_t sent)
{
	if (!sender_may_retry(x, sent))
		return false;
	x->request.retried = true;
	x->request.ready = false;
	acquire(x, UPSTREAM_FRESH);
	return true;
}

void sender_on_ready(struct upstream_conn *u, void *ctx)
{
	struct exchange *x = ctx;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	CHECK(x->u == u);
	send_request(x);
}

void sender_on_writable(struct upstream_conn *u, void *ctx)
{
	struct exchange *x = ctx;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (!x->request.done)
		pump(x);
}

void sender_on_body(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (x->request.ready && x->u != NULL && !x->request.done)
		pump(x);
}
