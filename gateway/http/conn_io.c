/* A plain connection's socket, read and written without evhttp's bufferevent.
 *
 * A bufferevent asks FIONREAD before each read and reads 4096 bytes at most, and evhttp
 * turns its reading off and on with each request, which costs an epoll_ctl. So it loses
 * its descriptor as soon as evhttp has set it up; its buffers stay in use: evhttp reads
 * its stand-in from the input, the output holds what the socket did not take. evhttp
 * still closes the socket, with the connection. */
#include <errno.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/http/conn_priv.h"

static void fail(struct http_conn *c)
{
	conn_io_stop(c);
	conn_doom(c);
}

/* One read; the loop tells when there is more. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;
	char *scratch;
	ssize_t n;

	(void)what;
	OBJ_CHECK(c, CONN_MAGIC);
	scratch = c->set->scratch;
	do
		n = read(fd, scratch, CONN_SCRATCH);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		conn_take_bytes(c, scratch, (size_t)n);
	} else if (n == 0) {
		event_del(&c->on_read);
		if (!conn_half_close(c))
			fail(c);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
		fail(c);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;
	struct evbuffer *out;
	int n;

	(void)what;
	OBJ_CHECK(c, CONN_MAGIC);
	out = bufferevent_get_output(c->bev);
	n = evbuffer_write_atmost(out, fd, HTTP_OUT_HIGH);
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			fail(c);
		return;
	}
	if (evbuffer_get_length(out) == 0)
		event_del(&c->on_write);
	if (evbuffer_get_length(out) <= HTTP_OUT_LOW)
		conn_written(c);
}

void conn_io_start(struct http_conn *c)
{
	struct event_base *base = c->set->base;

	CHECK(bufferevent_setfd(c->bev, -1) == 0);
	CHECK(evbuffer_unfreeze(c->raw, 0) == 0);
	CHECK(event_assign(&c->on_read, base, c->fd, EV_READ | EV_PERSIST, on_readable,
			   c) == 0);
	CHECK(event_assign(&c->on_write, base, c->fd, EV_WRITE | EV_PERSIST, on_writable,
			   c) == 0);
	event_add(&c->on_read, NULL);
}

void conn_io_stop(struct http_conn *c)
{
	event_del(&c->on_read);
	event_del(&c->on_write);
}

void conn_io_pause(struct http_conn *c)
{
	event_del(&c->on_read);
}

void conn_io_resume(struct http_conn *c)
{
	if (!c->in.half_closed)
		event_add(&c->on_read, NULL);
}

void conn_io_want_write(struct http_conn *c)
{
	event_add(&c->on_write, NULL);
}

void conn_io_stop_writing(struct http_conn *c)
{
	event_del(&c->on_write);
}
