/* The connections of one front: taken from evhttp, watched over, freed.
 *
 * evhttp accepts, owns each connection with its bufferevent, and closes it; no request
 * reaches it (docs/adr/0008-evhttp-owns-connections.md). */
#include "gateway/http/conn_set.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/http/conn_priv.h"

void conn_make_ready(struct http_conn *c)
{
	if (c->is_ready)
		return;
	c->is_ready = true;
	TAILQ_INSERT_TAIL(&c->set->ready, c, ready);
	event_active(c->set->run, EV_TIMEOUT, 0);
}

void conn_doom(struct http_conn *c)
{
	c->gone = true;
	conn_make_ready(c);
}

/* --- what happens to a connection --- */

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
	if (c->body.done)
		return true;
	if (c->head.refused)
		return false;
	return c->body.framing != HTTP_LENGTH ||
	       evbuffer_get_length(c->raw) >= c->body.left;
}

bool conn_half_close(struct http_conn *c)
{
	bool waiting = c->state == CONN_IDLE && evbuffer_get_length(c->raw) > 0;
	bool served = c->state == CONN_BUSY || c->state == CONN_FLUSH;

	/* The client shut its side down: it may have left, or only have said that it
	 * sends no more (RFC 9112 9.6). What it sent is answered; tick_half_closed finds
	 * out. */
	if (!waiting && (!served || !body_may_be_here(c) || conn_has_left(c)))
		return false;
	c->in.half_closed = true;
	c->in.eof_us = clock_mono_us();
	if (waiting || (c->state == CONN_BUSY && !c->body.done))
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

/* Such a client gets no answer: it would have to be one of TLS. */
static void tell_plain(struct http_conn *c)
{
	int reason = ERR_GET_REASON(bufferevent_get_openssl_error(c->bev));
	char ip[NET_ADDR_TEXT_MAX];

	if ((reason != SSL_R_HTTP_REQUEST && reason != SSL_R_HTTPS_PROXY_REQUEST) ||
	    !trouble_happened(&c->set->plain_on_tls, clock_mono_us()))
		return;
	net_ip_text(&c->peer, ip);
	log_warn("%s speaks plain HTTP to a port for TLS: https:// is meant", ip);
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
	if ((what & BEV_EVENT_ERROR) && c->ssl != NULL)
		tell_plain(c);
	conn_doom(c);
}

/* --- its life --- */

static void conn_free(struct http_conn *c)
{
	struct conn_set *s = c->set;

	if (c->is_ready)
		TAILQ_REMOVE(&s->ready, c, ready);
	TAILQ_REMOVE(&s->all, c, all);
	s->n--;
	if (c->counted)
		address_cap_remove(s->address_cap, &c->peer);
	if (c->request != NULL)
		conn_request_put(c);
	if (c->in.closed != NULL)
		event_free(c->in.closed);
	conn_end_fini(c);
	/* The bufferevent may outlive us by a callback, which must not see us again. */
	if (c->ssl != NULL)
		bufferevent_setcb(c->bev, NULL, NULL, NULL, NULL);
	else if (c->evcon != NULL)
		conn_io_stop(c);
	c->magic = 0;
	free(c);
}

/* evhttp is about to free the connection, whatever the reason. */
static void conn_closed(struct evhttp_connection *evcon, void *arg)
{
	struct http_conn *c = arg;

	(void)evcon;
	OBJ_CHECK(c, CONN_MAGIC);
	if (c->state == CONN_BUSY) {
		c->gone = true;
		c->user->on_gone(c, c->user_ctx);
	}
	conn_free(c);
}

/* Over its cap, a client's connection is closed before a byte of it was read. */
static void count_address(struct http_conn *c)
{
	struct conn_set *s = c->set;

	if (s->address_cap == NULL || s->limits.connections_per_address == 0 ||
	    c->peer.family == 0 ||
	    (s->trusted != NULL && net_cidrs_contain(s->trusted, &c->peer)))
		return;
	c->counted = address_cap_add(s->address_cap, &c->peer,
				     s->limits.connections_per_address);
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

static void make_bufferevent(struct http_conn *c, SSL *ssl)
{
	struct event_base *base = c->set->base;

	c->ssl = ssl;
	if (ssl == NULL) {
		/* Without CLOSE_ON_FREE evhttp closes the socket, after its shutdown. */
		c->bev = bufferevent_socket_new(base, -1, 0);
		CHECK(c->bev != NULL);
		return;
	}
	c->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
						BEV_OPT_CLOSE_ON_FREE);
	CHECK(c->bev != NULL);
	/* HTTP's own framing tells a cut message. */
	bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	bufferevent_setwatermark(c->bev, EV_WRITE, HTTP_OUT_LOW, 0);
	bufferevent_set_max_single_write(c->bev, HTTP_OUT_HIGH);
}

/* The connection is adopted from the ready list, in the same turn of the loop, once
 * evhttp has put its own things in place. */
struct bufferevent *conn_set_accept(struct conn_set *s, SSL *ssl)
{
	struct http_conn *c = xcalloc(1, sizeof *c);

	c->magic = CONN_MAGIC;
	c->set = s;
	c->fd = -1;
	make_bufferevent(c, ssl);
	c->raw = bufferevent_get_input(c->bev);
	c->head.since_us = c->head.idle_since_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&s->all, c, all);
	s->n++;
	conn_make_ready(c);
	return c->bev;
}

/* --- all of them --- */

struct conn_set *conn_set_new(struct event *run, const struct http_handler *handler,
			      void *ctx, struct address_cap *address_cap)
{
	struct conn_set *s = xcalloc(1, sizeof *s);

	s->base = event_get_base(run);
	s->run = run;
	s->handler = handler;
	s->ctx = ctx;
	s->address_cap = address_cap;
	id_source_init(&s->ids);
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->ready);
	return s;
}

void conn_set_configure(struct conn_set *s, const struct settings_limits *limits,
			const struct settings_timeouts *timeouts,
			const struct net_cidrs *trusted)
{
	s->limits = *limits;
	s->timeouts = *timeouts;
	s->trusted = trusted;
	CHECK(s->limits.head_bytes > 0 && s->limits.connections > 0);
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

void conn_set_run(struct conn_set *s)
{
	struct http_conn *c;

	while ((c = TAILQ_FIRST(&s->ready)) != NULL) {
		TAILQ_REMOVE(&s->ready, c, ready);
		c->is_ready = false;
		run_conn(c);
	}
}

void conn_set_tick(struct conn_set *s, uint64_t now_us)
{
	struct http_conn *c, *next;

	for (c = TAILQ_FIRST(&s->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->evcon != NULL && !c->gone)
			conn_tick(c, now_us);
	}
}

void conn_set_drain(struct conn_set *s)
{
	s->draining = true;
}

size_t conn_set_count(const struct conn_set *s)
{
	return s->n;
}

void conn_set_free(struct conn_set **set)
{
	struct conn_set *s = *set;
	struct http_conn *c;
	struct conn_request *r;

	*set = NULL;
	while ((c = TAILQ_FIRST(&s->all)) != NULL) {
		if (c->evcon == NULL)
			conn_adopt(c);
		c->gone = true;
		evhttp_connection_free(c->evcon);
	}
	while ((r = s->spare) != NULL) {
		s->spare = r->next;
		free(r);
	}
	free(s);
}
