/* A small HTTP/1.1 server for the demo upstreams.
 *
 * Each of the connection's events ends in conn_advance, which reads on, starts the next
 * request or closes: so endpoints may reply from any callback. */
#include "gateway/dev/demo_server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/net.h"
#include "gateway/http/chunk.h"

#define HEAD_MAX 65536
#define READ_HIGH 65536 /* what is kept of a client that sends ahead */
#define WRITE_LOW 65536
#define PIECE 16384
#define CONN_MAGIC 0x64656d6fu

enum conn_state { CONN_HEAD, CONN_BODY, CONN_REPLY, CONN_RAW, CONN_CLOSING };

struct demo_conn {
	unsigned magic;
	enum conn_state state;
	struct demo_server *server;
	struct demo_conn *next, **at;
	struct bufferevent *bev;
	struct event *timer;
	void (*on_timer)(struct demo_conn *c);
	const struct demo_endpoint *endpoint;
	void *data;
	char *head_bytes; /* what head's slices point into */
	struct request_head head;
	size_t scan;
	struct chunk_decoder chunk;
	uint64_t body_left, body_bytes;
	bool paused, replied, close, chunked_reply, bodyless_reply;
};

struct demo_server {
	struct event_base *base;
	struct evconnlistener *listener;
	demo_route_fn *route;
	struct demo_conn *conns;
};

/* --- the connection's life --- */

static void request_fini(struct demo_conn *c)
{
	if (c->data != NULL && c->endpoint->free_data != NULL)
		c->endpoint->free_data(c->data);
	c->data = NULL;
	c->endpoint = NULL;
	free(c->head_bytes);
	c->head_bytes = NULL;
	event_del(c->timer);
}

static void conn_free(struct demo_conn *c)
{
	OBJ_CHECK(c, CONN_MAGIC);
	request_fini(c);
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	event_free(c->timer);
	bufferevent_free(c->bev);
	c->magic = 0;
	free(c);
}

