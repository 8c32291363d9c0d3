/* A client's connection: what the files conn*.c share.
 *
 * Owner: the set. It dies in one place, conn_closed in conn_set.c, which evhttp calls
 * when it frees the connection. While an exchange runs (CONN_BUSY) its user may hold the
 * pointer; on_gone takes it back. */
#ifndef GATEWAY_HTTP_CONN_PRIV_H
#define GATEWAY_HTTP_CONN_PRIV_H

#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/http.h>
#include <openssl/types.h>
#include <sys/queue.h>

#include "common/trouble.h"
#include "gateway/http/chunk.h"
#include "gateway/http/conn.h"
#include "gateway/http/request_id.h"
#include "gateway/http/conn_set.h"

#define CONN_MAGIC 0x436f6e6eu
#define CONN_LINGER_US 30000000u        /* for what the client still sends to nobody */
#define CONN_LINGER_SILENCE_US 5000000u /* and for it to go on */
#define CONN_PROGRESS_BYTES 4096 /* a reader takes at least so much within idle_s */
#define CONN_REQUEST_INLINE 4096 /* head bytes kept without a further allocation */
#define CONN_SPARE_REQUESTS 64   /* memories of requests kept for reuse */
#define CONN_SCRATCH (64 * 1024)

enum conn_state {
	CONN_IDLE,   /* between requests, or a head is arriving */
	CONN_BUSY,   /* the handler has it */
	CONN_FLUSH,  /* answered; waiting until the answer is in the kernel */
	CONN_LINGER, /* shut down; what still arrives is dropped */
};

/* Memory of one request: the parsed head and the bytes it points into. */
struct conn_request {
	struct conn_request *next;
	struct request_head head;
	char id[ID_UUID_SIZE]; /* for answers of our own; "" until one asks */
	size_t n_bytes;
	char *bytes; /* inline_bytes, or an allocation for a larger head */
	char inline_bytes[CONN_REQUEST_INLINE];
};

struct conn_head {
	size_t scan;
	bool refused;
	uint64_t since_us;      /* its first byte, or the accept; 0: between requests */
	uint64_t idle_since_us; /* between requests */
	uint64_t arrival_us;    /* it is complete */
	int64_t arrival_wall_us;
};

struct conn_body {
	enum http_framing framing; /* HTTP_UNTIL_EOF: a tunnel */
	struct chunk_decoder chunks;
	uint64_t left, bytes, max;
	uint32_t silence_ms;
	uint64_t since_us; /* its last byte */
	uint64_t until_us; /* the whole must be here by then; 0: at any time */
	bool done, bad, timed_out;
	bool continue_due; /* the client waits for 100 Continue */
};

struct conn_in {
	struct event *closed; /* notices a client that leaves while reading is paused */
	bool paused;
	bool dropping;    /* the connection ends with this exchange: nobody reads on */
	bool half_closed; /* the client sends no more; maybe it has left */
	uint64_t eof_us;  /* since when */
};

struct conn_out {
	bool ends; /* with the next write, which waits for the FIN to leave with it */
	bool stalled;
	uint64_t since_us;          /* last progress of queued output */
	uint64_t total;             /* bytes ever written */
	uint64_t taken_seen;        /* of those, acknowledged by then */
	uint64_t written_us;        /* last write while half closed */
	size_t lost;                /* written after the connection had failed */
	struct event *acknowledged; /* looks whether the client has taken all */
	uint32_t look_ms;           /* until it looks again */
};

struct conn_linger {
	bool due;          /* the client may still send when all is flushed */
	uint64_t until_us; /* at the latest */
	uint64_t since_us; /* the last byte */
};

struct http_conn {
	uint32_t magic;
	enum conn_state state;
	struct conn_set *set;
	TAILQ_ENTRY(http_conn) all, ready;
	bool is_ready;
	bool gone;    /* to be freed */
	bool closing; /* after this exchange */
	bool counted; /* in the address cap */
	struct net_ip peer;

