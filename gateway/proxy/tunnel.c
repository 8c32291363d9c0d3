/* After a 101: bytes both ways, each side holding the other back, until one ends.
 *
 * RFC 9110 7.8 (Upgrade), RFC 6455 (WebSocket). What flows is not looked at; it is
 * recorded once, at the end, with status 101 and the bytes of both directions. */
#include "gateway/proxy/tunnel.h"

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/event.h"
#include "gateway/proxy/exchange_end.h"
#include "gateway/proxy/forward_response.h"

#define SHUT_MS 2000 /* silence of the upstream after the client's end */

static bool passes(const struct settings_route *route, struct str protocol)
{
	for (size_t i = 0; i < route->upgrade_protocols.n; i++)
		if (str_ieq(protocol, str_of(route->upgrade_protocols.items[i])))
			return true;
	return false;
}

static bool has_content(const struct request_head *h)
{
	return h->framing == HTTP_CHUNKED || h->content_length > 0;
}

bool tunnel_wanted(const struct request_head *h, const struct settings_route *route)
{
	struct str list = h->upgrade, protocol;
	bool any = false;

	if (has_content(h))
		return false;
	while (str_list_next(&list, &protocol)) {
		if (!passes(route, protocol))
			return false;
		any = true;
	}
	return any;
}

static bool is_offered(struct str offers, struct str protocol)
{
	struct str offer;

	while (str_list_next(&offers, &offer))
		if (str_ieq(offer, protocol))
			return true;
	return false;
}

bool tunnel_agreed(const struct exchange *x, const struct response_head *r)
{
	struct str list = r->upgrade, protocol;
	bool any = false;

	if (!x->request.upgrade)
		return false;
	while (str_list_next(&list, &protocol)) {
		if (!is_offered(http_conn_head(x->c)->upgrade, protocol))
			return false;
		any = true;
	}
	return any;
}

static void pass_on(struct exchange *x)
{
	/* As for a body: goes on while the socket takes all at once. */
	while (upstream_queued(x->u) < UPSTREAM_OUT_HIGH &&
	       !upstream_write_failed(x->u)) {
		size_t queued = upstream_queued(x->u);

		http_conn_body(x->c, upstream_out(x->u), UPSTREAM_OUT_HIGH - queued);
		if (upstream_queued(x->u) == queued)
			break;
		x->response.data_us = clock_mono_us();
		upstream_flush(x->u);
	}
	if (http_conn_body_done(x->c) && upstream_queued(x->u) == 0 && !x->request.shut) {
		x->request.shut = true;
		upstream_shutdown(x->u);
	}
}

static void on_body(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	pass_on(x);
}

static void on_client_writable(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	exchange_go_on(x);
}

static void on_gone(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;

	(void)c;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	exchange_abort(x, "without closing the upgraded connection");
}

/* The connection was ready before it was switched. */
static void on_ready(struct upstream_conn *u, void *ctx)
{
	(void)u;
	(void)ctx;
}

static void on_data(struct upstream_conn *u, void *ctx, char *bytes, size_t n)
{
	struct exchange *x = ctx;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	x->response.data_us = clock_mono_us();
	x->record.bytes_out += n;
	exchange_write(x, &(struct iovec){bytes, n}, 1);
}

static void on_upstream_writable(struct upstream_conn *u, void *ctx)
{
	struct exchange *x = ctx;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	pass_on(x);
}

static void on_end(struct upstream_conn *u, void *ctx, const struct upstream_end *end)
{
	struct exchange *x = ctx;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	x->u = NULL;
	if (end->clean)
		exchange_end(x, &(struct exchange_end){.outcome = USAGE_OUTCOME_COMPLETE,
						       .client = EXCHANGE_CLOSE});
	else
		exchange_fail(x, PROBLEM_CONNECTION_TERMINATED, end->detail);
}

static void on_tick(struct exchange *x, uint64_t now_us)
{
	uint64_t *data_us = &x->response.data_us;

	/* A slow reader is no silence. */
	if (x->response.paused || http_conn_queued(x->c) > 0)
		*data_us = now_us;
	/* The client has ended; an upstream that has nothing more to say to that keeps
	 * the connection for no one. */
	else if (x->request.shut && clock_over(*data_us, SHUT_MS, now_us))
		exchange_end(x, &(struct exchange_end){.outcome = USAGE_OUTCOME_COMPLETE,
						       .client = EXCHANGE_CLOSE});
	else if (clock_over(*data_us, x->admission.route->timeouts.idle_ms, now_us))
		exchange_end(x, &(struct exchange_end){
					.outcome = USAGE_OUTCOME_TUNNEL_TIMEOUT,
					.detail = "nothing was sent for timeouts.idle_s",
					.client = EXCHANGE_CLOSE,
				});
}

static const struct exchange_mode mode = {
	.client = {.on_body = on_body,
		   .on_writable = on_client_writable,
		   .on_gone = on_gone},
	.upstream = {.on_ready = on_ready,
		     .on_data = on_data,
		     .on_writable = on_upstream_writable,
		     .on_end = on_end},
	.tick = on_tick,
};

void tunnel_begin(struct exchange *x, char *rest, size_t n)
{
	struct exchange_env *env = x->env;
	struct forward_response f = {
		.head = &env->response,
		.request = http_conn_head(x->c),
		.route = x->admission.route,
		.ids = &x->ids,
		.upgrade = true,
	};
	struct iovec v[2];

	sbuf_reset(&env->head);
	forward_response_head(&env->head, &f);
	if (env->head.overflow) {
		exchange_fail(x, PROBLEM_RESPONSE_HEAD_TOO_LARGE, NULL);
		return;
	}
	x->record.status = x->record.upstream_status = env->response.status;
	x->record.head_us = x->record.first_out_us = x->response.data_us =
		clock_mono_us();
	x->record.bytes_out = n;
	v[0] = (struct iovec){env->head.p, env->head.n};
	v[1] = (struct iovec){rest, n};
	exchange_enter(x, &mode);
	exchange_write(x, v, 2);
	http_conn_tunnel(x->c);
}