static void request_begin(struct demo_conn *c)
{
	c->body_left = c->head.content_length;
	c->body_bytes = 0;
	c->replied = c->paused = c->chunked_reply = c->bodyless_reply = false;
	c->close = c->head.close;
	chunk_init(&c->chunk);
	c->endpoint = c->server->route(&c->head);
	c->state = CONN_BODY;
	if (c->head.expect_continue)
		demo_write(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	if (c->endpoint->on_head != NULL)
		c->endpoint->on_head(c);
}

static void refuse(struct demo_conn *c, int status, const char *why)
{
	char fields[64];

	snprintf(fields, sizeof fields, "Content-Type: text/plain\r\n");
	c->close = true;
	demo_reply_start(c, status, strlen(why) + 1, fields);
	demo_reply_data(c, why, strlen(why));
	demo_reply_data(c, "\n", 1);
	demo_cut(c);
}

/* False: more bytes are needed. */
static bool take_head(struct demo_conn *c)
{
	static const struct head_limits limits = {HEAD_MAX, REQUEST_FIELDS_MAX};
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t have = evbuffer_get_length(in), n;
	struct head_refusal why;
	const char *p = (const char *)evbuffer_pullup(in, -1);

	if (have == 0)
		return false;
	n = request_head_end(p, have, &c->scan);
	if (n == 0 && have < HEAD_MAX)
		return false;
	c->scan = 0;
	c->head.method = HTTP_GET;
	if (n == 0) {
		refuse(c, 431, "the request's head is too large");
		return true;
	}
	c->head_bytes = xmalloc(n);
	evbuffer_remove(in, c->head_bytes, n);
	if (!request_head_parse(&c->head, c->head_bytes, n, &limits, &why)) {
		c->head.method = HTTP_GET;
		refuse(c, why.status, why.detail);
		return true;
	}
	request_begin(c);
	return true;
}

static void body_done(struct demo_conn *c)
{
	c->state = CONN_REPLY;
	if (c->endpoint->on_end != NULL && !c->replied)
		c->endpoint->on_end(c);
}

static void body_piece(struct demo_conn *c, const char *bytes, size_t n)
{
	c->body_bytes += n;
	if (n > 0 && c->endpoint->on_body != NULL)
		c->endpoint->on_body(c, bytes, n);
}

static void take_chunked(struct demo_conn *c, const char *bytes, size_t n)
{
	char decoded[PIECE];
	size_t used, made;
	enum chunk_result result;

	result = chunk_decode(&c->chunk, bytes, n < PIECE ? n : PIECE, &used, decoded,
			      &made);
	body_piece(c, decoded, made);
	evbuffer_drain(bufferevent_get_input(c->bev), used);
	if (result == CHUNK_BAD && !c->replied)
		refuse(c, 400, "the chunked body is malformed");
	else if (result == CHUNK_BAD)
		demo_cut(c);
	else if (result == CHUNK_DONE)
		body_done(c);
}

static void take_fixed(struct demo_conn *c, const char *bytes, size_t n)
{
	if (n > c->body_left)
		n = (size_t)c->body_left;
	body_piece(c, bytes, n);
	c->body_left -= n;
	evbuffer_drain(bufferevent_get_input(c->bev), n);
	if (c->body_left == 0)
		body_done(c);
}

/* False: more bytes are needed, or the endpoint does not want them yet. */
static bool take_body(struct demo_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_iovec piece;

	if (c->head.framing == HTTP_NO_BODY ||
	    (c->head.framing == HTTP_LENGTH && c->body_left == 0)) {
		body_done(c);
		return true;
	}
	if (c->paused || evbuffer_peek(in, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
		return false;
	if (c->head.framing == HTTP_CHUNKED)
		take_chunked(c, piece.iov_base, piece.iov_len);
	else
		take_fixed(c, piece.iov_base, piece.iov_len);
	return true;
}

static bool take_raw(struct demo_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t have = evbuffer_get_length(in), used;

	if (have == 0 || demo_queued(c) > DEMO_OUT_HIGH)
		return false;
	used = c->endpoint->on_raw(c, (const char *)evbuffer_pullup(in, -1), have);
	evbuffer_drain(in, used);
	return used > 0;
}

static bool take_reply(struct demo_conn *c)
{
	if (!c->replied)
		return false;
	request_fini(c);
	c->state = c->close ? CONN_CLOSING : CONN_HEAD;
	return true;
}

static bool conn_step(struct demo_conn *c)
{
	switch (c->state) {
	case CONN_HEAD:
		return take_head(c);
	case CONN_BODY:
		return take_body(c);
	case CONN_REPLY:
		return take_reply(c);
	case CONN_RAW:
		return take_raw(c);
	case CONN_CLOSING:
		return false;
	}
	return false;
}

static void conn_advance(struct demo_conn *c)
{
	while (conn_step(c))
		continue;
	if (c->state == CONN_CLOSING && demo_queued(c) == 0)
		conn_free(c);
}

/* --- events --- */

static void on_read(struct bufferevent *bev, void *arg)
{
	struct demo_conn *c = arg;

	(void)bev;
	OBJ_CHECK(c, CONN_MAGIC);
	conn_advance(c);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct demo_conn *c = arg;

	(void)bev;
	OBJ_CHECK(c, CONN_MAGIC);
	if (c->state == CONN_REPLY && !c->replied && c->endpoint->on_writable != NULL)
		c->endpoint->on_writable(c);
	conn_advance(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		conn_free(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct demo_conn *c = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(c, CONN_MAGIC);
	c->on_timer(c);
	conn_advance(c);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *sa, int len, void *arg)
{
	struct demo_server *s = arg;
	struct demo_conn *c = xcalloc(1, sizeof *c);
	int one = 1;

	(void)listener;
	(void)sa;
	(void)len;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->magic = CONN_MAGIC;
	c->server = s;
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->timer = event_new(s->base, -1, 0, on_timer, c);
	CHECK(c->bev != NULL && c->timer != NULL);
	c->next = s->conns;
	c->at = &s->conns;
	if (c->next != NULL)
		c->next->at = &c->next;
	s->conns = c;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_HIGH);
	bufferevent_setwatermark(c->bev, EV_WRITE, WRITE_LOW, 0);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

struct demo_server *demo_server_new(struct event_base *base,
				    const struct net_listen *listen, demo_route_fn *route,
				    struct net_listen *bound)
{
	struct demo_server *s = xcalloc(1, sizeof *s);
	unsigned flags =
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
	struct net_ip ip;
	char text[NET_ADDR_TEXT_MAX];
	uint16_t port;

	s->base = base;
	s->route = route;
	s->listener = evconnlistener_new_bind(base, on_accept, s, flags, 512,
					      (const struct sockaddr *)&listen->sa,
					      (int)listen->len);
	if (s->listener == NULL) {
		free(s);
		return NULL;
	}
	bound->len = sizeof bound->sa;
	CHECK(getsockname(evconnlistener_get_fd(s->listener),
			  (struct sockaddr *)&bound->sa, &bound->len) == 0);
	net_ip_of_sockaddr(&ip, (const struct sockaddr *)&bound->sa);
	net_ip_text(&ip, text);
	port = ntohs(ip.family == 6 ? ((const struct sockaddr_in6 *)&bound->sa)->sin6_port
				    : ((const struct sockaddr_in *)&bound->sa)->sin_port);
	snprintf(bound->text, sizeof bound->text, ip.family == 6 ? "[%s]:%u" : "%s:%u",
		 text, (unsigned)port);
	return s;
}

void demo_server_free(struct demo_server **s)
{
	struct demo_server *server = *s;

	*s = NULL;
	if (server == NULL)
		return;
	while (server->conns != NULL)
		conn_free(server->conns);
	evconnlistener_free(server->listener);
	free(server);
}

/* --- what endpoints call --- */

const struct request_head *demo_head(const struct demo_conn *c)
{
	return &c->head;
}

uint64_t demo_body_bytes(const struct demo_conn *c)
{
	return c->body_bytes;
}

void demo_set_data(struct demo_conn *c, void *data)
{
	CHECK(c->data == NULL);
	c->data = data;
}

void *demo_data(const struct demo_conn *c)
{
	return c->data;
}

void demo_timer(struct demo_conn *c, uint64_t delay_us,
		void (*callback)(struct demo_conn *c))
{
	struct timeval delay = {(time_t)(delay_us / 1000000),
				(suseconds_t)(delay_us % 1000000)};

	c->on_timer = callback;
	evtimer_add(c->timer, &delay);
}

void demo_pause(struct demo_conn *c)
{
	c->paused = true;
	bufferevent_disable(c->bev, EV_READ);
}

void demo_resume(struct demo_conn *c)
{
	c->paused = false;
	bufferevent_enable(c->bev, EV_READ);
}

void demo_write(struct demo_conn *c, const void *bytes, size_t n)
{
	CHECK(bufferevent_write(c->bev, bytes, n) == 0);
}

static void write_head(struct demo_conn *c, int status, const char *framing,
		       const char *fields)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	char date[40];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	evbuffer_add_printf(
		out, "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: tollgate-demo\r\n%s%s%s\r\n",
		status, http_reason(status), date, framing, fields,
		c->close ? "Connection: close\r\n" : "");
}

void demo_reply_start(struct demo_conn *c, int status, uint64_t length,
		      const char *fields)
{
	char framing[64] = "";
	bool no_content = status == 204 || status == 304;

	c->bodyless_reply = no_content || c->head.method == HTTP_HEAD;
	c->chunked_reply = length == DEMO_CHUNKED && c->head.minor >= 1;
	if (length == DEMO_CHUNKED && !c->chunked_reply)
		c->close = true;
	if (c->chunked_reply)
		snprintf(framing, sizeof framing, "Transfer-Encoding: chunked\r\n");
	else if (!no_content && length != DEMO_CHUNKED)
		snprintf(framing, sizeof framing, "Content-Length: %" PRIu64 "\r\n",
			 length);
	write_head(c, status, framing, fields);
}

void demo_reply_data(struct demo_conn *c, const void *bytes, size_t n)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (n == 0 || c->bodyless_reply)
		return;
	if (c->chunked_reply)
		evbuffer_add_printf(out, "%zx\r\n", n);
	evbuffer_add(out, bytes, n);
	if (c->chunked_reply)
		evbuffer_add(out, "\r\n", 2);
}

void demo_reply_end(struct demo_conn *c)
{
	if (c->chunked_reply && !c->bodyless_reply)
		demo_write(c, "0\r\n\r\n", 5);
	c->replied = true;
}

void demo_reply(struct demo_conn *c, int status, const char *type, struct str body)
{
	char fields[128];

	snprintf(fields, sizeof fields, "Content-Type: %s\r\n", type);
	demo_reply_start(c, status, body.n, fields);
	demo_reply_data(c, body.p, body.n);
	demo_reply_end(c);
}

void demo_cut(struct demo_conn *c)
{
	c->state = CONN_CLOSING;
}

size_t demo_queued(const struct demo_conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

void demo_take_over(struct demo_conn *c, const char *fields)
{
	evbuffer_add_printf(bufferevent_get_output(c->bev),
			    "HTTP/1.1 101 Switching Protocols\r\n%s\r\n", fields);
	c->state = CONN_RAW;
}
