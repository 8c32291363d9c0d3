/* A client's connection: what front.c (events) and conn.c (the handler's calls) share.
 *
 * Owner: the front, through its list. It dies in one place, conn_closed in front.c, which
 * evhttp calls when it frees the connection. While a handler's exchange runs (CONN_BUSY)
 * the handler may hold the pointer; on_gone takes it back. */
#ifndef GATEWAY_HTTP_CONN_H
#define GATEWAY_HTTP_CONN_H

#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <sys/queue.h>

#include "gateway/http/chunk.h"
#include "gateway/http/front.h"

#define CONN_MAGIC 0x436f6e6eu
#define FRONT_MAGIC 0x46726f6eu
#define CONN_LINGER_US 2000000u /* wait for the rest of a body that nobody reads */
#define CONN_LINGER_BYTES (1024 * 1024)
#define CONN_PROGRESS_BYTES 4096  /* a reader takes at least so much within idle_s */
#define CONN_EXCHANGE_INLINE 4096 /* head bytes kept without a further allocation */
#define FRONT_SPARE_EXCHANGES 64  /* exchange memories kept for reuse */
#define FRONT_RELISTEN_S 1        /* pause after accept failed for want of descriptors */
#define FRONT_SCRATCH (64 * 1024)

enum conn_state {
	CONN_IDLE,   /* between requests, or a head is arriving */
	CONN_BUSY,   /* the handler has it */
	CONN_FLUSH,  /* answered; waiting until the answer is in the kernel */
	CONN_LINGER, /* answered and shut down; what still arrives is dropped */
};

/* Memory of one exchange: the parsed head and the bytes it points into. */
struct conn_exchange {
	struct conn_exchange *next;
	struct request_head head;
	size_t n_bytes;
	char *bytes; /* inline_bytes, or an allocation for a larger head */
	char inline_bytes[CONN_EXCHANGE_INLINE];
};

struct http_conn {
	uint32_t magic;
	enum conn_state state;
	int fd; /* -1 until the connection is adopted */
	struct http_front *front;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	SSL *ssl;                        /* NULL: plain; the bufferevent's */
	struct event on_read, on_write;  /* plain connections' (conn_io.c) */
	struct evbuffer *raw; /* the bufferevent's input: bytes not yet taken */
	struct event *closed; /* notices a client that leaves while reading is paused */
	struct conn_exchange *x;
	const struct http_conn_user *user; /* while CONN_BUSY */
	void *user_ctx;
	TAILQ_ENTRY(http_conn) all, ready;
	struct net_ip peer;

	bool is_ready, refused, closing, paused, body_timed_out, stalled, gone;
	bool ends;    /* with the next write, which waits for the FIN to leave with it */
	bool counted; /* in the address cap */
	bool half_closed;  /* the client sends no more; maybe it has left */
	bool continue_due; /* the client waits for 100 Continue */
	bool body_done, body_bad;
	struct head_refusal refusal;
	size_t scan;

	enum http_framing body_framing; /* HTTP_UNTIL_EOF: a tunnel */
	struct chunk_decoder chunks;
	uint64_t body_left, body_bytes, body_max;
	uint32_t body_silence_ms;
	size_t lingered;

	uint64_t arrival_us; /* head complete */
	int64_t arrival_wall_us;
	/* first byte of a head, or the accept; 0: between requests */
	uint64_t head_since_us;
	uint64_t idle_since_us;  /* between requests */
	uint64_t body_since_us;  /* last body byte */
	uint64_t write_since_us; /* last progress of queued output */
	uint64_t queued_total;   /* bytes that the socket did not take at once */
	uint64_t taken_seen;     /* of those, taken by then */
	uint64_t eof_us;         /* half_closed since */
	uint64_t write_us;       /* last write while half_closed */
	uint64_t linger_until_us;
};

TAILQ_HEAD(conn_list, http_conn);

struct front_listener {
	struct evhttp *http; /* the one that it is bound to */
	struct evhttp_bound_socket *bound;
};

struct http_front {
	uint32_t magic;
	struct event_base *base;
	struct evhttp *http, *https; /* the second makes connections of TLS listeners */
	SSL_CTX *tls;
	struct address_cap *address_cap;
	const struct net_cidrs *trusted;
	uint64_t drain_since_us;
	const struct http_handler *handler;
	void *ctx;
	struct settings_limits limits;
	struct settings_timeouts timeouts;
	struct conn_list conns, ready;
	size_t n_conns;
	struct event *run;  /* works off the ready list */
	struct event *tick; /* deadlines */
	struct event *relisten;
	struct front_listener *listeners;
	size_t n_listeners;
	struct conn_exchange *spare;
	size_t n_spare;
	bool draining, listening_paused;
	char scratch[FRONT_SCRATCH];
};

/* front_listen.c */
void front_listen_again(struct http_front *f);
void front_stop_listening(struct http_front *f);
void front_on_relisten(evutil_socket_t fd, short what, void *arg);
void front_drain_tick(struct http_front *f, uint64_t now_us);
/* front.c */
void conn_make_ready(struct http_conn *c);
void conn_doom(struct http_conn *c);
/* The client sends no more. True: it may still be reading; false: the connection is
 * over. */
bool conn_half_close(struct http_conn *c);
/* Queued output fell to HTTP_OUT_LOW or below. */
void conn_written(struct http_conn *c);
/* gate.c. Within each of these the conn may be answered, but for the last. */
/* Bytes that were read from a plain connection. */
void conn_take_bytes(struct http_conn *c, const char *p, size_t n);
/* Between requests: bytes that came before may be the next one. */
void conn_try_kept(struct http_conn *c);
/* Refuses what has come of a head so far. */
void conn_refuse(struct http_conn *c, struct head_refusal why);
/* Bytes that a TLS connection's bufferevent has put into c->raw. */
void conn_see_bytes(struct http_conn *c);
/* conn_io.c: a plain connection's socket, which evhttp's bufferevent lets go of. */
void conn_io_start(struct http_conn *c);
void conn_io_stop(struct http_conn *c);
void conn_io_pause(struct http_conn *c);
void conn_io_resume(struct http_conn *c);
/* There is output queued. */
void conn_io_want_write(struct http_conn *c);
/* conn_tick.c */
void conn_tick(struct http_conn *c, uint64_t now_us);
/* conn.c: the answer of a CONN_FLUSH connection has left: next request, linger or
 * close. */
void conn_flushed(struct http_conn *c);
void conn_answer_refusal(struct http_conn *c);
void conn_exchange_put(struct http_front *f, struct conn_exchange *x);
/* conn.c: stop and resume reading from the client. */
void conn_pause(struct http_conn *c);
void conn_resume(struct http_conn *c);

#endif
