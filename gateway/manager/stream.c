/* An answer that goes out piece by piece. */
#include "gateway/manager/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/http/conn.h"

#define STREAM_MAGIC 0x7374726du

struct stream {
	uint32_t magic;
	struct http_conn *conn;
	const struct stream_user *user;
	void *ctx;
	bool is_chunked;
	bool wants_room; /* on_room is due */
};

static void stream_free(struct stream *s)
{
	s->magic = 0;
	free(s);
}

static void on_body(struct http_conn *conn, void *ctx)
{
	(void)conn;
	(void)ctx;
}

static void on_writable(struct http_conn *conn, void *ctx)
{
	struct stream *s = ctx;

	(void)conn;
	OBJ_CHECK(s, STREAM_MAGIC);
	if (!s->wants_room)
		return;
	s->wants_room = false;
	if (s->user->on_room != NULL)
		s->user->on_room(s, s->ctx);
}

static void on_gone(struct http_conn *conn, void *ctx)
{
	struct stream *s = ctx;

	(void)conn;
	OBJ_CHECK(s, STREAM_MAGIC);
	s->user->on_left(s, s->ctx);
	stream_free(s);
}

static const struct http_conn_user conn_user = {
	.on_body = on_body,
	.on_writable = on_writable,
	.on_gone = on_gone,
};

struct stream *stream_begin(struct http_conn *conn, const struct http_answer *a,
			    const struct stream_user *user, void *ctx)
{
	const struct request_head *h = http_conn_head(conn);
	bool is_chunked = h->minor > 0;
	struct stream *s;

	if (h->method == HTTP_HEAD) {
		http_conn_answer_head(conn, a, is_chunked);
		http_conn_finish(conn, NULL, 0, false);
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	*s = (struct stream){
		.magic = STREAM_MAGIC,
		.conn = conn,
		.user = user,
		.ctx = ctx,
		.is_chunked = is_chunked,
	};
	http_conn_set_user(conn, &conn_user, s);
	http_conn_answer_head(conn, a, is_chunked);
	return s;
}

void stream_write(struct stream *s, struct str piece)
{
	char size[2 * sizeof piece.n + 3];
	struct iovec v[3] = {
		{size, 0},
		{(void *)(uintptr_t)piece.p, piece.n},
		{(void *)(uintptr_t) "\r\n", 2},
	};

	OBJ_CHECK(s, STREAM_MAGIC);
	if (piece.n == 0)
		return;
	v[0].iov_len = (size_t)snprintf(size, sizeof size, "%zx\r\n", piece.n);
	if (s->is_chunked)
		http_conn_write(s->conn, v, 3);
	else
		http_conn_write(s->conn, &v[1], 1);
}

size_t stream_waiting(const struct stream *s)
{
	OBJ_CHECK(s, STREAM_MAGIC);
	return http_conn_queued(s->conn);
}

size_t stream_unacknowledged(const struct stream *s)
{
	OBJ_CHECK(s, STREAM_MAGIC);
	return http_conn_unacknowledged(s->conn);
}

bool stream_is_half_closed(const struct stream *s)
{
	OBJ_CHECK(s, STREAM_MAGIC);
	return http_conn_is_half_closed(s->conn);
}

const struct request_head *stream_head(const struct stream *s)
{
	OBJ_CHECK(s, STREAM_MAGIC);
	return http_conn_head(s->conn);
}

bool stream_has_room(struct stream *s, size_t most)
{
	CHECK(most > HTTP_OUT_LOW);
	s->wants_room = stream_waiting(s) >= most;
	return !s->wants_room;
}

void stream_end(struct stream **stream)
{
	static const char last[] = "0\r\n\r\n";
	struct iovec v = {(void *)(uintptr_t)last, sizeof last - 1};
	struct stream *s = *stream;

	*stream = NULL;
	OBJ_CHECK(s, STREAM_MAGIC);
	http_conn_finish(s->conn, &v, s->is_chunked ? 1 : 0, false);
	stream_free(s);
}

void stream_cut(struct stream **stream)
{
	struct stream *s = *stream;

	*stream = NULL;
	OBJ_CHECK(s, STREAM_MAGIC);
	if (s->is_chunked)
		http_conn_break_off(s->conn);
	else
		http_conn_reset(s->conn);
	stream_free(s);
}
