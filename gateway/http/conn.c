/* What a handler does with a client's connection: take the body, write, end. */
#include "gateway/http/conn.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/clock.h"

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

const struct request_head *http_conn_head(const struct http_conn *c)
{
	CHECK(c->x != NULL);
	return &c->x->head;
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
	return c->arrival_us;
}

int64_t http_conn_arrival_wall_us(const struct http_conn *c)
{
	return c->arrival_wall_us;
}

void http_conn_set_user(struct http_conn *c, const struct http_conn_user *user, void *ctx)
{
	CHECK(c->state == CONN_BUSY);
	c->user = user;
	c->user_ctx = ctx;
}

bool http_conn_body_waits(const struct http_conn *c)
{
	return !c->body_done && evbuffer_get_length(c->raw) > 0;
}

uint64_t http_conn_body_bytes(const struct http_conn *c)
{
	return c->body_bytes;
}

bool http_conn_body_done(const struct http_conn *c)
{
	return c->body_done;
}

/* The client still owes some of its request. */
static bool owes_body(const struct http_conn *c)
{
	return !c->body_done && c->body_framing != HTTP_UNTIL_EOF;
}

/* No request can follow. */
static bool was_last(const struct http_conn *c)
{
	return c->half_closed && evbuffer_get_length(c->raw) == 0;
}

bool http_conn_must_close(const struct http_conn *c)
{
	return c->closing || was_last(c) || c->front->draining || c->refused ||
	       c->x->head.close || owes_body(c);
}

const char *http_conn_gone_why(const struct http_conn *c)
{
	return c->stalled ? "client stopped reading, or read too slowly,"
			  : "client closed the connection";
}

uint64_t http_conn_gone_us(const struct http_conn *c)
{
	return c->half_closed ? c->eof_us : clock_mono_us();
}

void http_conn_set_body_limits(struct http_conn *c, uint64_t body_bytes, uint32_t body_ms)
{
	c->body_max = body_bytes;
	c->body_silence_ms = body_ms;
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
	if (c->body_framing == HTTP_UNTIL_EOF)
		return true;
	return c->state == CONN_BUSY && !c->body_done && c->body_framing == HTTP_LENGTH &&
	       evbuffer_get_length(c->raw) + (size_t)unread >= c->body_left;
}

static void closed_while_paused(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)what;
	OBJ_CHECK(c, CONN_MAGIC);
	if (c->paused && !ended_in_order(c, fd))
		conn_doom(c);
}

void conn_pause(struct http_conn *c)
{
	if (c->paused)
		return;
	c->paused = true;
	if (c->ssl != NULL)
		bufferevent_disable(c->bev, EV_READ);
	else
		conn_io_pause(c);
	if (c->closed == NULL)
		c->closed = event_new(c->front->base, c->fd, EV_CLOSED,
				      closed_while_paused, c);
	CHECK(c->closed != NULL);
	event_add(c->closed, NULL);
}

void conn_resume(struct http_conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	event_del(c->closed);
	c->body_since_us = clock_mono_us();
	if (c->ssl != NULL)
		bufferevent_enable(c->bev, EV_READ);
	else
		conn_io_resume(c);
}

void http_conn_tunnel(struct http_conn *c)
{
	CHECK(c->state == CONN_BUSY && c->x->head.framing == HTTP_NO_BODY);
	c->body_framing = HTTP_UNTIL_EOF;
	c->body_done = false;
	c->body_max = 0;
	c->body_silence_ms = 0;
	c->closing = true;
	if (evbuffer_get_length(c->raw) || c->half_closed)
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
	c->body_bytes += n;
	return n;
}

static void take_length(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	c->body_left -= take_bytes(c, dst, c->body_left < max ? c->body_left : max);
	c->body_done = c->body_left == 0;
}

static void take_tunnel(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	take_bytes(c, dst, max);
	c->body_done = c->half_closed && evbuffer_get_length(c->raw) == 0;
}

static void take_chunked(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	struct evbuffer_iovec v;
	size_t used, made;

	while (max > 0 && evbuffer_peek(c->raw, -1, NULL, &v, 1) > 0 && v.iov_len > 0) {
		size_t n = v.iov_len < max ? v.iov_len : max;
		enum chunk_result r;

		if (n > FRONT_SCRATCH)
			n = FRONT_SCRATCH;
		r = chunk_decode(&c->chunks, v.iov_base, n, &used, c->front->scratch,
				 &made);
		if (made)
			CHECK(evbuffer_add(dst, c->front->scratch, made) == 0);
		evbuffer_drain(c->raw, used);
		c->body_bytes += made;
		max -= used < max ? used : max;
		c->body_bad = r == CHUNK_BAD;
		c->body_done = r == CHUNK_DONE;
		if (r != CHUNK_MORE)
			return;
	}
}

