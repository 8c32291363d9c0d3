/* Moving bytes over an upstream's connection, plain or TLS. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/tls.h"
#include "gateway/upstream/upstream_priv.h"

#define READS_PER_EVENT 4 /* then others get their turn */
#define TLS_RECORD 16384

void upstream_want_write(struct upstream_conn *u, bool wanted)
{
	if (u->write_armed == wanted)
		return;
	u->write_armed = wanted;
	if (wanted)
		event_add(&u->on_write, NULL);
	else
		event_del(&u->on_write);
}

enum io_result { IO_BYTES, IO_AGAIN, IO_EOF, IO_FAILED };

static enum io_result io_read_tls(struct upstream_conn *u, char *to, size_t room,
				  size_t *n)
{
	int rc;

	ERR_clear_error();
	rc = SSL_read_ex(u->ssl, to, room, n);
	if (rc == 1)
		return IO_BYTES;
	switch (SSL_get_error(u->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return IO_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		upstream_want_write(u, true);
		return IO_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return IO_EOF;
	default:
		return IO_FAILED;
	}
}

static enum io_result io_read(struct upstream_conn *u, char *to, size_t room, size_t *n)
{
	ssize_t got;

	if (u->ssl != NULL)
		return io_read_tls(u, to, room, n);
	do
		got = read(u->fd, to, room);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		*n = (size_t)got;
		return IO_BYTES;
	}
	if (got == 0)
		return IO_EOF;
	return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : IO_FAILED;
}

enum problem_id upstream_tls_problem(const SSL *ssl, char *text, size_t size)
{
	switch (tls_fault(ssl, text, size)) {
	case TLS_FAULT_CERTIFICATE:
		return PROBLEM_TLS_CERTIFICATE_ERROR;
	case TLS_FAULT_ALERT:
		return PROBLEM_TLS_ALERT_RECEIVED;
	case TLS_FAULT_PROTOCOL:
		return PROBLEM_TLS_PROTOCOL_ERROR;
	case TLS_FAULT_CLOSED:
		break;
	}
	return PROBLEM_CONNECTION_TERMINATED;
}

static void end_read(struct upstream_conn *u, enum io_result r)
{
	enum problem_id fault = PROBLEM_CONNECTION_TERMINATED;
	char text[160] = "";

	if (r == IO_EOF) {
		upstream_fail(u, true, PROBLEM_CONNECTION_TERMINATED, "");
		return;
	}
	if (u->ssl != NULL)
		fault = upstream_tls_problem(u->ssl, text, sizeof text);
	else
		snprintf(text, sizeof text, "%s", strerror(errno));
	upstream_fail(u, false, fault, text);
}

static bool goes_on(const struct upstream_conn *u)
{
	return u->state == UPSTREAM_READY && !u->paused;
}

static void read_ready(struct upstream_conn *u)
{
	char *to = u->set->scratch;
	enum io_result r = IO_AGAIN;

	upstream_enter(u);
	for (int i = 0; i < READS_PER_EVENT && goes_on(u); i++) {
		size_t n = 0, room = u->ssl ? TLS_RECORD : UPSTREAM_SCRATCH;

		r = io_read(u, to, room, &n);
		if (r != IO_BYTES)
			break;
		u->user->on_data(u, u->ctx, to, n);
		/* A short read emptied the socket; the loop tells when there is more. */
		if (u->ssl == NULL && n < room)
			break;
	}
	if (!upstream_leave(u))
		return;
	if (r == IO_EOF || r == IO_FAILED) {
		if (goes_on(u))
			end_read(u, r);
		return;
	}
	/* What TLS has already decrypted makes no socket readable. */
	if (goes_on(u) && u->ssl != NULL && SSL_pending(u->ssl) > 0)
		event_active(&u->on_read, EV_READ, 0);
}

void upstream_io_readable(evutil_socket_t fd, short what, void *arg)
{
	struct upstream_conn *u = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(u, UPSTREAM_MAGIC);
	switch (u->state) {
	case UPSTREAM_READY:
		read_ready(u);
		break;
	case UPSTREAM_IDLE:
		upstream_idle_event(u);
		break;
	case UPSTREAM_CONNECTING:
	case UPSTREAM_DEAD:
		break;
	}
}

static void note_write_failure(struct upstream_conn *u)
{
	/* The answer may already be on its way (an early 413, say): reading goes on and
	 * tells. */
	u->write_failed = true;
	upstream_want_write(u, false);
	if (u->out != NULL)
		evbuffer_drain(u->out, evbuffer_get_length(u->out));
}

static void note_sent(struct upstream_conn *u, size_t n)
{
	if (n == 0)
		return;
	u->sent += n;
	u->progress_us = clock_mono_us();
}

