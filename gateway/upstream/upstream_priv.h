/* What pools (upstream.c), races (upstream_race.c), attempts (upstream_attempt.c) and
 * bytes (upstream_io.c) share. */
#ifndef GATEWAY_UPSTREAM_UPSTREAM_PRIV_H
#define GATEWAY_UPSTREAM_UPSTREAM_PRIV_H

#include <event2/event_struct.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

#include "gateway/upstream/upstream.h"

#define UPSTREAM_MAGIC 0x55707374u

enum upstream_state {
	UPSTREAM_CONNECTING,
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
};

struct upstream_route {
	SSL_CTX *tls;
	struct upstream_pool *pools; /* one per endpoint */
	size_t n;
	size_t turn; /* round robin */
};

/* One of a name's addresses, copied: the resolver's list may be replaced meanwhile. */
struct upstream_address {
	struct upstream_pool *pool;
	struct sockaddr_in6 sa; /* of either family */
	socklen_t len;
};

struct upstream_conn {
	uint32_t magic;
	enum upstream_state state;
	int fd; /* -1: none yet */
	struct upstream_set *set;
	struct upstream_route *route;
	struct upstream_pool
		*pool; /* of the address in use; while connecting the first's */
	const struct upstream_user *user;
	void *ctx;
	struct upstream_race *race; /* NULL: connected */
	SSL *ssl;
	struct event on_read, on_write;
	struct evbuffer *out; /* NULL until something is queued */
	TAILQ_ENTRY(upstream_conn) idle;
	TAILQ_ENTRY(upstream_conn) connecting;
	bool pooled, paused, in_callback, write_failed, write_armed, ssl_wants_write;
	unsigned uses;
	uint32_t keep_alive_s;
	uint32_t names_version;   /* the latest list that was seen to have peer */
	struct sockaddr_in6 peer; /* of either family */
	uint64_t born_us, idle_since_us, progress_us, sent;
	uint64_t deadline_us; /* of connecting; 0: none */
};

TAILQ_HEAD(upstream_list, upstream_conn);

enum upstream_attempt_state {
	ATTEMPT_PENDING,   /* on_change tells more */
	ATTEMPT_CONNECTED, /* TCP is there, TLS has not begun: upstream_attempt_secure */
	ATTEMPT_READY,
	ATTEMPT_FAILED, /* end says why */
};

/* One attempt to connect to one address: TCP, then TLS. */
struct upstream_attempt {
	TAILQ_ENTRY(upstream_attempt) all; /* of its race, or of the set's probes */
	struct upstream_set *set;
	struct upstream_address address;
	int fd;   /* -1: none */
	SSL *ssl; /* NULL: TLS has not begun */
	struct event event;
	uint64_t begun_us, connected_us, secure_us; /* the latter two 0: not yet */
	uint32_t delay_ms; /* after which another may begin beside it */
	struct upstream_end end;
	void (*on_change)(struct upstream_attempt *a, enum upstream_attempt_state s);
	void *ctx;
};

TAILQ_HEAD(upstream_attempts, upstream_attempt);

struct upstream_set {
	struct event_base *base;
	struct settings *settings;
	struct upstream_route *routes;
	struct upstream_list connecting;
	struct upstream_attempts probes;
	size_t n_conns;
	char scratch[UPSTREAM_SCRATCH];
};

/* --- upstream_io.c --- */

/* After a call on a connection that failed. */
enum problem_id upstream_tls_problem(const SSL *ssl, char *text, size_t size);
void upstream_io_readable(evutil_socket_t fd, short what, void *arg);
void upstream_io_writable(evutil_socket_t fd, short what, void *arg);
void upstream_want_write(struct upstream_conn *u, bool wanted);

/* --- upstream_attempt.c --- */

/* Nothing begins yet. */
struct upstream_attempt *upstream_attempt_new(struct upstream_set *set,
					      const struct upstream_address *address);
void upstream_attempt_free(struct upstream_attempt *a);
/* Neither calls on_change from inside; both mark the address where they know. */
enum upstream_attempt_state upstream_attempt_begin(struct upstream_attempt *a);
enum upstream_attempt_state upstream_attempt_secure(struct upstream_attempt *a);
/* It has taken too long. */
void upstream_attempt_blame(struct upstream_attempt *a);
/* Its socket and TLS are the connection's now. */
void upstream_attempt_give(struct upstream_attempt *a, struct upstream_conn *u);
/* Whether one of several URLs is known to be out of reach. */
bool upstream_is_down(const struct upstream_pool *pool);
/* Attempts of their own at those addresses of a name whose marks have run out. */
void upstream_probe_marked(struct upstream_set *set, struct upstream_pool *pool);
void upstream_probes_tick(struct upstream_set *set, uint64_t now_us);
void upstream_probes_free(struct upstream_set *set);

/* --- upstream_race.c --- */

/* Starts from the loop, since it may fail at once. */
struct upstream_race *upstream_race_new(struct upstream_conn *u, unsigned first);
/* May be NULL. */
void upstream_race_free(struct upstream_race **r);
/* The connection's time is over: it fails. */
void upstream_race_timeout(struct upstream_race *r);

/* --- upstream.c --- */

void upstream_close_socket(struct upstream_conn *u, bool in_order);
void upstream_connected(struct upstream_conn *u);
void upstream_idle_event(struct upstream_conn *u);
/* Tells the user (unless it has released) and frees. */
void upstream_fail(struct upstream_conn *u, bool clean, enum problem_id fault,
		   const char *detail);
void upstream_enter(struct upstream_conn *u);
/* False: the connection is gone. */
bool upstream_leave(struct upstream_conn *u);
/* "api.example:8443 (192.0.2.1)", or the URL's authority where that is an address. */
void upstream_peer_text(const struct upstream_pool *pool, const struct sockaddr_in6 *sa,
			char *out, size_t size);

#endif
