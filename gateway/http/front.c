/* evhttp behind an input gate: accepting, heads, deadlines, and the end of connections.
 *
 * Traps of evhttp 2.1.12 that shape this file: its read callback must never be installed while
 * a request is served (it exits the process); nothing is freed from inside a buffer callback
 * (the ready list does that, from its own event); a request whose connection fails while it is
 * served is ours to free. */
#include "gateway/http/front.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/http/conn.h"

#define TICK_US 200000

/* All that evhttp ever parses. HEAD: it never looks for a body. */
static const char fed_head[] = "HEAD / HTTP/1.1\r\n\r\n";
#define FED_HEAD_LENGTH (sizeof fed_head - 1)

void conn_make_ready(struct http_conn *c)
{
	if (c->is_ready)
		return;
	c->is_ready = true;
	TAILQ_INSERT_TAIL(&c->front->ready, c, ready);
	event_active(c->front->run, EV_TIMEOUT, 0);
}

void conn_doom(struct http_conn *c)
{
	c->gone = true;
	conn_make_ready(c);
}

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
	c->closing = false;
	c->state = CONN_BUSY;
}

/* Puts the constant head in front of evhttp. */
static void feed(struct http_conn *c, struct evbuffer *input)
{
	c->feeding = true;
	CHECK(evbuffer_prepend(input, fed_head, FED_HEAD_LENGTH) == 0);
	c->feeding = false;
}

static void refuse(struct http_conn *c, struct evbuffer *input, struct head_refusal why)
{
	if (c->x == NULL)
		c->x = exchange_get(c->front, 0);
	memset(&c->x->head, 0, offsetof(struct request_head, fields));
	/* Whatever follows is not a request: drop it, answer, linger, close. */
	evbuffer_drain(c->raw, evbuffer_get_length(c->raw));
	evbuffer_drain(input, evbuffer_get_length(input));
	begin_exchange(c);
	c->refused = true;
	c->refusal = why;
	c->body_done = false;
	feed(c, input);
}

void conn_refuse(struct http_conn *c, struct head_refusal why)
{
	refuse(c, bufferevent_get_input(c->bev), why);
	bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
}

/* The head of n bytes at the front of `from`: parse, keep, hand evhttp its stand-in. What
 * follows the head ends up in c->raw. */
static void take_head(struct http_conn *c, struct evbuffer *from, size_t n,
		      struct evbuffer *input)
{
	struct http_front *f = c->front;
	struct head_limits limits = {f->limits.head_bytes, f->limits.headers};
	struct head_refusal why;

	c->x = exchange_get(f, n);
	CHECK(evbuffer_remove(from, c->x->bytes, n) == (int)n);
	if (!request_head_parse(&c->x->head, c->x->bytes, n, &limits, &why)) {
		refuse(c, input, why);
		return;
	}
	c->refused = false;
	begin_exchange(c);
	begin_body(c);
	if (from == input && evbuffer_get_length(input))
		evbuffer_add_buffer(c->raw, input);
	feed(c, input);
}

/* Looks for a complete head at the front of `from` (the input or c->raw); true when evhttp
 * was fed. */
static bool try_head(struct http_conn *c, struct evbuffer *from, struct evbuffer *input)
{
	size_t n = evbuffer_get_length(from), max = c->front->limits.head_bytes;
	size_t look = n < max + 1 ? n : max + 1, end;
	struct head_limits limits = {max, c->front->limits.headers};
	struct head_refusal why;
	const char *p;

	if (n == 0)
		return false;
	if (c->head_since_us == 0)
		c->head_since_us = clock_mono_us();
	p = (const char *)evbuffer_pullup(from, (ev_ssize_t)look);
	CHECK(p != NULL);
	end = request_head_end(p, look, &c->scan);
	if (end != 0 && end <= max)
		take_head(c, from, end, input);
	else if (request_head_refuse_early(p, look, &limits, &why))
		refuse(c, input, why);
	else
		return false;
	return true;
}

