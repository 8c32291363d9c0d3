/* The response's way back: its head checked and rewritten, its body reframed, a slow
 * client holding the upstream back, the last piece held until what is before it has
 * left. */
#include "gateway/proxy/relay.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/journal/event.h"
#include "gateway/proxy/exchange_end.h"
#include "gateway/proxy/forward_response.h"
#include "gateway/proxy/header_edits.h"
#include "gateway/proxy/sender.h"
#include "gateway/proxy/tunnel.h"

#define CROSSING_US 1000000u

static const char last_chunk[] = "0\r\n\r\n";

/* --- pieces --- */

/* A span of body on its way to the client. */
struct piece {
	struct str head; /* of the response; empty but for the first piece */
	struct str data;
	bool last;
};

/* The same in the client's framing. */
struct framed {
	struct iovec v[5];
	int n;
	char size[24]; /* a chunk's size line */
};

static void add(struct framed *f, const char *p, size_t n)
{
	f->v[f->n++] = (struct iovec){(void *)(uintptr_t)p, n};
}

static void frame(struct framed *f, struct exchange *x, const struct piece *p)
{
	bool chunked = x->response.framing == HTTP_CHUNKED;

	f->n = 0;
	if (p->head.n)
		add(f, p->head.p, p->head.n);
	if (p->data.n && chunked) {
		size_t n =
			(size_t)snprintf(f->size, sizeof f->size, "%zx\r\n", p->data.n);

		add(f, f->size, n);
		x->response.chunk_bytes += n + 2;
	}
	if (p->data.n)
		add(f, p->data.p, p->data.n);
	if (p->data.n && chunked)
		add(f, "\r\n", 2);
	if (p->last && chunked)
		add(f, last_chunk, sizeof last_chunk - 1);
}

static void send_piece(struct exchange *x, const struct piece *p)
{
	struct framed f;

	frame(&f, x, p);
	if (f.n)
		exchange_write(x, f.v, f.n);
}

static void finish(struct exchange *x, const struct piece *last)
{
	bool close = x->response.said_close || x->response.framing == HTTP_UNTIL_EOF;
	struct framed f;

	frame(&f, x, last);
	x->record.error[0] = '\0'; /* of one that would have been cut */
	x->record.code = NULL;
	if (x->record.status >= 400)
		snprintf(x->record.error, sizeof x->record.error, "upstream: %d %s",
			 x->record.status, http_reason(x->record.status));
	exchange_end(x, &(struct exchange_end){
				.outcome = USAGE_OUTCOME_COMPLETE,
				.client = close ? EXCHANGE_CLOSE : EXCHANGE_KEEP,
				.last = f.v,
				.n_last = f.n,
			});
}

/* Keeps the last piece until the client has taken all before it. */
static void hold_back(struct exchange *x, const struct piece *p)
{
	struct sbuf *held = &x->response.held;

	x->response.held_back = true;
	sbuf_str(held, p->head);
	x->response.held_head = held->n;
	sbuf_str(held, p->data);
	CHECK(!held->overflow);
	exchange_wait_begins(x);
}

static void send_last(struct exchange *x, struct piece p)
{
	if (p.data.n > EXCHANGE_LAST_PIECE) {
		struct piece before = {
			p.head, {p.data.p, p.data.n - EXCHANGE_LAST_PIECE}, false};

		send_piece(x, &before);
		p.head.n = 0;
		p.data.p += before.data.n;
		p.data.n = EXCHANGE_LAST_PIECE;
	}
	if (http_conn_queued(x->c) > 0)
		hold_back(x, &p);
	else
		finish(x, &p);
}

void relay_on_writable(struct http_conn *c, void *ctx)
{
	struct exchange *x = ctx;
	const struct sbuf *held;
	size_t head;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	if (!x->response.held_back) {
		exchange_go_on(x);
		return;
	}
	if (http_conn_queued(c) > 0)
		return;
	exchange_wait_ends(x);
	held = &x->response.held;
	head = x->response.held_head;
	finish(x,
	       &(struct piece){{held->p, head}, {held->p + head, held->n - head}, true});
}

/* --- the body --- */

