/* What upstream.c (pools, connecting) and upstream_io.c (bytes) share. */
#ifndef GATEWAY_PROXY_UPSTREAM_PRIV_H
#define GATEWAY_PROXY_UPSTREAM_PRIV_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "gateway/proxy/upstream.h"

#define UPSTREAM_DOWN_US 5000000u /* an address that failed is tried last for so long */
#define UPSTREAM_MAGIC 0x55707374u

enum upstream_state {
	UPSTREAM_RESOLVING,
	UPSTREAM_CONNECTING,
	UPSTREAM_HANDSHAKE,
	UPSTREAM_READY,
	UPSTREAM_IDLE,
	UPSTREAM_DEAD, /* freed at the end of the callback it is in */
};

/* One address of a route: its idle connections, newest first. */
struct upstream_pool {
	const struct settings_route *route;
	const struct settings_endpoint *endpoint;
	struct resolver_name *name;
	SSL_CTX *tls; /* the route's; NULL: plain */
	SSL_SESSION *session;
	TAILQ_HEAD(, upstream_conn) idle;
	unsigned n_idle;
	uint64_t down_until_us; /* a connect failed a moment ago: others first */
};

struct upstream_route {
	SSL_CTX *tls;
	struct upstream_pool *pools; /* one per endpoint */
	size_t n;
	size_t turn; /* round robin */
};

struct upstream_conn {
	uint32_t magic;
	enum upstream_state state;
	int fd; /* -1: none yet */
	struct upstream_set *set;
	struct upstream_route *route;
	struct upstream_pool *pool; /* of the address in use */
	const struct upstream_user *user;
	void *ctx;
	SSL *ssl;
	struct event on_read, on_write;
	struct evbuffer *out; /* NULL until something is queued */
	TAILQ_ENTRY(upstream_conn) idle;
	TAILQ_ENTRY(upstream_conn) connecting;
	bool pooled, paused, in_callback, write_failed, write_armed, ssl_wants_write;
	unsigned endpoints_tried; /* how many of the route's pools */
	unsigned first_endpoint, address, uses;
	uint32_t keep_alive_s;
	uint32_t names_version;   /* the latest list that was seen to have peer */
	struct sockaddr_in6 peer; /* of either family */
	uint64_t born_us, idle_since_us, progress_us, sent;
	uint64_t deadline_us, attempt_deadline_us; /* 0: none */
	struct upstream_end end;                   /* the last fault while connecting */
};

TAILQ_HEAD(upstream_list, upstream_conn);

struct upstream_set {
	struct event_base *base;
	struct settings *settings;
	struct upstream_route *routes;
	struct upstream_list connecting;
	size_t n_conns;
	char scratch[UPSTREAM_SCRATCH];
};

/* upstream_io.c */
/* After a call on a connection that failed. */
enum problem_id upstream_tls_problem(const SSL *ssl, char *text, size_t size);
void upstream_io_readable(evutil_socket_t fd, short what, void *arg);
void upstream_io_writable(evutil_socket_t fd, short what, void *arg);
/* upstream_connect.c */
/* Starts connecting from the loop, since it may fail at once. */
void upstream_connect_begin(struct upstream_conn *u);
/* Tries addresses until one is on its way; waits for the resolver; or fails for good. */
void upstream_attempt_next(struct upstream_conn *u);
void upstream_attempt_failed(struct upstream_conn *u);
void upstream_note_fault(struct upstream_conn *u, enum problem_id fault,
			 const char *detail);
/* upstream.c */
void upstream_close_socket(struct upstream_conn *u, bool in_order);
void upstream_connect_event(struct upstream_conn *u);
void upstream_idle_event(struct upstream_conn *u);
/* Tells the user (unless it has released) and frees. */
void upstream_fail(struct upstream_conn *u, bool clean, enum problem_id fault,
		   const char *detail);
void upstream_enter(struct upstream_conn *u);
/* False: the connection is gone. */
bool upstream_leave(struct upstream_conn *u);
void upstream_want_write(struct upstream_conn *u, bool wanted);

#endif
