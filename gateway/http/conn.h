/* A client's connection, as who answers its requests sees it.
 *
 * Each request goes to the front's handler, which answers at once, or becomes the
 * connection's user (http_conn_set_user) and answers later from any callback of the same
 * thread. Every exchange ends by exactly one of: http_conn_finish, http_conn_break_off,
 * http_conn_reset or on_gone.
 *
 * Owner: the front (front.h). One thread. */
#ifndef GATEWAY_HTTP_CONN_H
#define GATEWAY_HTTP_CONN_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "common/net.h"
#include "gateway/http/problem.h"
#include "gateway/http/request_head.h"

#define HTTP_OUT_HIGH (256 * 1024) /* stop producing above */
#define HTTP_OUT_LOW (64 * 1024)   /* on_writable below */

struct http_conn;

struct http_handler {
	/* A head is complete and valid. */
	void (*on_request)(struct http_conn *c, void *ctx);
	/* A request that the gate refuses is answered, with so many bytes of body (for
	 * counters and the access log). May be NULL. */
	void (*on_refused)(struct http_conn *c, void *ctx, enum problem_id id,
			   size_t body_bytes);
};

/* Who has the connection between on_request and the exchange's end. */
struct http_conn_user {
	/* More body bytes (or the body's end, or an error) can be taken. */
	void (*on_body)(struct http_conn *c, void *ctx);
	/* The output fell below HTTP_OUT_LOW, or to 0; after http_conn_await_client
	 * also: the client has taken all of it. */
	void (*on_writable)(struct http_conn *c, void *ctx);
	/* The client left, or a client-side timeout ended the exchange; the conn must not
	 * be touched after this returns. Not called once the exchange was ended. */
	void (*on_gone)(struct http_conn *c, void *ctx);
};

const struct request_head *http_conn_head(const struct http_conn *c);
bool http_conn_is_tls(const struct http_conn *c);
const struct net_ip *http_conn_peer(const struct http_conn *c);
uint64_t http_conn_arrival_us(const struct http_conn *c); /* monotonic, head complete */
int64_t http_conn_arrival_wall_us(const struct http_conn *c);
/* From now on events of this exchange go there; may be called again. */
void http_conn_set_user(struct http_conn *c, const struct http_conn_user *user,
			void *ctx);

enum http_body_state {
	HTTP_BODY_MORE, /* nothing to take now; on_body will come */
	HTTP_BODY_END,
	HTTP_BODY_BAD, /* framing error: answer 400 and end; the connection will close */
	HTTP_BODY_TOO_LARGE, /* over the limit: answer 413 and end */
	HTTP_BODY_TIMEOUT,   /* the client was silent for too long: answer 408 and end */
};
/* Moves up to max decoded body bytes to dst; sends 100 Continue first where the client
 * waits for it. The state tells what comes after the bytes moved. */
enum http_body_state http_conn_body(struct http_conn *c, struct evbuffer *dst,
				    size_t max);
/* Bytes of the body have arrived and were not taken yet. */
bool http_conn_body_waits(const struct http_conn *c);
/* Body bytes so far, decoded. */
uint64_t http_conn_body_bytes(const struct http_conn *c);
/* The route's own limits for this exchange (body_bytes 0: none; body_ms: silence
 * allowed). */
void http_conn_set_body_limits(struct http_conn *c, uint64_t body_bytes,
			       uint32_t body_ms);
/* ... and the time that the whole body may take from now on, however often a byte comes:
 * then HTTP_BODY_TIMEOUT. */
void http_conn_set_body_total(struct http_conn *c, uint32_t total_ms);
/* Whether the whole request body has been taken. */
bool http_conn_body_done(const struct http_conn *c);

/* From now on the connection is a tunnel (after a 101 to a request without content): all
 * that the client sends is body, until it shuts its side down; there is no limit and no
 * deadline but for stalled output. */
void http_conn_tunnel(struct http_conn *c);

/* Writes raw response bytes: straight to the socket where nothing is queued, the rest is
 * queued. Copies. */
void http_conn_write(struct http_conn *c, const struct iovec *iov, int n);
size_t http_conn_queued(const struct http_conn *c); /* bytes not yet in the kernel */
/* Writes the answer's last bytes, if any: the exchange is over. close: the connection
 * ends after it; forced where the request's body was not read to its end (lingering
 * close). The conn must not be touched afterwards. */
void http_conn_finish(struct http_conn *c, const struct iovec *last, int n, bool close);

/* For a response of which no more will come, before one of the ends below: what the
 * client still sends is dropped, and on_writable comes once it has acknowledged all that
 * was written. */
void http_conn_await_client(struct http_conn *c);
/* What was written and not acknowledged by the client's system: in the queue, and in the
 * kernel (on a Unix socket in its units, until the client has read all). */
size_t http_conn_unacknowledged(const struct http_conn *c);
/* A chunked response that broke off: the connection ends where it is, without a last
 * chunk or TLS's close_notify, and lingers. */
void http_conn_break_off(struct http_conn *c);
/* One of another framing: a reset (a close in order on Unix sockets, which have none).
 * What is not acknowledged is lost. */
void http_conn_reset(struct http_conn *c);
/* In on_gone: the client, if it still listens, sees a reset. */
void http_conn_cut(struct http_conn *c);

/* --- answers of our own --- */
#define HTTP_ANSWER_HEAD_MAX 16384 /* of one that these write, with all its fields */

/* Writes the problem, with what the request decides (HEAD, version, Accept, close) filled
 * in, and ends the exchange. */
void http_conn_problem(struct http_conn *c, struct problem_answer answer);
/* Likewise a whole answer of the manager's or a health page: status line, Content-Type,
 * Content-Length, Allow with these methods (a mask; 0: no such field), body (left out for
 * HEAD). */
void http_conn_reply(struct http_conn *c, int status, const char *content_type,
		     uint32_t allow, struct str body);
/* The same with further fields. */
struct http_answer {
	int status;
	const char *content_type; /* NULL: none, and no body (204) */
	uint32_t allow;
	struct str fields; /* lines, each with its CRLF; may be empty */
	struct str body;
	const char *cache_control; /* NULL: no-store */
	bool is_constant; /* the body stays for ever: what has to wait is not copied */
};
void http_conn_answer(struct http_conn *c, const struct http_answer *answer);
/* Its head alone, where the body's length is not known; the body comes by
 * http_conn_write: chunked (the chunks are the caller's), or up to the connection's end.
 * The exchange goes on. */
void http_conn_answer_head(struct http_conn *c, const struct http_answer *answer,
			   bool is_chunked);
/* For who records an answer before it goes out: appends it to `out`, which has room for
 * HTTP_ANSWER_HEAD_MAX. A problem (the bytes of its body are returned), or a 204 with
 * lines ready-made. */
size_t http_conn_put_problem(const struct http_conn *c, struct problem_answer answer,
			     struct sbuf *out);
void http_conn_put_no_content(const struct http_conn *c, struct str request_id,
			      struct str fields, struct sbuf *out);
/* The id in answers that name no other; a UUID, made when it is first asked for. Lives as
 * long as the request. */
struct str http_conn_request_id(const struct http_conn *c);

/* Whether the connection will be closed after this exchange in any case. */
bool http_conn_must_close(const struct http_conn *c);
/* The client has shut its side down: it sends no more, and may have left. */
bool http_conn_is_half_closed(const struct http_conn *c);
/* In on_gone: why, for the record; static text. */
const char *http_conn_gone_why(const struct http_conn *c);
/* Likewise: since when, monotonic. */
uint64_t http_conn_gone_us(const struct http_conn *c);

#endif
