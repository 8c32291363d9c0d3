/* A client's connection as its user has it: what is known, reading, the request's
 * body. */
#include "gateway/http/conn.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/conn_priv.h"

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

const struct request_head *http_conn_head(const struct http_conn *c)
{
	CHECK(c->request != NULL);
	return &c->request->head;
}

bool http_conn_is_tls(const struct http_conn *c)
{
	return c->ssl != NULL;
}

const struct net_ip *http_conn_peer(const struct http_conn *c)
{
	return &c->peer;
}

uint64_t http_conn_arrival_us(const struct http_conn *c)
{
	return c->head.arrival_us;
}

int64_t http_conn_arrival_wall_us(const struct http_conn *c)
{
	return c->head.arrival_wall_us;
}

void http_conn_set_user(struct http_conn *c, const struct http_conn_user *user, void *ctx)
{
	CHECK(c->state == CONN_BUSY);
	c->user = user;
	c->user_ctx = ctx;
}

bool http_conn_must_close(const struct http_conn *c)
{
	return c->closing || conn_has_ended(c) || c->set->draining || c->head.refused ||
	       c->request->head.close || conn_owes_body(c);
}

bool http_conn_is_half_closed(const struct http_conn *c)
{
	return c->in.half_closed;
}

const char *http_conn_gone_why(const struct http_conn *c)
{
	return c->out.stalled ? "client stopped reading, or read too slowly,"
			      : "client closed the connection";
}

uint64_t http_conn_gone_us(const struct http_conn *c)
{
	bool since_eof = c->in.half_closed && c->out.written_us <= c->in.eof_us;

	return since_eof ? c->in.eof_us : clock_mono_us();
}

/* --- reading --- */

bool conn_has_left(const struct http_conn *c)
{
	struct pollfd p = {.fd = c->fd};

	/* A tunnel's end is passed on, and the other side ends it. */
	if (conn_is_unix(c) && c->body.framing == HTTP_UNTIL_EOF)
		return false;
	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* The client shut its side down while we read nothing. What it sent before may be all
 * that it owes; then reading goes on when there is room, and finds the end by itself. */
static bool ended_in_order(const struct http_conn *c, int fd)
{
	int error = 0, unread = 0;
	socklen_t len = sizeof error;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0 ||
	    ioctl(fd, FIONREAD, &unread) != 0)
		return false;
	if (c->body.framing == HTTP_UNTIL_EOF)
		return true;
	return c->state == CONN_BUSY && !c->body.done && c->body.framing == HTTP_LENGTH &&
	       evbuffer_get_length(c->raw) + (size_t)unread >= c->body.left;
}

static void closed_while_paused(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)what;
	OBJ_CHECK(c, CONN_MAGIC);
	if (c->in.paused && (conn_has_left(c) || !ended_in_order(c, fd)))
		conn_doom(c);
}

void conn_pause(struct http_conn *c)
{
	if (c->in.paused)
		return;
	c->in.paused = true;
	if (c->ssl != NULL)
		bufferevent_disable(c->bev, EV_READ);
	else
		conn_io_pause(c);
	if (c->in.closed == NULL)
		c->in.closed =
			event_new(c->set->base, c->fd, EV_CLOSED, closed_while_paused, c);
	CHECK(c->in.closed != NULL);
	event_add(c->in.closed, NULL);
}

void conn_resume(struct http_conn *c)
{
	if (!c->in.paused)
		return;
	c->in.paused = false;
	event_del(c->in.closed);
	c->body.since_us = clock_mono_us();
	if (c->ssl != NULL)
		bufferevent_enable(c->bev, EV_READ);
	else
		conn_io_resume(c);
}

/* --- the body --- */

void http_conn_set_body_limits(struct http_conn *c, uint64_t body_bytes, uint32_t body_ms)
{
	c->body.max = body_bytes;
	c->body.silence_ms = body_ms;
}

void http_conn_set_body_total(struct http_conn *c, uint32_t total_ms)
{
	c->body.until_us = clock_mono_us() + total_ms * UINT64_C(1000);
}

