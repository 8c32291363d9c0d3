/* The gate: a connection's bytes in, strictly checked heads out. */
#include <openssl/crypto.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/http/conn_priv.h"

/* --- memory of requests --- */

static void request_get(struct http_conn *c, size_t head_bytes)
{
	struct conn_set *s = c->set;
	struct conn_request *r = s->spare;

	if (r != NULL) {
		s->spare = r->next;
		s->n_spare--;
	} else {
		r = xmalloc(sizeof *r);
		r->bytes = r->inline_bytes;
	}
	r->n_bytes = head_bytes;
	r->id[0] = '\0';
	if (head_bytes > sizeof r->inline_bytes)
		r->bytes = xmalloc(head_bytes);
	c->request = r;
}

void conn_request_put(struct http_conn *c)
{
	struct conn_set *s = c->set;
	struct conn_request *r = c->request;

	c->request = NULL;
	/* The head held the caller's key. */
	OPENSSL_cleanse(r->bytes, r->n_bytes);
	r->n_bytes = 0;
	if (r->bytes != r->inline_bytes) {
		free(r->bytes);
		r->bytes = r->inline_bytes;
	}
	if (s->n_spare >= CONN_SPARE_REQUESTS) {
		free(r);
		return;
	}
	r->next = s->spare;
	s->spare = r;
	s->n_spare++;
}

/* --- what is served --- */

static void begin_body(struct http_conn *c)
{
	const struct request_head *h = &c->request->head;

	c->body.framing = h->framing;
	c->body.chunks = (struct chunk_decoder){0};
	c->body.left = h->framing == HTTP_LENGTH ? h->content_length : 0;
	c->body.bytes = 0;
	c->body.bad = c->body.timed_out = false;
	c->body.done = h->framing == HTTP_NO_BODY ||
		       (h->framing == HTTP_LENGTH && h->content_length == 0);
	c->body.continue_due = h->expect_continue && !c->body.done;
	c->body.max = c->set->limits.body_bytes;
	c->body.silence_ms = c->set->timeouts.body_ms;
	c->body.until_us = 0;
}

static void begin_exchange(struct http_conn *c)
{
	c->head.arrival_us = clock_mono_us();
	c->head.arrival_wall_us = clock_wall_us();
	c->body.since_us = c->head.arrival_us;
	c->head.scan = 0;
	c->closing = c->out.ends = false;
	c->state = CONN_BUSY;
}

/* Whoever calls so sees no answer but "wrong version number", or the like. */
static void tell_tls(struct conn_set *s, const struct net_ip *peer)
{
	char ip[NET_ADDR_TEXT_MAX];

	if (!trouble_happened(&s->tls_on_plain, clock_mono_us()))
		return;
	net_ip_text(peer, ip);
	log_warn("%s speaks TLS to a port for plain HTTP: http:// is meant, or a port of "
		 "tls.listen",
		 ip[0] ? ip : "a client on a unix socket");
}

void conn_refuse(struct http_conn *c, struct head_refusal why)
{
	enum problem_id id =
		why.tls ? PROBLEM_TLS_ON_PLAIN_PORT : problem_of_status(why.status);
	struct conn_set *s = c->set;
	struct sbuf out;
	size_t n;

	if (c->request == NULL)
		request_get(c, 0);
	memset(&c->request->head, 0, offsetof(struct request_head, fields));
	/* Whatever follows is not a request: drop it, answer, linger, close. */
	evbuffer_drain(c->raw, evbuffer_get_length(c->raw));
	begin_exchange(c);
	c->head.refused = true;
	c->body.done = false;
	if (why.tls)
		tell_tls(s, &c->peer);
	sbuf_init(&out, HTTP_ANSWER_HEAD_MAX);
	n = http_conn_put_problem(
		c, (struct problem_answer){.id = id, .detail = why.detail}, &out);
	if (s->handler->on_refused)
		s->handler->on_refused(c, s->ctx, id, n);
	http_conn_finish(c, &(struct iovec){out.p, out.n}, 1, true);
	sbuf_fini(&out);
}

/* The head in c->request, of n bytes: parse, serve. What follows the head is in c->raw
 * already. */
static void take_head(struct http_conn *c, size_t n)
{
	const struct conn_set *s = c->set;
	struct head_limits limits = {s->limits.head_bytes, s->limits.headers};
	struct head_refusal why;

	if (!request_head_parse(&c->request->head, c->request->bytes, n, &limits, &why)) {
		conn_refuse(c, why);
		return;
	}
	c->head.refused = false;
	begin_exchange(c);
	begin_body(c);
	s->handler->on_request(c, s->ctx);
	CHECK(c->state != CONN_BUSY || c->user != NULL); /* answered, or kept */
}

enum found { FOUND_NOTHING, FOUND_HEAD, FOUND_REFUSAL };

/* Looks for a complete head, or for one that can only be refused, at the front of n
 * bytes. */
static enum found find_head(struct http_conn *c, const char *p, size_t n, size_t *end,
			    struct head_refusal *why)
{
	const struct settings_limits *l = &c->set->limits;
	struct head_limits limits = {l->head_bytes, l->headers};

	*end = request_head_end(p, n, &c->head.scan);
	if (*end != 0 && *end <= l->head_bytes)
		return FOUND_HEAD;
	if (c->head.since_us == 0)
		c->head.since_us = clock_mono_us();
	return request_head_refuse_early(p, n, &limits, why) ? FOUND_REFUSAL
							     : FOUND_NOTHING;
}

/* At most so many bytes tell whether there is a head within the limit. */
static size_t look_at(const struct http_conn *c, size_t n)
{
	size_t max = c->set->limits.head_bytes + 1;

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
		request_get(c, end);
		CHECK(evbuffer_remove(c->raw, c->request->bytes, end) == (int)end);
		take_head(c, end);
		break;
	case FOUND_REFUSAL:
		conn_refuse(c, why);
		break;
	case FOUND_NOTHING:
		if (c->in.half_closed) /* the rest of this head will not come */
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
		request_get(c, end);
		memcpy(c->request->bytes, p, end);
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

/* Whether bytes that come while no head may be taken are kept; else they are dropped. */
static bool keeps_bytes(struct http_conn *c)
{
	if (!c->in.dropping && !c->gone && !c->head.refused)
		return true;
	if (c->state == CONN_LINGER)
		c->linger.since_us = clock_mono_us();
	return false;
}

/* Bytes have come to c->raw while no head may be taken. */
static void note_kept(struct http_conn *c)
{
	if (c->state == CONN_BUSY && !c->body.done) {
		c->body.since_us = clock_mono_us();
		conn_make_ready(c);
	}
	if (evbuffer_get_length(c->raw) > HTTP_OUT_HIGH)
		conn_pause(c);
}

void conn_take_bytes(struct http_conn *c, const char *p, size_t n)
{
	if (c->state != CONN_IDLE || c->gone) {
		if (!keeps_bytes(c))
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
	else if (keeps_bytes(c))
		note_kept(c);
	else
		evbuffer_drain(c->raw, n);
}