/* Bytes while no head may be taken: keep, hold back, or drop. */
static void keep_bytes(struct http_conn *c, struct evbuffer *input)
{
	size_t n = evbuffer_get_length(input);

	if (c->state == CONN_LINGER || c->gone || c->refused) {
		evbuffer_drain(input, n);
		c->lingered += n;
		if (c->state == CONN_LINGER && c->lingered > CONN_LINGER_BYTES)
			conn_doom(c);
		return;
	}
	evbuffer_add_buffer(c->raw, input);
	if (c->state == CONN_BUSY && (!c->body_done || c->tunnel)) {
		c->body_since_us = clock_mono_us();
		conn_make_ready(c);
	}
	if (evbuffer_get_length(c->raw) > HTTP_OUT_HIGH)
		conn_pause(c);
}

/* Runs inside bufferevent's read, before evhttp's read callback. */
static void gate(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *c = arg;

	OBJ_CHECK(c, CONN_MAGIC);
	if (info->n_added == 0 || c->feeding)
		return;
	if (c->state != CONN_IDLE) {
		keep_bytes(c, input);
		return;
	}
	if (evbuffer_get_length(c->raw) == 0) {
		if (!try_head(c, input, input))
			evbuffer_add_buffer(c->raw, input);
		return;
	}
	evbuffer_add_buffer(c->raw, input);
	try_head(c, c->raw, input);
}

static void start_ticking(struct http_front *f)
{
	event_add(f->tick, &(struct timeval){0, TICK_US});
}

static void conn_free(struct http_conn *c)
{
	struct http_front *f = c->front;

	if (c->is_ready)
		TAILQ_REMOVE(&f->ready, c, ready);
	TAILQ_REMOVE(&f->conns, c, all);
	f->n_conns--;
	if (c->fd >= 0)
		f->by_fd[c->fd] = NULL;
	if (c->counted)
		address_cap_remove(f->address_cap, &c->peer);
	if (c->x != NULL)
		conn_exchange_put(f, c->x);
	if (c->closed != NULL)
		event_free(c->closed);
	/* The bufferevent may outlive us by a callback: its gate must not see us again. */
	evbuffer_remove_cb(bufferevent_get_input(c->bev), gate, c);
	evbuffer_free(c->raw);
	c->magic = 0;
	free(c);
}

static void on_bev_write(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;
	struct http_front *f;

	(void)bev;
	OBJ_CHECK(c, CONN_MAGIC);
	f = c->front;
	if (c->gone)
		return;
	if (c->state == CONN_BUSY && !c->refused)
		f->handler->on_writable(c, f->ctx);
	else if (c->state == CONN_FLUSH && http_conn_queued(c) == 0)
		conn_flushed(c);
}

static void on_bev_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;

	OBJ_CHECK(c, CONN_MAGIC);
	/* The request is complete and the client shut its side down: it may have left, or only
	 * have said that it sends no more (RFC 9112 9.6). tick_half_closed finds out. */
	if ((what & BEV_EVENT_EOF) && !(what & BEV_EVENT_ERROR) && c->body_done &&
	    (c->state == CONN_BUSY || c->state == CONN_FLUSH)) {
		c->half_closed = true;
		c->eof_us = clock_mono_us();
		c->closing = true;
		if (c->tunnel && c->state == CONN_BUSY)
			conn_make_ready(c);
		else
			evbuffer_drain(c->raw, evbuffer_get_length(c->raw));
		return;
	}
	c->evhttp_on_event(bev, what, c->evcon);
}

/* evhttp has read its stand-in: the request, kept in c->x, begins. */
static void on_evhttp_request(struct evhttp_request *req, void *arg)
{
	struct http_front *f = arg;
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	int fd = (int)bufferevent_getfd(bev);
	struct http_conn *c;

	OBJ_CHECK(f, FRONT_MAGIC);
	CHECK(fd >= 0 && (size_t)fd < f->by_fd_size);
	c = f->by_fd[fd];
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY && c->req == NULL);
	c->req = req;
	bufferevent_getcb(bev, NULL, NULL, &c->evhttp_on_event, NULL);
	bufferevent_setcb(bev, NULL, on_bev_write, on_bev_event, c);
	if (!c->paused)
		bufferevent_enable(bev, EV_READ);
	if (c->refused)
		conn_answer_refusal(c);
	else
		f->handler->on_request(c, f->ctx);
}

