/* The front that both planes share: evhttp behind an input gate, on one event base.
 *
 * The gate sits on each connection's input buffer. It checks a head strictly, keeps head
 * and body to itself and hands evhttp a constant body-less head; so evhttp does what it
 * is good at (accepting, connection and request lifetimes, noticing a client that leaves)
 * and never sees a byte that a peer chose. What handlers do with a connection is in
 * conn.h.
 *
 * One thread per front; nothing here is thread-safe. */
#ifndef GATEWAY_HTTP_FRONT_H
#define GATEWAY_HTTP_FRONT_H

#include <event2/event.h>
#include <openssl/types.h>
#include <stdbool.h>

#include "gateway/http/address_cap.h"
#include "gateway/http/conn.h"
#include "gateway/settings/settings.h"

struct http_front;

struct http_front_options {
	struct event_base *base;
	const struct http_handler *handler;
	void *ctx;
	struct settings_limits limits;
	/* head, body, keep_alive, idle (a stalled reader) */
	struct settings_timeouts timeouts;
	struct address_cap *address_cap; /* NULL: none */
	/* proxies, exempt from the cap; outlives its use */
	const struct net_cidrs *trusted;
};

struct http_front *http_front_new(const struct http_front_options *o);
/* Takes the listening socket fd (non-blocking) over. tls: its connections speak TLS,
 * under the context last set. */
void http_front_listen(struct http_front *f, int fd, bool tls);
/* For connections from now on. Takes the reference over. */
void http_front_set_tls(struct http_front *f, SSL_CTX *ctx);
/* New limits and timeouts, from the next request on. */
void http_front_configure(struct http_front *f, const struct settings_limits *limits,
			  const struct settings_timeouts *timeouts,
			  const struct net_cidrs *trusted);
/* Stops accepting, closes idle connections; running exchanges end with their
 * connection. */
void http_front_drain(struct http_front *f);
/* Draining, and nothing left to wait for: no listener, no connection. */
bool http_front_is_drained(const struct http_front *f);
/* NULL: nothing. Frees all connections (on_gone for those in an exchange) and the
 * front. */
void http_front_free(struct http_front **f);

#endif
