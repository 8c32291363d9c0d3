/* A small HTTP/1.1 server for the demo upstreams: streams bodies in both directions,
 * which evhttp cannot.
 *
 * One thread, one event base. An endpoint is a table of callbacks; the server calls them
 * with the connection whose request they serve, and goes on to the next request once the
 * endpoint has replied and the request's body is read. A connection is only ever freed by
 * the server, never inside an endpoint's callback. */
#ifndef GATEWAY_DEV_DEMO_SERVER_H
#define GATEWAY_DEV_DEMO_SERVER_H

#include <event2/event.h>

#include "common/net_listen.h"
#include "gateway/http/request_head.h"

#define DEMO_OUT_HIGH (256 * 1024) /* an endpoint stops producing above */

struct demo_server;
struct demo_conn;

/* Callbacks that are NULL are skipped. A body that nobody looks at is read and
 * dropped. */
struct demo_endpoint {
	void (*on_head)(struct demo_conn *c);
	void (*on_body)(struct demo_conn *c, const char *bytes, size_t n);
	void (*on_end)(struct demo_conn *c); /* the whole request is read */
	void (*on_writable)(
		struct demo_conn *c); /* little is queued; more may be written */
	/* After demo_take_over only: bytes that came in. Returns how many it used. */
	size_t (*on_raw)(struct demo_conn *c, const char *bytes, size_t n);
	void (*free_data)(void *data);
};

/* Chooses by the request's path; never NULL. */
typedef const struct demo_endpoint *demo_route_fn(const struct request_head *h);

/* NULL: errno tells why. *bound gets the address with its real port. */
struct demo_server *demo_server_new(struct event_base *base,
				    const struct net_listen *listen, demo_route_fn *route,
				    struct net_listen *bound);
/* Closes all connections. Clears *s. */
void demo_server_free(struct demo_server **s);

/* --- of one connection, within a request --- */
const struct request_head *demo_head(const struct demo_conn *c);
uint64_t demo_body_bytes(const struct demo_conn *c); /* read so far, decoded */
/* The endpoint's own; freed by free_data when the request is over. */
void demo_set_data(struct demo_conn *c, void *data);
void *demo_data(const struct demo_conn *c);

/* Calls back once, on this thread, after delay_us; a connection has one timer. */
void demo_timer(struct demo_conn *c, uint64_t delay_us,
		void (*on_timer)(struct demo_conn *c));
/* Stops reading the request's body until demo_resume. */
void demo_pause(struct demo_conn *c);
void demo_resume(struct demo_conn *c);

#define DEMO_CHUNKED UINT64_MAX

/* Begins a reply; length is the body's, or DEMO_CHUNKED (HTTP/1.0: until the connection
 * ends). fields: further lines, each with CRLF, or "". */
void demo_reply_start(struct demo_conn *c, int status, uint64_t length,
		      const char *fields);
/* Body bytes; dropped where the reply has no body (HEAD, 204, 304). */
void demo_reply_data(struct demo_conn *c, const void *bytes, size_t n);
void demo_reply_end(struct demo_conn *c);
/* All three at once. */
void demo_reply(struct demo_conn *c, int status, const char *type, struct str body);
/* Ends the connection once what is queued is out, whatever the reply's length said. */
void demo_cut(struct demo_conn *c);
size_t demo_queued(const struct demo_conn *c);

/* 101 with these fields; from now on bytes go to on_raw, and demo_write writes as is. */
void demo_take_over(struct demo_conn *c, const char *fields);
void demo_write(struct demo_conn *c, const void *bytes, size_t n);

#endif