/* The client holds its body back until it is told to send (RFC 9110 10.1.1). */
static void send_continue(struct http_conn *c)
{
	struct iovec v = {(void *)(uintptr_t)continue_line, sizeof continue_line - 1};

	c->continue_due = false;
	c->body_since_us = clock_mono_us();
	if (evbuffer_get_length(c->raw) == 0)
		http_conn_write(c, &v, 1);
}

enum http_body_state http_conn_body(struct http_conn *c, struct evbuffer *dst, size_t max)
{
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	if (c->body_timed_out)
		return HTTP_BODY_TIMEOUT;
	if (c->body_bad)
		return HTTP_BODY_BAD;
	if (c->body_max && c->body_framing == HTTP_LENGTH &&
	    c->x->head.content_length > c->body_max)
		return HTTP_BODY_TOO_LARGE;
	if (c->body_done)
		return HTTP_BODY_END;
	if (c->continue_due)
		send_continue(c);
	if (c->body_framing == HTTP_LENGTH)
		take_length(c, dst, max);
	else if (c->body_framing == HTTP_CHUNKED)
		take_chunked(c, dst, max);
	else
		take_tunnel(c, dst, max);
	if (evbuffer_get_length(c->raw) < HTTP_OUT_LOW)
		conn_resume(c);
	if (c->body_max && c->body_bytes > c->body_max)
		return HTTP_BODY_TOO_LARGE;
	if (c->body_bad)
		return HTTP_BODY_BAD;
	/* The client has ended inside the body: the rest will not come. */
	if (!c->body_done && c->half_closed && evbuffer_get_length(c->raw) == 0)
		conn_doom(c);
	return c->body_done ? HTTP_BODY_END : HTTP_BODY_MORE;
}

/* What the socket takes at once; errors surface through the ready list, since the caller
 * is in the middle of an exchange. */
static size_t write_directly(struct http_conn *c, const struct iovec *iov, int n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			   .msg_iovlen = (size_t)n};
	ssize_t sent;

	do
		sent = sendmsg(c->fd, &m, c->ends ? MSG_MORE : 0);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		c->gone = true;
		conn_make_ready(c);
	}
	return 0;
}

void http_conn_write(struct http_conn *c, const struct iovec *iov, int n)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	bool was_empty = evbuffer_get_length(out) == 0;
	size_t skip = 0;

	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	if (c->gone)
		return;
	if (c->half_closed)
		c->write_us = clock_mono_us();
	if (was_empty && c->ssl == NULL)
		skip = write_directly(c, iov, n);
	for (int i = 0; i < n; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		CHECK(evbuffer_add(out, (char *)iov[i].iov_base + skip,
				   iov[i].iov_len - skip) == 0);
		c->queued_total += iov[i].iov_len - skip;
		skip = 0;
	}
	if (evbuffer_get_length(out) == 0)
		return;
	if (was_empty)
		c->write_since_us = clock_mono_us();
	if (c->ssl != NULL)
		bufferevent_enable(c->bev, EV_WRITE);
	else
		conn_io_want_write(c);
}

size_t http_conn_queued(const struct http_conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

void http_conn_finish(struct http_conn *c, const struct iovec *last, int n, bool close)
{
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	c->closing = close || http_conn_must_close(c);
	c->ends = c->closing; /* then both leave in one segment */
	if (n > 0)
		http_conn_write(c, last, n);
	c->user = NULL;
	c->state = CONN_FLUSH;
	if (c->gone)
		conn_doom(c);
	else if (http_conn_queued(c) == 0)
		conn_flushed(c);
}

void http_conn_reset(struct http_conn *c)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	c->user = NULL;
	c->state = CONN_FLUSH;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	/* At once: evhttp's shutdown would send a FIN first, which reads like a proper
	 * end. */
	connect(c->fd, &(struct sockaddr){.sa_family = AF_UNSPEC},
		sizeof(struct sockaddr));
	conn_doom(c);
}

/* --- answers of our own --- */

