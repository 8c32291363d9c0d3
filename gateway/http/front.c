/* evhttp behind an input gate: accepting, deadlines, and the end of connections.
 *
 * evhttp accepts, owns each connection with its bufferevent, and closes it; no request
 * reaches it (docs/adr/0008-evhttp-owns-connections.md). Nothing is freed from inside a
 * callback of a bufferevent: the ready list does that, from its own event. */
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
#define DRAIN_TICK_US 50000 /* whoever stops us waits */

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

static void start_ticking(struct http_front *f)
{
	event_add(f->tick, &(struct timeval){0, f->draining ? DRAIN_TICK_US : TICK_US});
}

static void conn_free(struct http_conn *c)
{
	struct http_front *f = c->front;

	if (c->is_ready)
		TAILQ_REMOVE(&f->ready, c, ready);
	TAILQ_REMOVE(&f->conns, c, all);
	f->n_conns--;
	if (c->counted)
		address_cap_remove(f->address_cap, &c->peer);
	if (c->x != NULL)
		conn_exchange_put(f, c->x);
	if (c->closed != NULL)
		event_free(c->closed);
	/* The bufferevent may outlive us by a callback, which must not see us again. */
	if (c->ssl != NULL)
		bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	else if (c->evcon != NULL)
		conn_io_stop(c);
	c->magic = 0;
	free(c);
}

void conn_written(struct http_conn *c)
{
	if (c->gone)
		return;
	if (c->state == CONN_BUSY)
		c->user->on_writable(c, c->user_ctx);
	else if (c->state == CONN_FLUSH && http_conn_queued(c) == 0)
		conn_flushed(c);
}

/* The rest of the body may be here already, waiting for the upstream. */
static bool body_may_be_here(const struct http_conn *c)
{
	if (c->body_done)
		return true;
	if (c->refused)
		return false;
	return c->body_framing != HTTP_LENGTH ||
	       evbuffer_get_length(c->raw) >= c->body_left;
}

bool conn_half_close(struct http_conn *c)
{
	bool waiting = c->state == CONN_IDLE && evbuffer_get_length(c->raw) > 0;
	bool served = c->state == CONN_BUSY || c->state == CONN_FLUSH;

	/* The client shut its side down: it may have left, or only have said that it
	 * sends no more (RFC 9112 9.6). What it sent is answered; tick_half_closed finds
	 * out. */
	if (!waiting && (!served || !body_may_be_here(c)))
		return false;
	c->half_closed = true;
	c->eof_us = clock_mono_us();
	if (waiting || (c->state == CONN_BUSY && !c->body_done))
		conn_make_ready(c);
	/* A TLS bufferevent stops writing when the peer says that it sends no more. */
	if (c->ssl != NULL && http_conn_queued(c) > 0)
		bufferevent_enable(c->bev, EV_WRITE);
	return true;
}

static void on_bev_read(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	OBJ_CHECK(c, CONN_MAGIC);
	conn_see_bytes(c);
}

static void on_bev_write(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	OBJ_CHECK(c, CONN_MAGIC);
	conn_written(c);
}

static void on_bev_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	OBJ_CHECK(c, CONN_MAGIC);
	if (what & BEV_EVENT_CONNECTED)
		return;
	if ((what & BEV_EVENT_EOF) && !(what & BEV_EVENT_ERROR) && conn_half_close(c))
		return;
	conn_doom(c);
}

/* evhttp is about to free the connection, whatever the reason. */
static void conn_closed(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *c = arg;
	struct http_front *f;

	OBJ_CHECK(c, CONN_MAGIC);
	f = c->front;
	(void)evcon;
	if (c->state == CONN_BUSY) {
		c->gone = true;
		c->user->on_gone(c, c->user_ctx);
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
	void *evcon;

	c->fd = (int)bufferevent_getfd(c->bev);
	CHECK(c->fd >= 0);
	bufferevent_getcb(c->bev, NULL, NULL, NULL, &evcon);
	c->evcon = evcon;
	evhttp_connection_set_closecb(evcon, conn_closed, c);
	net_ip_of_sockaddr(&c->peer, evhttp_connection_get_addr(evcon));
	count_address(c);
	/* From here on evhttp sees no byte: what it reads with is ours. */
	if (c->ssl == NULL)
		conn_io_start(c);
	else
		bufferevent_setcb(c->bev, on_bev_read, on_bev_write, on_bev_event, c);
}

/* evhttp asks for a new connection's bufferevent. The connection is adopted from the
 * ready list, in the same turn of the loop, once evhttp has put its own things in
 * place. */
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
		bufferevent_setwatermark(c->bev, EV_WRITE, HTTP_OUT_LOW, 0);
		bufferevent_set_max_single_write(c->bev, HTTP_OUT_HIGH);
	} else {
		/* Without CLOSE_ON_FREE evhttp closes the socket, after its shutdown. */
		c->bev = bufferevent_socket_new(f->base, -1, 0);
	}
	CHECK(c->bev != NULL);
	c->raw = bufferevent_get_input(c->bev);
	c->head_since_us = c->idle_since_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&f->conns, c, all);
	if (f->n_conns++ == 0)
		start_ticking(f);
	conn_make_ready(c);
	if (f->n_conns >= f->limits.connections)
		front_stop_listening(f);
	return c->bev;
}

/* evhttp asks for a new connection's bufferevent. The connection is adopted from the
 * ready list, in the same turn of the loop, once evhttp has put its own things in
 * place. */
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
	if (c->evcon == NULL)
		conn_adopt(c);
	if (c->gone) {
		evhttp_connection_free(c->evcon);
		return;
	}
	if (c->state == CONN_BUSY)
		c->user->on_body(c, c->user_ctx);
	else if (c->state == CONN_IDLE)
		conn_try_kept(c);
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
	free(f);
}
