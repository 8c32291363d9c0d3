/* The response's way back: its head checked and rewritten, its body reframed, a slow
 * client holding the upstream back, the last piece held until what is before it has
 * left. */
#include <stdio.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/proxy/exchange.h"
#include "gateway/journal/event.h"

static const char last_chunk[] = "0\r\n\r\n";

/* A span of body on its way to the client, in the client's framing. */
struct piece {
	struct str head; /* of the response; empty but for the first piece */
	struct str data;
	bool last;
};

static void write_piece(struct exchange *x, const struct piece *p)
{
	struct iovec v[5];
	char size[24];
	int n = 0;

	if (p->head.n)
		v[n++] = (struct iovec){(void *)(uintptr_t)p->head.p, p->head.n};
	if (p->data.n && x->out == HTTP_CHUNKED) {
		int k = snprintf(size, sizeof size, "%zx\r\n", p->data.n);

		v[n++] = (struct iovec){size, (size_t)k};
	}
	if (p->data.n) {
		v[n++] = (struct iovec){(void *)(uintptr_t)p->data.p, p->data.n};
		if (x->out == HTTP_CHUNKED)
			v[n++] = (struct iovec){(void *)(uintptr_t) "\r\n", 2};
	}
	if (p->last && x->out == HTTP_CHUNKED)
		v[n++] = (struct iovec){(void *)(uintptr_t)last_chunk,
					sizeof last_chunk - 1};
	if (n)
		http_conn_write(x->c, v, n);
}

static void note_outcome(struct exchange *x)
{
	if (x->status >= 400)
		snprintf(x->error, sizeof x->error, "upstream: %d %s", x->status,
			 http_reason(x->status));
	exchange_record(x, USAGE_OUTCOME_COMPLETE);
}

/* Stamp, record, write, in this order: a client that has its whole response has its
 * event. */
static void finish(struct exchange *x, const struct piece *last)
{
	struct http_conn *c = x->c;
	bool close = x->said_close || x->out == HTTP_UNTIL_EOF;

	note_outcome(x);
	http_conn_last_write(c, close);
	write_piece(x, last);
	x->c = NULL;
	exchange_free(x);
	http_conn_end(c, close);
}

static void wait_begins(struct exchange *x)
{
	if (x->wait_since_us == 0)
		x->wait_since_us = clock_mono_us();
}

static void wait_ends(struct exchange *x)
{
	if (x->wait_since_us)
		x->wait_us += clock_mono_us() - x->wait_since_us;
	x->wait_since_us = 0;
}

/* Keeps the last piece until the client has taken all before it. */
static void hold_back(struct exchange *x, const struct piece *p)
{
	x->held_back = true;
	sbuf_str(&x->held, p->head);
	x->held_head = x->held.n;
	sbuf_str(&x->held, p->data);
	CHECK(!x->held.overflow);
	wait_begins(x);
}

static void send_last(struct exchange *x, struct piece p)
{
	if (p.data.n > EXCHANGE_LAST_PIECE) {
		struct piece before = {
			p.head, {p.data.p, p.data.n - EXCHANGE_LAST_PIECE}, false};

		write_piece(x, &before);
		p.head.n = 0;
		p.data.p += before.data.n;
		p.data.n = EXCHANGE_LAST_PIECE;
	}
	if (http_conn_queued(x->c) > 0)
		hold_back(x, &p);
	else
		finish(x, &p);
}

static void hold_upstream_back(struct exchange *x)
{
	if (x->u == NULL || http_conn_queued(x->c) <= HTTP_OUT_HIGH)
		return;
	x->upstream_paused = true;
	upstream_pause(x->u);
	wait_begins(x);
}

void relay_write(struct exchange *x, const struct iovec *v, int n)
{
	http_conn_write(x->c, v, n);
	hold_upstream_back(x);
}

static void send_piece(struct exchange *x, const struct piece *p)
{
	write_piece(x, p);
	hold_upstream_back(x);
}

void relay_client_writable(struct exchange *x)
{
	size_t queued = http_conn_queued(x->c);

	if (x->held_back) {
		struct piece p = {{x->held.p, x->held_head},
				  {x->held.p + x->held_head, x->held.n - x->held_head},
				  true};

		if (queued > 0)
			return;
		wait_ends(x);
		finish(x, &p);
		return;
	}
	if (!x->upstream_paused || queued > HTTP_OUT_LOW)
		return;
	x->upstream_paused = false;
	wait_ends(x);
	x->data_us = clock_mono_us();
	if (x->u != NULL)
		upstream_resume(x->u);
}

