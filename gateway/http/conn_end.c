/* How an exchange ends on its client's connection, and how the connection does: flushed,
 * lingering, broken off, reset. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/conn_priv.h"

#define LOOK_MAX_MS 50 /* between looks whether the client has taken all */

static void next_request(struct http_conn *c)
{
	c->state = CONN_IDLE;
	c->head.since_us = 0;
	c->head.idle_since_us = clock_mono_us();
	conn_request_put(c);
	if (c->in.paused)
		conn_resume(c);
	if (evbuffer_get_length(c->raw))
		conn_make_ready(c);
}

/* --- what still comes when nobody reads on --- */

/* Bytes that nobody read turn a close into a reset, which eats what the client has not
 * read yet (RFC 9112 9.6). A client that was told before its request that the connection
 * ends with it sends no more. */
static bool may_still_send(const struct http_conn *c)
{
	if (c->in.half_closed)
		return false;
	return conn_owes_body(c) || evbuffer_get_length(c->raw) > 0 ||
	       c->body.framing == HTTP_UNTIL_EOF || !c->request->head.close;
}

/* A client that first sends all, then reads, never gets to read where sending stalls. */
static void drop_input(struct http_conn *c)
{
	c->linger.due = may_still_send(c);
	c->in.dropping = true;
	evbuffer_drain(c->raw, evbuffer_get_length(c->raw));
	conn_resume(c);
}

/* Shuts down, lets the client finish, then closes. */
static void linger(struct http_conn *c)
{
	c->state = CONN_LINGER;
	c->linger.since_us = clock_mono_us();
	c->linger.until_us = c->linger.since_us + CONN_LINGER_US;
	shutdown(c->fd, SHUT_WR);
}

/* --- the end of an exchange --- */

void conn_flushed(struct http_conn *c)
{
	CHECK(c->state == CONN_FLUSH);
	if (!c->closing && !conn_has_ended(c)) {
		next_request(c);
		return;
	}
	if (c->ssl != NULL) {
		SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	if (!c->in.dropping)
		drop_input(c);
	if (c->linger.due)
		linger(c);
	else
		conn_doom(c);
}

static void leave_user(struct http_conn *c)
{
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	c->user = NULL;
	c->state = CONN_FLUSH;
}

void conn_finish(struct http_conn *c, const struct iovec *last, int n, int n_copied,
		 bool close)
{
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	c->closing = close || http_conn_must_close(c);
	c->out.ends = c->closing; /* then both leave in one segment */
	if (n > 0)
		conn_write(c, last, n, n_copied);
	leave_user(c);
	if (c->gone)
		conn_doom(c);
	else if (http_conn_queued(c) == 0)
		conn_flushed(c);
	else if (c->closing)
		drop_input(c);
}

void http_conn_finish(struct http_conn *c, const struct iovec *last, int n, bool close)
{
	conn_finish(c, last, n, n, close);
}

void http_conn_cut(struct http_conn *c)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	/* At once: evhttp's shutdown would send a FIN first, which reads like a proper
	 * end. */
	connect(c->fd, &(struct sockaddr){.sa_family = AF_UNSPEC},
		sizeof(struct sockaddr));
}

void http_conn_reset(struct http_conn *c)
{
	leave_user(c);
	http_conn_cut(c);
	conn_doom(c);
}

void http_conn_break_off(struct http_conn *c)
{
	leave_user(c);
	if (c->ssl != NULL)
		bufferevent_disable(c->bev, EV_WRITE);
	else
		conn_io_stop_writing(c);
	if (!c->in.dropping)
		drop_input(c);
	if (c->gone || !c->linger.due)
		conn_doom(c);
	else
		linger(c);
}

/* --- an answer of which no more comes --- */

static void look_again(struct http_conn *c)
{
	uint32_t us = c->out.look_ms * 1000;

	event_add(c->out.acknowledged, &(struct timeval){0, us});
	c->out.look_ms =
		c->out.look_ms < LOOK_MAX_MS / 2 ? 2 * c->out.look_ms : LOOK_MAX_MS;
}

/* No event tells what the client has acknowledged. */
static void look(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(c, CONN_MAGIC);
	if (c->state != CONN_BUSY || c->gone)
		return;
	if (http_conn_unacknowledged(c) == 0)
		c->user->on_writable(c, c->user_ctx);
	else
		look_again(c);
}

void http_conn_await_client(struct http_conn *c)
{
	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY && c->out.acknowledged == NULL);
	drop_input(c);
	c->out.acknowledged = event_new(c->set->base, -1, 0, look, c);
	CHECK(c->out.acknowledged != NULL);
	c->out.look_ms = 1;
	look_again(c);
}

void conn_end_fini(struct http_conn *c)
{
	if (c->out.acknowledged != NULL)
		event_free(c->out.acknowledged);
}