void http_conn_put_problem(const struct http_conn *c, struct problem_answer answer,
			   struct sbuf *out)
{
	answer.close = answer.close || http_conn_must_close(c);
	answer.http_minor = c->refused ? 1 : c->x->head.minor;
	if (!c->refused) {
		answer.head = c->x->head.method == HTTP_HEAD;
		answer.problem_json = problem_wants_json(&c->x->head);
	}
	problem_write(out, &answer);
	CHECK(!out->overflow);
}

static void put_status_line(int status, struct sbuf *out)
{
	char date[HTTP_DATE_SIZE];

	http_date(date, clock_wall_us() / 1000000);
	sbuf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nCache-Control: no-store\r\n",
		    status, http_reason(status), date);
}

static void put_head_end(const struct http_conn *c, struct sbuf *out)
{
	if (http_conn_must_close(c))
		sbuf_lit(out, "Connection: close\r\n");
	sbuf_lit(out, "\r\n");
	CHECK(!out->overflow);
}

void http_conn_put_no_content(const struct http_conn *c, struct str fields,
			      struct sbuf *out)
{
	put_status_line(204, out);
	sbuf_str(out, fields);
	put_head_end(c, out);
}

void http_conn_problem(struct http_conn *c, struct problem_answer answer)
{
	struct sbuf out;

	sbuf_init(&out, HTTP_ANSWER_HEAD_MAX);
	http_conn_put_problem(c, answer, &out);
	http_conn_finish(c, &(struct iovec){out.p, out.n}, 1, answer.close);
	sbuf_fini(&out);
}

void http_conn_reply(struct http_conn *c, int status, const char *content_type,
		     struct str body)
{
	struct iovec v[2];
	struct sbuf head;

	sbuf_init(&head, HTTP_ANSWER_HEAD_MAX);
	put_status_line(status, &head);
	sbuf_printf(&head,
		    "Content-Type: %s\r\n"
		    "Content-Length: %zu\r\n"
		    "X-Content-Type-Options: nosniff\r\n",
		    content_type, body.n);
	put_head_end(c, &head);
	v[0] = (struct iovec){head.p, head.n};
	v[1] = (struct iovec){(void *)(uintptr_t)body.p, body.n};
	http_conn_finish(c, v, c->x->head.method == HTTP_HEAD ? 1 : 2, false);
	sbuf_fini(&head);
}

void conn_answer_refusal(struct http_conn *c)
{
	enum problem_id id = problem_of_status(c->refusal.status);
	struct http_front *f = c->front;

	if (f->handler->on_refused)
		f->handler->on_refused(c, f->ctx, id);
	http_conn_problem(c,
			  (struct problem_answer){.id = id, .detail = c->refusal.detail});
}

void conn_exchange_put(struct http_front *f, struct conn_exchange *x)
{
	/* The head held the caller's key. */
	OPENSSL_cleanse(x->bytes, x->n_bytes);
	x->n_bytes = 0;
	if (x->bytes != x->inline_bytes) {
		free(x->bytes);
		x->bytes = x->inline_bytes;
	}
	if (f->n_spare >= FRONT_SPARE_EXCHANGES) {
		free(x);
		return;
	}
	x->next = f->spare;
	f->spare = x;
	f->n_spare++;
}

static void next_request(struct http_conn *c)
{
	c->state = CONN_IDLE;
	c->head_since_us = 0;
	c->idle_since_us = clock_mono_us();
	conn_exchange_put(c->front, c->x);
	c->x = NULL;
	if (c->paused)
		conn_resume(c);
	if (evbuffer_get_length(c->raw))
		conn_make_ready(c);
}

void conn_flushed(struct http_conn *c)
{
	CHECK(c->state == CONN_FLUSH);
	if (!c->closing && !was_last(c)) {
		next_request(c);
		return;
	}
	if (c->ssl != NULL) {
		SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	/* Bytes that nobody read would turn our close into a reset, which can eat the
	 * answer (RFC 9112 9.6): shut down, let the client finish, then close. */
	if (!owes_body(c) && evbuffer_get_length(c->raw) == 0) {
		conn_doom(c);
		return;
	}
	c->state = CONN_LINGER;
	c->linger_until_us = clock_mono_us() + CONN_LINGER_US;
	c->lingered = 0;
	evbuffer_drain(c->raw, evbuffer_get_length(c->raw));
	conn_resume(c);
	shutdown(c->fd, SHUT_WR);
}