/* One SSL_write; how much was taken. */
static size_t write_tls(struct upstream_conn *u, const void *p, size_t n)
{
	size_t taken = 0;
	int rc;

	ERR_clear_error();
	rc = SSL_write_ex(u->ssl, p, n, &taken);
	if (rc == 1)
		return taken;
	switch (SSL_get_error(u->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		break;
	default:
		note_write_failure(u);
	}
	return 0;
}

static size_t write_iov_tls(struct upstream_conn *u, const struct iovec *iov, int n)
{
	size_t sent = 0;

	for (int i = 0; i < n && !u->write_failed; i++) {
		size_t at = 0;

		while (at < iov[i].iov_len) {
			size_t k = write_tls(u, (char *)iov[i].iov_base + at,
					     iov[i].iov_len - at);

			if (k == 0)
				return sent + at;
			at += k;
		}
		sent += at;
	}
	return sent;
}

static size_t write_iov(struct upstream_conn *u, const struct iovec *iov, int n)
{
	ssize_t sent;

	if (u->ssl != NULL)
		return write_iov_tls(u, iov, n);
	do
		sent = writev(u->fd, iov, n);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		note_write_failure(u);
	return 0;
}

struct evbuffer *upstream_out(struct upstream_conn *u)
{
	if (u->out == NULL) {
		u->out = evbuffer_new();
		CHECK(u->out != NULL);
	}
	return u->out;
}

size_t upstream_queued(const struct upstream_conn *u)
{
	return u->out ? evbuffer_get_length(u->out) : 0;
}

void upstream_write(struct upstream_conn *u, const struct iovec *iov, int n)
{
	size_t skip = 0;

	OBJ_CHECK(u, UPSTREAM_MAGIC);
	CHECK(u->state == UPSTREAM_READY);
	if (u->write_failed)
		return;
	if (upstream_queued(u) == 0) {
		skip = write_iov(u, iov, n);
		note_sent(u, skip);
	}
	for (int i = 0; i < n && !u->write_failed; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		CHECK(evbuffer_add(upstream_out(u), (char *)iov[i].iov_base + skip,
				   iov[i].iov_len - skip) == 0);
		skip = 0;
	}
	upstream_want_write(u, upstream_queued(u) > 0);
}

static void flush_plain(struct upstream_conn *u)
{
	int sent = evbuffer_write(u->out, u->fd);

	if (sent > 0)
		note_sent(u, (size_t)sent);
	else if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		note_write_failure(u);
}

static void flush_tls(struct upstream_conn *u)
{
	struct evbuffer_iovec v;

	while (evbuffer_peek(u->out, TLS_RECORD, NULL, &v, 1) > 0 && v.iov_len > 0) {
		size_t n = write_tls(u, v.iov_base, v.iov_len);

		if (n == 0)
			return;
		note_sent(u, n);
		evbuffer_drain(u->out, n);
	}
}

void upstream_flush(struct upstream_conn *u)
{
	OBJ_CHECK(u, UPSTREAM_MAGIC);
	if (u->write_failed && u->out != NULL)
		evbuffer_drain(u->out, evbuffer_get_length(u->out));
	if (upstream_queued(u) == 0 || u->write_failed)
		return;
	if (u->ssl != NULL)
		flush_tls(u);
	else
		flush_plain(u);
	upstream_want_write(u, upstream_queued(u) > 0);
}

void upstream_io_writable(evutil_socket_t fd, short what, void *arg)
{
	struct upstream_conn *u = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(u, UPSTREAM_MAGIC);
	if (u->state != UPSTREAM_READY) {
		upstream_want_write(u, false);
		return;
	}
	upstream_enter(u);
	upstream_flush(u);
	upstream_want_write(u, upstream_queued(u) > 0);
	if (upstream_queued(u) < UPSTREAM_OUT_LOW)
		u->user->on_writable(u, u->ctx);
	upstream_leave(u);
}

void upstream_shutdown(struct upstream_conn *u)
{
	CHECK(upstream_queued(u) == 0);
	if (u->ssl != NULL)
		SSL_shutdown(u->ssl);
	else
		shutdown(u->fd, SHUT_WR);
}

void upstream_pause(struct upstream_conn *u)
{
	if (u->paused)
		return;
	u->paused = true;
	event_del(&u->on_read);
}

void upstream_resume(struct upstream_conn *u)
{
	if (!u->paused)
		return;
	u->paused = false;
	event_add(&u->on_read, NULL);
	if (u->ssl != NULL && SSL_pending(u->ssl) > 0)
		event_active(&u->on_read, EV_READ, 0);
}
