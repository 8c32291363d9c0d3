/* A client's connection as its user answers: writing, and answers of our own. */
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/http/conn_priv.h"

/* What the socket takes at once; errors surface through the ready list, since the caller
 * is in the middle of an exchange. */
static size_t write_directly(struct http_conn *c, const struct iovec *iov, int n)
{
	struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			   .msg_iovlen = (size_t)n};
	ssize_t sent;

	do
		sent = sendmsg(c->fd, &m, c->out.ends ? MSG_MORE : 0);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		c->gone = true;
		conn_make_ready(c);
	}
	return 0;
}

/* The client has left, but its user does not know yet. */
static void lose(struct http_conn *c, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++)
		c->out.lost += iov[i].iov_len;
}

static void queue(struct evbuffer *out, struct iovec piece, bool is_constant)
{
	if (is_constant)
		CHECK(evbuffer_add_reference(out, piece.iov_base, piece.iov_len, NULL,
					     NULL) == 0);
	else
		CHECK(evbuffer_add(out, piece.iov_base, piece.iov_len) == 0);
}

void conn_write(struct http_conn *c, const struct iovec *iov, int n, int n_copied)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	bool was_empty = evbuffer_get_length(out) == 0;
	size_t skip = 0;

	OBJ_CHECK(c, CONN_MAGIC);
	CHECK(c->state == CONN_BUSY);
	if (c->gone) {
		lose(c, iov, n);
		return;
	}
	if (c->in.half_closed)
		c->out.written_us = clock_mono_us();
	if (was_empty && c->ssl == NULL)
		skip = write_directly(c, iov, n);
	for (int i = 0; i < n; i++) {
		c->out.total += iov[i].iov_len;
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		queue(out,
		      (struct iovec){(char *)iov[i].iov_base + skip,
				     iov[i].iov_len - skip},
		      i >= n_copied);
		skip = 0;
	}
	if (evbuffer_get_length(out) == 0)
		return;
	if (was_empty)
		c->out.since_us = clock_mono_us();
	if (c->ssl != NULL)
		bufferevent_enable(c->bev, EV_WRITE);
	else
		conn_io_want_write(c);
}

void http_conn_write(struct http_conn *c, const struct iovec *iov, int n)
{
	conn_write(c, iov, n, n);
}

size_t http_conn_queued(const struct http_conn *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

size_t http_conn_unacknowledged(const struct http_conn *c)
{
	int in_kernel = 0;

	if (ioctl(c->fd, SIOCOUTQ, &in_kernel) != 0 || in_kernel < 0)
		in_kernel = 0;
	return http_conn_queued(c) + (size_t)in_kernel + c->out.lost;
}

/* --- answers of our own --- */

struct str http_conn_request_id(const struct http_conn *c)
{
	struct conn_request *r = c->request;

	if (r->id[0] == '\0')
		id_make_uuid7(r->id, clock_wall_us(), &c->set->ids);
	return str_of(r->id);
}

size_t http_conn_put_problem(const struct http_conn *c, struct problem_answer answer,
			     struct sbuf *out)
{
	size_t n;

	if (answer.request_id.n == 0)
		answer.request_id = http_conn_request_id(c);
	answer.close = answer.close || http_conn_must_close(c);
	answer.http_minor = c->head.refused ? 1 : c->request->head.minor;
	if (!c->head.refused) {
		answer.head = c->request->head.method == HTTP_HEAD;
		answer.problem_json = problem_wants_json(&c->request->head);
	}
	n = problem_write(out, &answer);
	CHECK(!out->overflow);
	return n;
}

static void put_status_line(int status, const char *cache_control, struct str request_id,
			    struct sbuf *out)
{
	char date[HTTP_DATE_SIZE];

	http_date(date, clock_wall_us() / 1000000);
	sbuf_printf(out,
		    "HTTP/1.1 %d %s\r\nDate: %s\r\nCache-Control: %s\r\n"
		    "Tollgate-Request-Id: " STR_FMT "\r\n",
		    status, http_reason(status), date,
		    cache_control != NULL ? cache_control : "no-store",
		    STR_ARG(request_id));
}

static void put_head_end(const struct http_conn *c, struct sbuf *out)
{
	if (http_conn_must_close(c))
		sbuf_lit(out, "Connection: close\r\n");
	sbuf_lit(out, "\r\n");
	CHECK(!out->overflow);
}

void http_conn_put_no_content(const struct http_conn *c, struct str request_id,
			      struct str fields, struct sbuf *out)
{
	put_status_line(204, NULL, request_id, out);
	sbuf_str(out, fields);
	put_head_end(c, out);
}

void http_conn_problem(struct http_conn *c, struct problem_answer answer)
{
	struct sbuf out;

	sbuf_init(&out, HTTP_ANSWER_HEAD_MAX + answer.errors.n);
	http_conn_put_problem(c, answer, &out);
	http_conn_finish(c, &(struct iovec){out.p, out.n}, 1, answer.close);
	sbuf_fini(&out);
}

void http_conn_reply(struct http_conn *c, int status, const char *content_type,
		     uint32_t allow, struct str body)
{
	http_conn_answer(c, &(struct http_answer){.status = status,
						  .content_type = content_type,
						  .allow = allow,
						  .body = body});
}

void http_conn_answer(struct http_conn *c, const struct http_answer *a)
{
	struct iovec v[2];
	struct sbuf head;

	sbuf_init(&head, HTTP_ANSWER_HEAD_MAX);
	put_status_line(a->status, a->cache_control, http_conn_request_id(c), &head);
	if (a->content_type != NULL)
		sbuf_printf(&head,
			    "Content-Type: %s\r\n"
			    "Content-Length: %zu\r\n"
			    "X-Content-Type-Options: nosniff\r\n",
			    a->content_type, a->body.n);
	if (a->allow)
		http_add_allow(&head, a->allow);
	sbuf_str(&head, a->fields);
	put_head_end(c, &head);
	v[0] = (struct iovec){head.p, head.n};
	v[1] = (struct iovec){(void *)(uintptr_t)a->body.p, a->body.n};
	conn_finish(c, v, c->request->head.method == HTTP_HEAD ? 1 : 2,
		    a->is_constant ? 1 : 2, false);
	sbuf_fini(&head);
}

void http_conn_answer_head(struct http_conn *c, const struct http_answer *a,
			   bool is_chunked)
{
	struct sbuf head;

	CHECK(a->content_type != NULL && (is_chunked || http_conn_must_close(c)));
	sbuf_init(&head, HTTP_ANSWER_HEAD_MAX);
	put_status_line(a->status, a->cache_control, http_conn_request_id(c), &head);
	sbuf_printf(&head, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n",
		    a->content_type);
	if (is_chunked)
		sbuf_lit(&head, "Transfer-Encoding: chunked\r\n");
	sbuf_str(&head, a->fields);
	put_head_end(c, &head);
	http_conn_write(c, &(struct iovec){head.p, head.n}, 1);
	sbuf_fini(&head);
}