bool http_conn_body_waits(const struct http_conn *c)
{
	return !c->body.done && evbuffer_get_length(c->raw) > 0;
}

uint64_t http_conn_body_bytes(const struct http_conn *c)
{
	return c->body.bytes;
}

bool http_conn_body_done(const struct http_conn *c)
{
	return c->body.done;
}

void http_conn_tunnel(struct http_conn *c)
{
	CHECK(c->state == CONN_BUSY && c->body.done && c->body.bytes == 0);
	c->body.framing = HTTP_UNTIL_EOF;
	c->body.done = false;
	c->body.max = 0;
	c->body.silence_ms = 0;
	c->body.until_us = 0;
	c->closing = true;
	if (evbuffer_get_length(c->raw) || c->in.half_closed)
		conn_make_ready(c);
}

/* Moves what needs no decoding; how much. */
static size_t take_bytes(struct http_conn *c, struct evbuffer *dst, uint64_t max)
{
	size_t n = evbuffer_get_length(c->raw);

	if (n > max)
		n = (size_t)max;
	if (n)
		CHECK(evbuffer_remove_buffer(c->raw, dst, n) == (int)n);
	c->body.bytes += n;
	return n;
}

static void take_length(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	c->body.left -= take_bytes(c, dst, c->body.left < max ? c->body.left : max);
	c->body.done = c->body.left == 0;
}

static void take_tunnel(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	take_bytes(c, dst, max);
	c->body.done = conn_has_ended(c);
}

static void take_chunked(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	struct evbuffer_iovec v;
	size_t used, made;

	while (max > 0 && evbuffer_peek(c->raw, -1, NULL, &v, 1) > 0 && v.iov_len > 0) {
		size_t n = v.iov_len < max ? v.iov_len : max;
		enum chunk_result r;

		if (n > CONN_SCRATCH)
			n = CONN_SCRATCH;
		r = chunk_decode(&c->body.chunks, v.iov_base, n, &used, c->set->scratch,
				 &made);
		if (made)
			CHECK(evbuffer_add(dst, c->set->scratch, made) == 0);
		evbuffer_drain(c->raw, used);
		c->body.bytes += made;
		max -= used < max ? used : max;
		c->body.bad = r == CHUNK_BAD;
		c->body.done = r == CHUNK_DONE;
		if (r != CHUNK_MORE)
			return;
	}
}

/* The client holds its body back until it is told to send (RFC 9110 10.1.1). */
static void send_continue(struct http_conn *c)
{
	struct iovec v = {(void *)(uintptr_t)continue_line, sizeof continue_line - 1};

	c->body.continue_due = false;
	c->body.since_us = clock_mono_us();
	if (evbuffer_get_length(c->raw) == 0)
		http_conn_write(c, &v, 1);
}

enum http_body_state http_conn_body(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	if (c->body.timed_out)
		return HTTP_BODY_TIMEOUT;
	if (c->body.bad)
		return HTTP_BODY_BAD;
	if (c->body.max && c->body.framing == HTTP_LENGTH &&
	    c->request->head.content_length > c->body.max)
		return HTTP_BODY_TOO_LARGE;
	if (c->body.done)
		return HTTP_BODY_END;
	if (c->body.continue_due)
		send_continue(c);
	if (c->body.framing == HTTP_LENGTH)
		take_length(c, dst, max);
	else if (c->body.framing == HTTP_CHUNKED)
		take_chunked(c, dst, max);
	else
		take_tunnel(c, dst, max);
	if (evbuffer_get_length(c->raw) < HTTP_OUT_LOW)
		conn_resume(c);
	if (c->body.max && c->body.bytes > c->body.max)
		return HTTP_BODY_TOO_LARGE;
	if (c->body.bad)
		return HTTP_BODY_BAD;
	/* The client has ended inside the body: the rest will not come. */
	if (!c->body.done && conn_has_ended(c))
		conn_doom(c);
	return c->body.done ? HTTP_BODY_END : HTTP_BODY_MORE;
}