/* What a read brought of the body, decoded in place. */
struct decoded {
	size_t n;
	bool done, bad;
};

static struct decoded decode(struct exchange *x, char *bytes, size_t n)
{
	struct decoded d = {0};
	size_t used = n;

	switch (x->in) {
	case HTTP_NO_BODY:
		used = 0;
		d.done = true;
		break;
	case HTTP_LENGTH:
		used = d.n = n < x->left ? n : (size_t)x->left;
		x->left -= d.n;
		d.done = x->left == 0;
		break;
	case HTTP_CHUNKED: {
		enum chunk_result r =
			chunk_decode(&x->chunks, bytes, n, &used, bytes, &d.n);

		d.bad = r == CHUNK_BAD;
		d.done = r == CHUNK_DONE;
		break;
	}
	case HTTP_UNTIL_EOF:
		d.n = n;
		break;
	}
	/* Bytes behind the response's end belong to nothing that was asked for. */
	if (used < n)
		x->reusable = false;
	x->bytes_out += d.n;
	return d;
}

static void response_complete(struct exchange *x)
{
	x->response_done = true;
	exchange_release_upstream(x, x->reusable && x->request_done);
}

static void relay_body(struct exchange *x, struct str head, char *bytes, size_t n)
{
	struct decoded d = decode(x, bytes, n);
	struct piece p = {head, {bytes, d.n}, d.done};

	if (d.bad) {
		if (head.n) { /* nothing of it has left: it can still be told */
			x->status = 0;
			x->bytes_out = 0;
		}
		exchange_fail(x, PROBLEM_PROTOCOL_ERROR,
			      "the upstream's chunked coding is malformed");
		return;
	}
	if (d.done)
		response_complete(x);
	if (x->c == NULL) {
		if (d.done || x->bytes_out > EXCHANGE_DRAIN_BYTES)
			exchange_free(x);
		return;
	}
	if (d.done)
		send_last(x, p);
	else
		send_piece(x, &p);
}

/* --- the head --- */