/* evhttp is about to free the connection, whatever the reason. */
static void conn_closed(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *c = arg;
	struct http_front *f;

	OBJ_CHECK(c, CONN_MAGIC);
	f = c->front;
	/* Detached from its connection: nobody but us will free it. */
	if (c->req != NULL && evhttp_request_get_connection(c->req) == NULL)
		evhttp_request_free(c->req);
	c->req = NULL;
	(void)evcon;
	if (c->state == CONN_BUSY && !c->refused) {
		c->gone = true;
		f->handler->on_gone(c, f->ctx);
	}
	conn_free(c);
	if (f->listening_paused && !f->draining)
		front_listen_again(f);
}

/* Over its cap, a client's connection is closed before a byte of it was read. */
static void count_address(struct http_conn *c)
{
	struct http_front *f = c->front;

	if (f->address_cap == NULL || f->limits.connections_per_address == 0 ||
	    c->peer.family == 0 ||
	    (f->trusted != NULL && net_cidrs_contain(f->trusted, &c->peer)))
		return;
	c->counted = address_cap_add(f->address_cap, &c->peer,
				     f->limits.connections_per_address);
	if (!c->counted)
		c->gone = true;
}

static void conn_adopt(struct http_conn *c)
{
	struct http_front *f = c->front;
	void *evcon;

	c->fd = (int)bufferevent_getfd(c->bev);
	CHECK(c->fd >= 0);
	bufferevent_getcb(c->bev, NULL, NULL, NULL, &evcon);
	c->evcon = evcon;
	evhttp_connection_set_closecb(evcon, conn_closed, c);
	net_ip_of_sockaddr(&c->peer, evhttp_connection_get_addr(evcon));
	count_address(c);
	if ((size_t)c->fd >= f->by_fd_size) {
		size_t size = (size_t)c->fd * 2 + 64;

		f->by_fd = xrealloc(f->by_fd, size * sizeof(struct http_conn *));
		memset(f->by_fd + f->by_fd_size, 0,
		       (size - f->by_fd_size) * sizeof(struct http_conn *));
		f->by_fd_size = size;
	}
	CHECK(f->by_fd[c->fd] == NULL);
	f->by_fd[c->fd] = c;
}

/* evhttp asks for a new connection's bufferevent. The connection is adopted from the ready
 * list, in the same turn of the loop, once evhttp has put its own things in place. */
static struct bufferevent *new_connection(struct http_front *f, SSL *ssl)
{
	struct http_conn *c = xcalloc(1, sizeof *c);

	OBJ_CHECK(f, FRONT_MAGIC);
	c->magic = CONN_MAGIC;
	c->front = f;
	c->fd = -1;
	c->ssl = ssl;
	if (ssl != NULL) {
		c->bev = bufferevent_openssl_socket_new(f->base, -1, ssl,
							BUFFEREVENT_SSL_ACCEPTING,
							BEV_OPT_CLOSE_ON_FREE);
		CHECK(c->bev != NULL);
		/* HTTP's own framing tells a cut message. */
		bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	} else {
		c->bev = bufferevent_socket_new(f->base, -1, BEV_OPT_CLOSE_ON_FREE);
	}
	c->raw = evbuffer_new();
	CHECK(c->bev != NULL && c->raw != NULL);
	CHECK(evbuffer_add_cb(bufferevent_get_input(c->bev), gate, c) != NULL);
	bufferevent_setwatermark(c->bev, EV_WRITE, HTTP_OUT_LOW, 0);
	bufferevent_set_max_single_write(c->bev, HTTP_OUT_HIGH);
	c->head_since_us = c->idle_since_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&f->conns, c, all);
	if (f->n_conns++ == 0)
		start_ticking(f);
	conn_make_ready(c);
	if (f->n_conns >= f->limits.connections)
		front_stop_listening(f);
	return c->bev;
}

/* evhttp asks for a new connection's bufferevent. The connection is adopted from the ready
 * list, in the same turn of the loop, once evhttp has put its own things in place. */
static struct bufferevent *on_new_plain(struct event_base *base, void *arg)
{
	(void)base;
	return new_connection(arg, NULL);
}

static struct bufferevent *on_new_tls(struct event_base *base, void *arg)
{
	struct http_front *f = arg;
	SSL *ssl = SSL_new(f->tls);

	(void)base;
	CHECK(ssl != NULL);
	return new_connection(f, ssl);
}

