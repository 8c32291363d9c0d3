/* The gate: a connection's bytes in, strictly checked heads out. */
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/conn.h"

static struct conn_exchange *exchange_get(struct http_front *f, size_t head_bytes)
{
	struct conn_exchange *x = f->spare;

	if (x != NULL) {
		f->spare = x->next;
		f->n_spare--;
	} else {
		x = xmalloc(sizeof *x);
		x->bytes = x->inline_bytes;
	}
	x->n_bytes = head_bytes;
	if (head_bytes > sizeof x->inline_bytes)
		x->bytes = xmalloc(head_bytes);
	return x;
}

static void begin_body(struct http_conn *c)
{
	const struct request_head *h = &c->x->head;

	c->body_framing = h->framing;
	c->chunks = (struct chunk_decoder){0};
	c->body_left = h->framing == HTTP_LENGTH ? h->content_length : 0;
	c->body_bytes = 0;
	c->body_bad = c->body_timed_out = false;
	c->body_done = h->framing == HTTP_NO_BODY ||
		       (h->framing == HTTP_LENGTH && h->content_length == 0);
	c->continue_due = h->expect_continue && !c->body_done;
	c->body_max = c->front->limits.body_bytes;
	c->body_silence_ms = c->front->timeouts.body_ms;
}

static void begin_exchange(struct http_conn *c)
{
	c->arrival_us = clock_mono_us();
	c->arrival_wall_us = clock_wall_us();
	c->body_since_us = c->arrival_us;
	c->scan = 0;
	c->closing = c->ends = false;
	c->state = CONN_BUSY;
}

/* It is answered when this returns, or has a user. */
static void serve(struct http_conn *c)
{
	if (c->refused)
		conn_answer_refusal(c);
	else
		c->front->handler->on_request(c, c->front->ctx);
	CHECK(c->state != CONN_BUSY || c->user != NULL);
}

void conn_refuse(struct http_conn *c, struct head_refusal why)
{
	if (c->x == NULL)
		c->x = exchange_get(c->front, 0);
	memset(&c->x->head, 0, offsetof(struct request_head, fields));
	/* Whatever follows is not a request: drop it, answer, linger, close. */
	evbuffer_drain(c->raw, evbuffer_get_length(c->raw));
	begin_exchange(c);
	c->refused = true;
	c->refusal = why;
	c->body_done = false;
	serve(c);
}

/* The head in c->x, of n bytes: parse, serve. What follows the head is in c->raw
 * already. */
static void take_head(struct http_conn *c, size_t n)
{
	struct http_front *f = c->front;
	struct head_limits limits = {f->limits.head_bytes, f->limits.headers};
	struct head_refusal why;

	if (!request_head_parse(&c->x->head, c->x->bytes, n, &limits, &why)) {
		conn_refuse(c, why);
		return;
	}
	c->refused = false;
	begin_exchange(c);
	begin_body(c);
	serve(c);
}

enum found { FOUND_NOTHING, FOUND_HEAD, FOUND_REFUSAL };

/* Looks for a complete head, or for one that can only be refused, at the front of n
 * bytes. */
static enum found find_head(struct http_conn *c, const char *p, size_t n, size_t *end,
			    struct head_refusal *why)
{
	const struct settings_limits *l = &c->front->limits;
	struct head_limits limits = {l->head_bytes, l->headers};

	*end = request_head_end(p, n, &c->scan);
	if (*end != 0 && *end <= l->head_bytes)
		return FOUND_HEAD;
	if (c->head_since_us == 0)
		c->head_since_us = clock_mono_us();
	return request_head_refuse_early(p, n, &limits, why) ? FOUND_REFUSAL
							     : FOUND_NOTHING;
}

/* At most so many bytes tell whether there is a head within the limit. */
static size_t look_at(const struct http_conn *c, size_t n)
{
	size_t max = c->front->limits.head_bytes + 1;

	return n < max ? n : max;
}

void conn_try_kept(struct http_conn *c)
{
	size_t look = look_at(c, evbuffer_get_length(c->raw)), end;
	struct head_refusal why;
	const char *p;

	if (look == 0)
		return;
	p = (const char *)evbuffer_pullup(c->raw, (ev_ssize_t)look);
	CHECK(p != NULL);
	switch (find_head(c, p, look, &end, &why)) {
	case FOUND_HEAD:
		c->x = exchange_get(c->front, end);
		CHECK(evbuffer_remove(c->raw, c->x->bytes, end) == (int)end);
		take_head(c, end);
		break;
	case FOUND_REFUSAL:
		conn_refuse(c, why);
		break;
	case FOUND_NOTHING:
		if (c->half_closed) /* the rest of this head will not come */
			conn_doom(c);
		break;
	}
}

/* The same for bytes that are in no buffer yet; what they leave goes to c->raw. */
static void try_bytes(struct http_conn *c, const char *p, size_t n)
{
	struct head_refusal why;
	size_t end;

	switch (find_head(c, p, look_at(c, n), &end, &why)) {
	case FOUND_HEAD:
		c->x = exchange_get(c->front, end);
		memcpy(c->x->bytes, p, end);
		if (end < n)
			CHECK(evbuffer_add(c->raw, p + end, n - end) == 0);
		take_head(c, end);
		break;
	case FOUND_REFUSAL:
		conn_refuse(c, why);
		break;
	case FOUND_NOTHING:
		CHECK(evbuffer_add(c->raw, p, n) == 0);
		break;
	}
}

/* Whether n bytes that come while no head may be taken are kept; else they are
 * dropped. */
static bool keeps_bytes(struct http_conn *c, size_t n)
{
	if (c->state != CONN_LINGER && !c->gone && !c->refused)
		return true;
	c->lingered += n;
	if (c->state == CONN_LINGER && c->lingered > CONN_LINGER_BYTES)
		conn_doom(c);
	return false;
}

/* Bytes have come to c->raw while no head may be taken. */
static void note_kept(struct http_conn *c)
{
	if (c->state == CONN_BUSY && !c->body_done) {
		c->body_since_us = clock_mono_us();
		conn_make_ready(c);
	}
	if (evbuffer_get_length(c->raw) > HTTP_OUT_HIGH)
		conn_pause(c);
}

void conn_take_bytes(struct http_conn *c, const char *p, size_t n)
{
	if (c->state != CONN_IDLE) {
		if (!keeps_bytes(c, n))
			return;
		CHECK(evbuffer_add(c->raw, p, n) == 0);
		note_kept(c);
	} else if (evbuffer_get_length(c->raw) == 0) {
		try_bytes(c, p, n);
	} else {
		CHECK(evbuffer_add(c->raw, p, n) == 0);
		conn_try_kept(c);
	}
}

void conn_see_bytes(struct http_conn *c)
{
	size_t n = evbuffer_get_length(c->raw);

	if (c->state == CONN_IDLE && !c->gone)
		conn_try_kept(c);
	else if (keeps_bytes(c, n))
		note_kept(c);
	else
		evbuffer_drain(c->raw, n);
}
