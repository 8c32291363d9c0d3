/* The HTTP/1.1 client side: connections to upstreams, pooled per worker.
 *
 * Bytes only; what they mean is the exchange's business. A connection is plain or TLS,
 * driven by two events of the worker's base; reads go through the worker's scratch
 * buffer, so that an idle connection holds no buffer at all. One thread; nothing here is
 * thread-safe.
 *
 * Owner: the pool, while idle or closing; the user, from upstream_acquire until
 * upstream_release or on_end. A user that goes first releases; a connection that goes
 * first calls on_end, after which the user must not touch it. */
#ifndef GATEWAY_UPSTREAM_UPSTREAM_H
#define GATEWAY_UPSTREAM_UPSTREAM_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "gateway/http/problem.h"
#include "common/resolver.h"
#include "gateway/settings/settings.h"

#define UPSTREAM_OUT_HIGH (256 * 1024)
#define UPSTREAM_OUT_LOW (64 * 1024)
#define UPSTREAM_SCRATCH (64 * 1024)

struct upstream_set; /* the pools of one worker for one settings */
struct upstream_conn;

#define UPSTREAM_DETAIL_MAX 240

/* How a connection ended for its user. */
struct upstream_end {
	bool clean;            /* the peer closed in order (TLS: with close_notify) */
	enum problem_id fault; /* where not clean */
	char detail[UPSTREAM_DETAIL_MAX]; /* may be "" */
};

struct upstream_user {
	/* Connected (TLS included); the request may be written. Not called where acquire
	 * found a pooled connection. */
	void (*on_ready)(struct upstream_conn *u, void *ctx);
	/* n >= 1 bytes, which may be changed in place; valid for the call. */
	void (*on_data)(struct upstream_conn *u, void *ctx, char *bytes, size_t n);
	/* The output fell below UPSTREAM_OUT_LOW. */
	void (*on_writable)(struct upstream_conn *u, void *ctx);
	void (*on_end)(struct upstream_conn *u, void *ctx,
		       const struct upstream_end *end);
};

/* Takes a reference to s. NULL: a route's ca_file cannot be read (logged). */
struct upstream_set *upstream_set_new(struct event_base *base, struct settings *s,
				      struct resolver *resolver);
/* All connections must be released. */
void upstream_set_free(struct upstream_set **set);
/* Deadlines of connecting and idle connections; every 200 ms or so. */
void upstream_set_tick(struct upstream_set *set, uint64_t now_us);

/* Which pooled connections a request may go out on. */
enum upstream_reuse {
	UPSTREAM_ANY,
	/* For what cannot be sent twice: one that the upstream has kept open before, or
	 * for a while; some close right after an answer without saying so. */
	UPSTREAM_PROVEN,
	UPSTREAM_FRESH, /* none: a retry */
};

/* A connection to one of the route's addresses: pooled (then *ready is true) or new.
 * Never NULL, never calls back from inside. */
struct upstream_conn *upstream_acquire(struct upstream_set *set,
				       const struct settings_route *route,
				       enum upstream_reuse reuse,
				       const struct upstream_user *user, void *ctx,
				       bool *ready);
/* From now on it calls these. */
void upstream_set_user(struct upstream_conn *u, const struct upstream_user *user,
		       void *ctx);
/* Gives it back. reusable: the response ended cleanly and the request was sent whole.
 * Clears *u. May be called from inside the callbacks. */
void upstream_release(struct upstream_conn **u, bool reusable);

/* Of the address in use; once ready. */
const struct settings_endpoint *upstream_endpoint(const struct upstream_conn *u);
/* Its address as text: "api.example:8443 (192.0.2.1)". Once ready, also in on_end. */
void upstream_show(const struct upstream_conn *u, char *out, size_t size);
/* Whether it was kept open from an exchange before. Also in on_end. */
bool upstream_was_pooled(const struct upstream_conn *u);
/* How long the upstream keeps an idle connection (its Keep-Alive field); 0: unknown. */
void upstream_set_keep_alive(struct upstream_conn *u, uint32_t seconds);
/* It has carried another request before. */
bool upstream_is_reused(const struct upstream_conn *u);
/* Whether a pooled connection still looks alive: one system call, for requests that could
 * not be sent twice. */
bool upstream_probe(const struct upstream_conn *u);

/* Writes at once what the socket takes and queues the rest. Copies. */
void upstream_write(struct upstream_conn *u, const struct iovec *iov, int n);
/* The queue, to move body bytes into; upstream_flush afterwards. */
struct evbuffer *upstream_out(struct upstream_conn *u);
void upstream_flush(struct upstream_conn *u);
size_t upstream_queued(const struct upstream_conn *u);
/* Bytes of this use that the kernel (or TLS) has taken. */
uint64_t upstream_sent(const struct upstream_conn *u);
/* Writing failed: the peer reads no more. What it still says can be read. */
bool upstream_write_failed(const struct upstream_conn *u);
/* When output last made progress, monotonic. */
uint64_t upstream_progress_us(const struct upstream_conn *u);

/* Tells the upstream that no more will be sent; once the queue is empty. */
void upstream_shutdown(struct upstream_conn *u);
void upstream_pause(struct upstream_conn *u);
void upstream_resume(struct upstream_conn *u);

#endif