static void run_conn(struct http_conn *c)
{
	struct http_front *f = c->front;

	if (c->evcon == NULL)
		conn_adopt(c);
	if (c->gone) {
		evhttp_connection_free(c->evcon);
		return;
	}
	if (c->state == CONN_BUSY && !c->refused && c->req != NULL) {
		f->handler->on_body(c, f->ctx);
		return;
	}
	if (c->state == CONN_IDLE && try_head(c, c->raw, bufferevent_get_input(c->bev)))
		bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
}

static void on_run(evutil_socket_t fd, short what, void *arg)
{
	struct http_front *f = arg;
	struct http_conn *c;

	(void)fd;
	(void)what;
	OBJ_CHECK(f, FRONT_MAGIC);
	while ((c = TAILQ_FIRST(&f->ready)) != NULL) {
		TAILQ_REMOVE(&f->ready, c, ready);
		c->is_ready = false;
		run_conn(c);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http_front *f = arg;
	struct http_conn *c, *next;
	uint64_t now = clock_mono_us();

	(void)fd;
	(void)what;
	OBJ_CHECK(f, FRONT_MAGIC);
	for (c = TAILQ_FIRST(&f->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->evcon != NULL && !c->gone)
			conn_tick(c, now);
	}
	front_drain_tick(f, now);
	if (f->n_conns == 0 && !f->draining)
		event_del(f->tick);
}

static struct evhttp *evhttp_start(struct http_front *f,
				   struct bufferevent *(*on_new)(struct event_base *,
								 void *))
{
	struct evhttp *http = evhttp_new(f->base);

	CHECK(http != NULL);
	evhttp_set_bevcb(http, on_new, f);
	evhttp_set_gencb(http, on_evhttp_request, f);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_HEAD);
	return http;
}

struct http_front *http_front_new(const struct http_front_options *o)
{
	struct http_front *f = xcalloc(1, sizeof *f);

	f->magic = FRONT_MAGIC;
	f->base = o->base;
	f->handler = o->handler;
	f->ctx = o->ctx;
	f->address_cap = o->address_cap;
	http_front_configure(f, &o->limits, &o->timeouts, o->trusted);
	TAILQ_INIT(&f->conns);
	TAILQ_INIT(&f->ready);
	f->http = evhttp_start(f, on_new_plain);
	f->https = evhttp_start(f, on_new_tls);
	f->run = event_new(o->base, -1, 0, on_run, f);
	f->tick = event_new(o->base, -1, EV_PERSIST, on_tick, f);
	f->relisten = event_new(o->base, -1, EV_PERSIST, front_on_relisten, f);
	CHECK(f->run != NULL && f->tick != NULL && f->relisten != NULL);
	event_add(f->relisten, &(struct timeval){FRONT_RELISTEN_S, 0});
	return f;
}

void http_front_configure(struct http_front *f, const struct settings_limits *limits,
			  const struct settings_timeouts *timeouts,
			  const struct net_cidrs *trusted)
{
	f->trusted = trusted;
	f->limits = *limits;
	f->timeouts = *timeouts;
	CHECK(f->limits.head_bytes > 0 && f->limits.connections > 0);
}

void http_front_set_tls(struct http_front *f, SSL_CTX *ctx)
{
	SSL_CTX_free(f->tls);
	f->tls = ctx;
}

void http_front_drain(struct http_front *f)
{
	f->draining = true;
	f->drain_since_us = clock_mono_us();
	start_ticking(f);
}

bool http_front_is_drained(const struct http_front *f)
{
	return f->draining && f->n_listeners == 0 && f->n_conns == 0;
}

size_t http_front_connections(const struct http_front *f)
{
	return f->n_conns;
}

void http_front_free(struct http_front **front)
{
	struct http_front *f = *front;
	struct http_conn *c;
	struct conn_exchange *x;

	*front = NULL;
	f->draining = true;
	while ((c = TAILQ_FIRST(&f->conns)) != NULL) {
		if (c->evcon == NULL)
			conn_adopt(c);
		c->gone = true;
		evhttp_connection_free(c->evcon);
	}
	event_free(f->run);
	event_free(f->tick);
	event_free(f->relisten);
	evhttp_free(f->http);
	evhttp_free(f->https);
	SSL_CTX_free(f->tls);
	while ((x = f->spare) != NULL) {
		f->spare = x->next;
		free(x);
	}
	free(f->listeners);
	free(f->by_fd);
	free(f);
}
