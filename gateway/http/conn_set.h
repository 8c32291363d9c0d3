/* The connections of one front: taken from evhttp, watched over, freed.
 *
 * Nothing is freed from inside a callback of a connection: it waits for conn_set_run, as
 * does what else has to happen soon. One thread. */
#ifndef GATEWAY_HTTP_CONN_SET_H
#define GATEWAY_HTTP_CONN_SET_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <openssl/types.h>

#include "gateway/http/address_cap.h"
#include "gateway/http/conn.h"
#include "gateway/settings/settings.h"

struct conn_set;

/* run is made active when there is work for conn_set_run. address_cap may be NULL. */
struct conn_set *conn_set_new(struct event *run, const struct http_handler *handler,
			      void *ctx, struct address_cap *address_cap);
/* From the next request on. trusted: proxies, exempt from the cap; outlives its use. */
void conn_set_configure(struct conn_set *s, const struct settings_limits *limits,
			const struct settings_timeouts *timeouts,
			const struct net_cidrs *trusted);
/* evhttp asks for a new connection's bufferevent. ssl: NULL, or taken over. */
struct bufferevent *conn_set_accept(struct conn_set *s, SSL *ssl);
void conn_set_run(struct conn_set *s);
/* Deadlines; every 200 ms or so. */
void conn_set_tick(struct conn_set *s, uint64_t now_us);
/* From now on each connection ends with its exchange, idle ones soon. */
void conn_set_drain(struct conn_set *s);
size_t conn_set_count(const struct conn_set *s); /* open now */
/* Frees all connections (on_gone for those in an exchange) and the set. */
void conn_set_free(struct conn_set **s);

#endif
