/* An answer that goes out piece by piece, while it comes into being: chunked, or up to
 * the connection's end where the client speaks HTTP/1.0.
 *
 * It begins by call_stream (call.h), or here on a connection that is busy, and belongs to
 * who began it until exactly one of: stream_end, stream_cut, on_left. Nothing is called
 * back from within these functions. The manager's thread. */
#ifndef GATEWAY_MANAGER_STREAM_H
#define GATEWAY_MANAGER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct http_answer;
struct http_conn;
struct request_head;
struct stream;

struct stream_user {
	/* After stream_has_room said no: what waits has fallen to HTTP_OUT_LOW. Here the
	 * stream may be written to, ended and cut. May be NULL. */
	void (*on_room)(struct stream *s, void *ctx);
	/* The reader has left, or takes too little for timeouts.idle_s, or the manager
	 * ends: the stream is gone once this returns. */
	void (*on_left)(struct stream *s, void *ctx);
};

/* Sends the head: a's status, content_type and fields. NULL: the request was HEAD, and is
 * answered; ctx is for the caller to free. */
struct stream *stream_begin(struct http_conn *conn, const struct http_answer *a,
			    const struct stream_user *user, void *ctx);

/* Sends a piece, copied; an empty one is nothing. It is taken however much waits: whoever
 * writes asks stream_has_room, before or after. */
void stream_write(struct stream *s, struct str piece);
/* Bytes that the reader's system has not taken. */
size_t stream_waiting(const struct stream *s);
/* The same, and what the reader's own system has not acknowledged. */
size_t stream_unacknowledged(const struct stream *s);
/* The reader has shut its side down, and has probably left; on_left tells soon. */
bool stream_is_half_closed(const struct stream *s);
/* The request that is answered. */
const struct request_head *stream_head(const struct stream *s);
/* False: `most` bytes wait, or more; on_room will come. most: above HTTP_OUT_LOW. */
bool stream_has_room(struct stream *s, size_t most);

/* The answer is whole. Clears *s. */
void stream_end(struct stream **s);
/* It broke off, and the reader sees that it is not whole: the connection ends without the
 * last chunk; what waits is lost. Clears *s. */
void stream_cut(struct stream **s);

#endif
