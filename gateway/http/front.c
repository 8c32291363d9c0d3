/* evhttp behind an input gate: accepting, and the pace of its connections. */
#include "gateway/http/front.h"

#include <openssl/ssl.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/acceptor.h"
#include "gateway/http/conn_set.h"

#define FRONT_MAGIC 0x46726f6eu
#define TICK_US 200000
#define DRAIN_TICK_US 50000     /* whoever stops us waits */
#define DRAIN_LISTEN_US 100000u /* accepting goes on for so long after a stop was asked */

struct http_front {
	uint32_t magic;
	struct event_base *base;
	struct evhttp *http, *https; /* the second makes connections of TLS listeners */
	SSL_CTX *tls;
	struct conn_set *conns;
	size_t connections_max;
	struct acceptor acceptor;
	struct event *run;  /* works off what the connections have */
	struct event *tick; /* deadlines */
	struct event *relisten;
	bool draining;
	uint64_t drain_since_us;
};

static void start_ticking(struct http_front *f)
{
	event_add(f->tick, &(struct timeval){0, f->draining ? DRAIN_TICK_US : TICK_US});
}

static struct bufferevent *accept_connection(struct http_front *f, SSL *ssl)
{
	struct bufferevent *bev;

	OBJ_CHECK(f, FRONT_MAGIC);
	bev = conn_set_accept(f->conns, ssl);
	if (conn_set_count(f->conns) == 1)
		start_ticking(f);
	if (conn_set_count(f->conns) >= f->connections_max)
		acceptor_pause(&f->acceptor);
	return bev;
}

static struct bufferevent *on_new_plain(struct event_base *base, void *arg)
{
	(void)base;
	return accept_connection(arg, NULL);
}

static struct bufferevent *on_new_tls(struct event_base *base, void *arg)
{
	struct http_front *f = arg;
	SSL *ssl = SSL_new(f->tls);

	(void)base;
	CHECK(ssl != NULL);
	return accept_connection(f, ssl);
}

static void accept_again(struct http_front *f)
{
	if (!f->draining && conn_set_count(f->conns) < f->connections_max)
		acceptor_resume(&f->acceptor);
}

static void on_run(evutil_socket_t fd, short what, void *arg)
{
	struct http_front *f = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(f, FRONT_MAGIC);
	conn_set_run(f->conns);
	if (f->acceptor.paused)
		accept_again(f);
}

static void on_relisten(evutil_socket_t fd, short what, void *arg)
{
	struct http_front *f = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(f, FRONT_MAGIC);
	accept_again(f);
}

/* Connections that wait in a listener's queue were promised an answer: they are taken for
 * a while yet. Idle ones are asked to go by their next answer, since closing them now
 * could cross a request that is on its way (RFC 9112 9.6). */
static void stop_accepting(struct http_front *f, uint64_t now_us)
{
	if (now_us - f->drain_since_us < DRAIN_LISTEN_US)
		return;
	if (!f->acceptor.paused)
		acceptor_pause(&f->acceptor);
	else
		acceptor_close(&f->acceptor);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct http_front *f = arg;
	uint64_t now = clock_mono_us();

	(void)fd;
	(void)what;
	OBJ_CHECK(f, FRONT_MAGIC);
	conn_set_tick(f->conns, now);
	if (f->draining)
		stop_accepting(f, now);
	else if (conn_set_count(f->conns) == 0)
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
	f->http = evhttp_start(f, on_new_plain);
	f->https = evhttp_start(f, on_new_tls);
	f->run = event_new(o->base, -1, 0, on_run, f);
	f->tick = event_new(o->base, -1, EV_PERSIST, on_tick, f);
	f->relisten = event_new(o->base, -1, EV_PERSIST, on_relisten, f);
	CHECK(f->run != NULL && f->tick != NULL && f->relisten != NULL);
	f->conns = conn_set_new(f->run, o->handler, o->ctx, o->address_cap);
	http_front_configure(f, &o->limits, &o->timeouts, o->trusted);
	event_add(f->relisten, &(struct timeval){ACCEPTOR_RETRY_S, 0});
	return f;
}

void http_front_listen(struct http_front *f, int fd, bool tls)
{
	CHECK(!tls || f->tls != NULL);
	acceptor_add(&f->acceptor, tls ? f->https : f->http, f->base, fd);
}

void http_front_configure(struct http_front *f, const struct settings_limits *limits,
			  const struct settings_timeouts *timeouts,
			  const struct net_cidrs *trusted)
{
	f->connections_max = limits->connections;
	conn_set_configure(f->conns, limits, timeouts, trusted);
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
	conn_set_drain(f->conns);
	start_ticking(f);
}

bool http_front_is_drained(const struct http_front *f)
{
	return f->draining && f->acceptor.n == 0 && conn_set_count(f->conns) == 0;
}

void http_front_free(struct http_front **front)
{
	struct http_front *f = *front;

	*front = NULL;
	if (f == NULL)
		return;
	conn_set_free(&f->conns);
	event_free(f->run);
	event_free(f->tick);
	event_free(f->relisten);
	evhttp_free(f->http);
	evhttp_free(f->https);
	SSL_CTX_free(f->tls);
	free(f->acceptor.sockets);
	free(f);
}
