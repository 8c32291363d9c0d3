/* After a 101: bytes both ways, each side holding the other back, until one ends.
 *
 * RFC 9110 7.8 (Upgrade), RFC 6455 (WebSocket). What flows is not looked at; it is
 * recorded once, at the end, with status 101 and the bytes of both directions. */
#include <stdio.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/proxy/exchange.h"
#include "gateway/journal/event.h"

#define SHUT_MS 2000 /* silence of the upstream after the client's end */

static bool is_http(struct str protocol)
{
	static const char *const names[] = {"h2", "h2c", "h3", "tls", "http"};
	const char *slash = memchr(protocol.p, '/', protocol.n);
	struct str name = {protocol.p, slash ? (size_t)(slash - protocol.p) : protocol.n};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(name, str_of(names[i])))
			return true;
	return false;
}

/* Not where the new protocol would be HTTP again (h2c, TLS/1.0): its requests would pass
 * without a key, a scope or a record. */
bool tunnel_wanted(const struct request_head *h)
{
	struct str list = h->upgrade, protocol;
	bool any = false;

	if (h->framing != HTTP_NO_BODY)
		return false;
	while (str_list_next(&list, &protocol)) {
		if (is_http(protocol))
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

	if (!x->upgrade)
		return false;
	while (str_list_next(&list, &protocol)) {
		if (x->c != NULL && !is_offered(http_conn_head(x->c)->upgrade, protocol))
			return false;
		any = true;
	}
	return any;
}

void tunnel_begin(struct exchange *x, char *rest, size_t n)
{
	struct worker *w = x->w;
	struct forward_response f = {
		.head = &w->response,
		.request = http_conn_head(x->c),
		.route = x->admission.route,
		.ids = &x->ids,
		.upgrade = true,
	};
	struct iovec v[2];

	sbuf_reset(&w->head);
	forward_response_head(&w->head, &f);
	if (w->head.overflow) {
		exchange_fail(x, PROBLEM_RESPONSE_HEAD_TOO_LARGE, NULL);
		return;
	}
	x->tunnel = x->head_done = true;
	x->reusable = false;
	x->status = x->upstream_status = w->response.status;
	x->head_us = x->data_us = x->first_out_us = clock_mono_us();
	x->bytes_out = n;
	v[0] = (struct iovec){w->head.p, w->head.n};
	v[1] = (struct iovec){rest, n};
	relay_write(x, v, 2);
	http_conn_tunnel(x->c);
}

void tunnel_from_upstream(struct exchange *x, char *bytes, size_t n)
{
	struct iovec v = {bytes, n};

	x->bytes_out += n;
	relay_write(x, &v, 1);
}

void tunnel_from_client(struct exchange *x)
{
	/* As in pump_request: goes on while the socket takes all at once. */
	while (upstream_queued(x->u) < UPSTREAM_OUT_HIGH &&
	       !upstream_write_failed(x->u)) {
		size_t queued = upstream_queued(x->u);

		http_conn_body(x->c, upstream_out(x->u), UPSTREAM_OUT_HIGH - queued);
		if (upstream_queued(x->u) == queued)
			break;
		x->data_us = clock_mono_us();
		upstream_flush(x->u);
	}
	if (http_conn_body_done(x->c) && upstream_queued(x->u) == 0 && !x->tunnel_shut) {
		x->tunnel_shut = true;
		upstream_shutdown(x->u);
	}
}

static void close_tunnel(struct exchange *x, const char *outcome)
{
	struct http_conn *c = x->c;

	exchange_release_upstream(x, false);
	exchange_record(x, outcome);
	x->c = NULL;
	exchange_free(x);
	http_conn_end(c, true);
}

void tunnel_end(struct exchange *x, const struct upstream_end *end)
{
	if (!end->clean)
		snprintf(x->error, sizeof x->error, "%s: %s",
			 problem_proxy_error(PROBLEM_CONNECTION_TERMINATED), end->detail);
	close_tunnel(x, end->clean ? USAGE_OUTCOME_COMPLETE
				   : problem_proxy_error(PROBLEM_CONNECTION_TERMINATED));
}

void tunnel_tick(struct exchange *x, uint64_t now_us)
{
	/* A slow reader is no silence. */
	if (x->upstream_paused || http_conn_queued(x->c) > 0) {
		x->data_us = now_us;
		return;
	}
	/* The client has ended; an upstream that has nothing more to say to that keeps
	 * the connection for no one. */
	if (x->tunnel_shut && clock_over(x->data_us, SHUT_MS, now_us)) {
		close_tunnel(x, USAGE_OUTCOME_COMPLETE);
		return;
	}
	if (!clock_over(x->data_us, x->admission.route->timeouts.idle_ms, now_us))
		return;
	snprintf(x->error, sizeof x->error,
		 "connection_read_timeout: nothing was sent for timeouts.idle_s");
	close_tunnel(x, "connection_read_timeout");
}