static uint32_t clamp_us(uint64_t us)
{
	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void note_head(struct exchange *x, const struct response_head *r)
{
	const struct request_head *h = http_conn_head(x->c);

	x->head_us = x->data_us;
	x->head_done = true;
	x->status = x->upstream_status = r->status;
	x->in = r->framing;
	x->left = r->content_length;
	x->out = forward_response_framing(r, h);
	if (r->close || r->framing == HTTP_UNTIL_EOF)
		x->reusable = false;
	upstream_set_keep_alive(x->u, r->keep_alive_s);
	exchange_drop_replay(x);
}

static void begin_response(struct exchange *x, char *rest, size_t n)
{
	struct worker *w = x->w;
	struct forward_response f = {
		.head = &w->response,
		.request = http_conn_head(x->c),
		.route = x->admission.route,
		.ids = &x->ids,
	};

	note_head(x, &w->response);
	f.close = x->said_close = http_conn_must_close(x->c) || x->out == HTTP_UNTIL_EOF;
	f.upstream_us = clamp_us(x->head_us - x->send_us);
	f.gateway_us = clamp_us(x->send_us - x->arrival_us);
	sbuf_reset(&w->head);
	forward_response_head(&w->head, &f);
	if (w->head.overflow) {
		x->status = 0;
		exchange_fail(x, PROBLEM_RESPONSE_HEAD_TOO_LARGE, NULL);
		return;
	}
	x->first_out_us = x->head_us;
	relay_body(x, sbuf_view(&w->head), rest, n);
}

static void drop_response(struct exchange *x)
{
	/* Drained for a client that is gone: only the end of the body matters. */
	const struct response_head *r = &x->w->response;

	x->head_done = true;
	x->in = r->framing;
	x->left = r->content_length;
	if (r->close || r->framing == HTTP_UNTIL_EOF || r->status == 101)
		x->reusable = false;
}

/* 103 and the like go on to a client that can read them (RFC 9110 15.2); 100 was ours to
 * send, if at all. */
static void relay_informational(struct exchange *x)
{
	struct worker *w = x->w;
	struct forward_response f = {
		.head = &w->response,
		.route = x->admission.route,
		.ids = &x->ids,
	};
	struct iovec v;

	if (x->c == NULL || w->response.status == 100 || http_conn_head(x->c)->minor == 0)
		return;
	f.request = http_conn_head(x->c);
	sbuf_reset(&w->head);
	forward_response_head(&w->head, &f);
	if (w->head.overflow)
		return;
	v = (struct iovec){w->head.p, w->head.n};
	relay_write(x, &v, 1);
}

enum head_step { HEAD_FINAL, HEAD_MORE, HEAD_FAILED };

/* Parses heads at *p until a final one. HEAD_FAILED: the exchange is over. */
static enum head_step take_head(struct exchange *x, char **p, size_t *n)
{
	struct response_head *r = &x->w->response;
	const char *why;
	size_t end;

	while ((end = response_head_end(*p, *n, &x->scan)) != 0) {
		if (!response_head_parse(r, *p, end, x->method, &why)) {
			exchange_fail(x, PROBLEM_PROTOCOL_ERROR, why);
			return HEAD_FAILED;
		}
		x->scan = 0;
		*p += end;
		*n -= end;
		if (r->status == 101 && !tunnel_agreed(x, r)) {
			exchange_fail(x, PROBLEM_PROTOCOL_ERROR,
				      "the upstream switched to a protocol that was not "
				      "asked for");
			return HEAD_FAILED;
		}
		if (r->status >= 200 || r->status == 101)
			return HEAD_FINAL;
		x->interim = true;
		relay_informational(x);
	}
	if (*n <= RESPONSE_HEAD_MAX)
		return HEAD_MORE;
	exchange_fail(x, PROBLEM_RESPONSE_HEAD_TOO_LARGE, NULL);
	return HEAD_FAILED;
}

static void final_head(struct exchange *x, char *rest, size_t n)
{
	if (x->c != NULL && x->w->response.status == 101) {
		tunnel_begin(x, rest, n);
		return;
	}
	if (x->c != NULL) {
		begin_response(x, rest, n);
		return;
	}
	drop_response(x);
	relay_body(x, (struct str){0}, rest, n);
}

static void relay_head(struct exchange *x, char *bytes, size_t n)
{
	/* Slices of the head point into these bytes until it is written; the exchange may
	 * be over before that. */
	struct sbuf partial = x->partial;
	char *p = bytes;

	if (partial.n) {
		sbuf_add(&partial, bytes, n);
		CHECK(!partial.overflow);
		p = partial.p;
		n = partial.n;
	}
	sbuf_init(&x->partial, partial.cap);
	switch (take_head(x, &p, &n)) {
	case HEAD_FINAL:
		final_head(x, p, n);
		break;
	case HEAD_MORE:
		if (p == partial.p) { /* nothing used up: keep the buffer as it is */
			x->partial = partial;
			return;
		}
		sbuf_add(&x->partial, p, n);
		break;
	case HEAD_FAILED:
		break;
	}
	sbuf_fini(&partial);
}

void relay_data(struct upstream_conn *u, void *ctx, char *bytes, size_t n)
{
	struct exchange *x = ctx;

	(void)u;
	OBJ_CHECK(x, EXCHANGE_MAGIC);
	x->data_us = clock_mono_us();
	if (x->tunnel)
		tunnel_from_upstream(x, bytes, n);
	else if (!x->head_done)
		relay_head(x, bytes, n);
	else
		relay_body(x, (struct str){0}, bytes, n);
}

/* --- the upstream's connection ended --- */

static void end_before_head(struct exchange *x, const struct upstream_end *end)
{
	bool silent = x->partial.n == 0;

	if (silent && exchange_retry(x))
		return;
	if (!x->ready)
		exchange_fail(x, end->fault, end->detail);
	else if (silent)
		exchange_fail(x, PROBLEM_CONNECTION_TERMINATED,
			      end->detail[0] ? end->detail
					     : "the upstream closed before it answered");
	else
		exchange_fail(x, PROBLEM_RESPONSE_INCOMPLETE,
			      "the upstream closed inside the response head");
}

void relay_end(struct upstream_conn *u, void *ctx, const struct upstream_end *end)
{
	struct exchange *x = ctx;
	struct piece last = {.last = true};

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	x->sent_before_end = upstream_sent(u);
	x->u = NULL;
	if (x->c == NULL) {
		exchange_free(x);
	} else if (x->tunnel) {
		tunnel_end(x, end);
	} else if (!x->head_done) {
		end_before_head(x, end);
	} else if (x->in == HTTP_UNTIL_EOF && end->clean) {
		x->response_done = true;
		send_last(x, last);
	} else {
		exchange_fail(x, PROBLEM_RESPONSE_INCOMPLETE,
			      end->detail[0]
				      ? end->detail
				      : "the upstream closed inside the response body");
	}
}