	int fd; /* -1 until the connection is adopted */
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	SSL *ssl;                        /* NULL: plain; the bufferevent's */
	struct event on_read, on_write;  /* plain connections' (conn_io.c) */
	struct evbuffer *raw; /* the bufferevent's input: bytes not yet taken */

	struct conn_request *request;      /* NULL while CONN_IDLE */
	const struct http_conn_user *user; /* while CONN_BUSY */
	void *user_ctx;

	struct conn_head head;
	struct conn_body body;
	struct conn_in in;
	struct conn_out out;
	struct conn_linger linger;
};

TAILQ_HEAD(conn_list, http_conn);

struct conn_set {
	struct event_base *base;
	struct event *run;
	const struct http_handler *handler;
	void *ctx;
	struct address_cap *address_cap;
	const struct net_cidrs *trusted;
	struct settings_limits limits;
	struct settings_timeouts timeouts;
	struct conn_list all, ready;
	size_t n;
	struct conn_request *spare;
	size_t n_spare;
	bool draining;
	struct id_source ids;
	struct trouble tls_on_plain, plain_on_tls; /* clients that are told of */
	char scratch[CONN_SCRATCH];
};

/* The client still owes some of its request. */
static inline bool conn_owes_body(const struct http_conn *c)
{
	return !c->body.done && c->body.framing != HTTP_UNTIL_EOF;
}

/* The client sends no more, and all that it sent is taken: no request can follow. */
static inline bool conn_has_ended(const struct http_conn *c)
{
	return c->in.half_closed && evbuffer_get_length(c->raw) == 0;
}

static inline bool conn_is_unix(const struct http_conn *c)
{
	return c->peer.family == 0;
}

/* conn_set.c */
void conn_make_ready(struct http_conn *c);
void conn_doom(struct http_conn *c);
/* The client sends no more. True: it may still be reading; false: the connection is
 * over. */
bool conn_half_close(struct http_conn *c);
/* Queued output fell to HTTP_OUT_LOW or below. */
void conn_written(struct http_conn *c);
/* conn_gate.c. Within each of these the conn may be answered, but for the last. */
/* Bytes that were read from a plain connection. */
void conn_take_bytes(struct http_conn *c, const char *p, size_t n);
/* Between requests: bytes that came before may be the next one. */
void conn_try_kept(struct http_conn *c);
/* Refuses what has come of a head so far. */
void conn_refuse(struct http_conn *c, struct head_refusal why);
/* Bytes that a TLS connection's bufferevent has put into c->raw. */
void conn_see_bytes(struct http_conn *c);
/* Gives c->request back. */
void conn_request_put(struct http_conn *c);
/* conn_io.c: a plain connection's socket, which evhttp's bufferevent lets go of. */
void conn_io_start(struct http_conn *c);
void conn_io_stop(struct http_conn *c);
void conn_io_pause(struct http_conn *c);
void conn_io_resume(struct http_conn *c);
/* There is output queued. */
void conn_io_want_write(struct http_conn *c);
/* What is queued stays there. */
void conn_io_stop_writing(struct http_conn *c);
/* conn_tick.c */
void conn_tick(struct http_conn *c, uint64_t now_us);
/* conn.c: stop and resume reading from the client. */
void conn_pause(struct http_conn *c);
void conn_resume(struct http_conn *c);
/* Whether the client is gone, and has not only shut its side down: on Unix sockets as
 * soon as it has closed its end, on TCP once a reset came. No event tells either where
 * nobody waits to read. */
bool conn_has_left(const struct http_conn *c);
/* conn_answer.c, conn_end.c: http_conn_write and http_conn_finish, of n pieces the first
 * n_copied; the bytes of the others stay for ever, and are referred to. */
void conn_write(struct http_conn *c, const struct iovec *iov, int n, int n_copied);
void conn_finish(struct http_conn *c, const struct iovec *last, int n, int n_copied,
		 bool close);
/* conn_end.c: the answer of a CONN_FLUSH connection has left: next request, linger or
 * close. */
void conn_flushed(struct http_conn *c);
/* Frees what the end of an answer took. */
void conn_end_fini(struct http_conn *c);

#endif