static void relay_body(struct exchange *x, struct str head, char *bytes, size_t n)
{
	struct response_piece got = response_reader_body(&x->response.reader, bytes, n);
	struct piece p = {head, {bytes, got.n}, got.done};

	x->record.bytes_out += got.n;
	if (got.excess)
		x->response.reusable = false;
	if (got.bad) {
		if (head.n) { /* nothing of it has left: it can still be told */
			x->record.status = 0;
			x->record.bytes_out = 0;
		} else {
			send_piece(x, &p);
		}
		exchange_fail(x, PROBLEM_PROTOCOL_ERROR,
			      "the upstream's chunked coding is malformed");
	} else if (got.done) {
		upstream_release(&x->u, x->response.reusable && x->request.done);
		send_last(x, p);
	} else {
		send_piece(x, &p);
	}
}

/* --- heads --- */

static uint32_t clamp_us(uint64_t us)
{
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void note_head(struct exchange *x, const struct response_head *r)
{
	x->record.head_us = x->response.data_us;
	x->record.status = x->record.upstream_status = r->status;
	x->response.framing = forward_response_framing(r, http_conn_head(x->c));
	x->response.said_close =
		http_conn_must_close(x->c) || x->response.framing == HTTP_UNTIL_EOF;
	if (r->close || r->framing == HTTP_UNTIL_EOF)
		x->response.reusable = false;
	upstream_set_keep_alive(x->u, r->keep_alive_s);
	sender_drop_replay(x);
}

/* Who puts a service with sessions behind the gateway finds out here why nobody stays
 * signed in. */
static void tell_of_cookies(const struct settings_route *r)
{
	struct header_edits sent, back;

	if ((r->forward_credentials & HTTP_H_BIT(HTTP_H_COOKIE)) ||
	    r->cookies_told == NULL || atomic_load(r->cookies_told) ||
	    atomic_exchange(r->cookies_told, true))
		return;
	header_edits_init(&sent, &r->set_headers, &r->remove_headers);
	header_edits_init(&back, &r->response_set, &r->response_remove);
	if (header_edits_drop(&sent, HTTP_H_COOKIE, STR("Cookie")) ||
	    header_edits_drop(&back, HTTP_H_SET_COOKIE, STR("Set-Cookie")))
		return;
	log_info(
		"route %s: the upstream sets cookies, but callers' are not sent on; if it "
		"needs them, write \"forward_credentials\": [\"cookie\"]",
		r->name);
}

static void begin_response(struct exchange *x, char *rest, size_t n)
{
	struct exchange_env *env = x->env;
	struct forward_response f = {
		.head = &env->response,
		.request = http_conn_head(x->c),
		.route = x->admission.route,
		.ids = &x->ids,
	};

	note_head(x, &env->response);
	if (env->response.sets_cookies)
		tell_of_cookies(x->admission.route);
	f.close = x->response.said_close;
	f.upstream_us = clamp_us(x->record.head_us - x->record.send_us);
	f.gateway_us = clamp_us(x->record.send_us - x->record.arrival_us);
	sbuf_reset(&env->head);
	forward_response_head(&env->head, &f);
	if (env->head.overflow) {
		x->record.status = 0;
		exchange_fail(x, PROBLEM_RESPONSE_HEAD_TOO_LARGE, NULL);
		return;
	}
	x->record.first_out_us = x->record.head_us;
	relay_body(x, sbuf_view(&env->head), rest, n);
}

/* 103 and the like go on to a client that can read them (RFC 9110 15.2); 100 was ours to
 * send, if at all. */
static void relay_interim(struct exchange *x)
{
	struct exchange_env *env = x->env;
	struct forward_response f = {
		.head = &env->response,
		.request = http_conn_head(x->c),
		.route = x->admission.route,
		.ids = &x->ids,
	};

	x->response.interim = true;
	if (env->response.status == 100 || f.request->minor == 0)
		return;
	sbuf_reset(&env->head);
	forward_response_head(&env->head, &f);
	if (!env->head.overflow)
		exchange_write(x, &(struct iovec){env->head.p, env->head.n}, 1);
}

static void switch_protocol(struct exchange *x, char *rest, size_t n)
{
	if (tunnel_agreed(x, &x->env->response))
		tunnel_begin(x, rest, n);
	else
		exchange_fail(x, PROBLEM_UPGRADE_FAILED,
			      "the upstream switched to a protocol that was not asked "
			      "for");
}

/* A server that closes an idle connection may say 408 first, which then meets a request
 * that is on its way: that may be repeated (RFC 9110 15.5.9). One that keeps the
 * connection open, or that took its time, means this request. */
static bool crossed(const struct exchange *x, const struct response_head *r)
{
	return r->status == 408 && upstream_is_reused(x->u) &&
	       (r->close || r->framing == HTTP_UNTIL_EOF ||
		x->response.data_us - x->record.send_us < CROSSING_US);
}

/* False: that answer it is, then. */
static bool repeat_elsewhere(struct exchange *x)
{
	uint64_t sent = upstream_sent(x->u);

	if (!sender_may_retry(x, sent))
		return false;
	x->request.sent += sent;
	upstream_release(&x->u, false);
	response_reader_restart(&x->response.reader);
	return sender_retry(x, sent);
}

/* False: no further head follows, and the exchange may be over. */
static bool relay_next_head(struct exchange *x, struct response_bytes *b)
{
	const char *why;

	switch (response_reader_head(&x->response.reader, b, &x->env->response, &why)) {
	case RESPONSE_NOTHING:
		break;
	case RESPONSE_INTERIM:
		relay_interim(x);
		return true;
	case RESPONSE_SWITCHED:
		switch_protocol(x, b->p, b->n);
		break;
	case RESPONSE_FINAL:
		if (!crossed(x, &x->env->response) || !repeat_elsewhere(x))
			begin_response(x, b->p, b->n);
		break;
	case RESPONSE_BAD:
		exchange_fail(x, PROBLEM_PROTOCOL_ERROR, why);
		break;
	case RESPONSE_TOO_LARGE:
		exchange_fail(x, PROBLEM_RESPONSE_HEAD_TOO_LARGE, NULL);
		break;
	}
	return false;
}

void relay_on_data(struct upstream_conn *u, void *ctx, char *bytes, size_t n)
{
	struct exchange *x = ctx;
	struct response_bytes b;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	x->response.data_us = clock_mono_us();
	if (x->response.reader.has_head) {
		relay_body(x, (struct str){0}, bytes, n);
		return;
	}
	response_bytes_init(&b, &x->response.reader, bytes, n);
	while (relay_next_head(x, &b))
		continue;
	response_bytes_fini(&b);
}

/* --- the upstream's connection ended --- */

static void fail_at_end(struct exchange *x, const struct upstream_conn *u,
			enum problem_id id, const char *why)
{
	char text[EXCHANGE_ERROR_MAX];
	size_t n;

	upstream_show(u, text, sizeof text);
	n = strlen(text);
	snprintf(text + n, sizeof text - n, ": %s", why);
	exchange_fail(x, id, text);
}

/* TLS 1.3: an upstream that wants a certificate of ours says so after the handshake. */
static bool is_tls_refusal(const struct upstream_end *end)
{
	return !end->clean && (end->fault == PROBLEM_TLS_ALERT_RECEIVED ||
			       end->fault == PROBLEM_TLS_PROTOCOL_ERROR);
}

static void end_before_head(struct exchange *x, const struct upstream_conn *u,
			    const struct upstream_end *end)
{
	bool silent = !response_reader_is_inside_head(&x->response.reader);
	bool refused = is_tls_refusal(end);

	/* A kept connection may be refused for its age; a new one is for good. */
	if (silent && (!refused || upstream_was_pooled(u)) &&
	    sender_retry(x, upstream_sent(u)))
		return;
	if (!x->request.ready)
		exchange_fail(x, end->fault, end->detail);
	else if (refused)
		fail_at_end(x, u, end->fault, end->detail);
	else if (silent)
		fail_at_end(x, u, PROBLEM_CONNECTION_TERMINATED,
			    end->detail[0] ? end->detail
					   : "the upstream closed before it answered");
	else
		fail_at_end(x, u, PROBLEM_RESPONSE_INCOMPLETE,
			    "the upstream closed inside the response head");
}

void relay_on_end(struct upstream_conn *u, void *ctx, const struct upstream_end *end)
{
	struct exchange *x = ctx;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	x->u = NULL;
	x->request.sent += upstream_sent(u);
	if (!x->response.reader.has_head)
		end_before_head(x, u, end);
	else if (x->response.reader.framing == HTTP_UNTIL_EOF && end->clean)
		send_last(x, (struct piece){.last = true});
	else
		fail_at_end(x, u, PROBLEM_RESPONSE_INCOMPLETE,
			    end->detail[0]
				    ? end->detail
				    : "the upstream closed inside the response body");
}
