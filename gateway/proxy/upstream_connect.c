/* How a new upstream connection comes about: addresses tried in turn, TCP, TLS. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/tls.h"
#include "gateway/proxy/upstream_priv.h"

#define ATTEMPT_MIN_MS 250u /* the least that one of several addresses gets */

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

/* Of several addresses that failed, the one that got furthest tells the most. */
static bool is_tls_fault(enum problem_id fault)
{
	return fault == PROBLEM_TLS_CERTIFICATE_ERROR ||
	       fault == PROBLEM_TLS_PROTOCOL_ERROR || fault == PROBLEM_TLS_ALERT_RECEIVED;
}

void upstream_note_fault(struct upstream_conn *u, enum problem_id fault,
			 const char *detail)
{
	if (is_tls_fault(u->end.fault) && !is_tls_fault(fault))
		return;
	u->end.fault = fault;
	snprintf(u->end.detail, sizeof u->end.detail, "%s", detail);
}

static void note_errno(struct upstream_conn *u, int error)
{
	enum problem_id fault = PROBLEM_DESTINATION_UNAVAILABLE;

	if (error == ECONNREFUSED)
		fault = PROBLEM_CONNECTION_REFUSED;
	else if (error == ETIMEDOUT)
		fault = PROBLEM_CONNECTION_TIMEOUT;
	else if (error == ECONNRESET)
		fault = PROBLEM_CONNECTION_TERMINATED;
	upstream_note_fault(u, fault, strerror(error));
}

void upstream_attempt_failed(struct upstream_conn *u)
{
	u->pool->down_until_us = clock_mono_us() + UPSTREAM_DOWN_US;
	upstream_close_socket(u, false);
	upstream_attempt_next(u);
}

static void become_ready(struct upstream_conn *u)
{
	TAILQ_REMOVE(&u->set->connecting, u, connecting);
	u->state = UPSTREAM_READY;
	u->deadline_us = u->attempt_deadline_us = 0;
	u->born_us = u->progress_us = clock_mono_us();
	u->pool->down_until_us = 0;
	upstream_want_write(u, false);
	upstream_enter(u);
	u->user->on_ready(u, u->ctx);
	upstream_leave(u);
}

static void handshake(struct upstream_conn *u)
{
	enum problem_id fault;
	char text[160];
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(u->ssl);
	if (rc == 1) {
		become_ready(u);
		return;
	}
	switch (SSL_get_error(u->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		upstream_want_write(u, false);
		return;
	case SSL_ERROR_WANT_WRITE:
		upstream_want_write(u, true);
		return;
	default:
		break;
	}
	fault = upstream_tls_problem(u->ssl, text, sizeof text);
	upstream_note_fault(u,
			    fault == PROBLEM_CONNECTION_TERMINATED
				    ? PROBLEM_TLS_PROTOCOL_ERROR
				    : fault,
			    text);
	upstream_attempt_failed(u);
}

static void connected(struct upstream_conn *u)
{
	int error = 0;
	socklen_t len = sizeof error;

	CHECK(getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	if (error != 0) {
		note_errno(u, error);
		upstream_attempt_failed(u);
		return;
	}
	event_add(&u->on_read, NULL);
	if (u->pool->tls == NULL) {
		become_ready(u);
		return;
	}
	u->state = UPSTREAM_HANDSHAKE;
	u->ssl = tls_client_new(u->pool->tls, u->fd, u->pool->endpoint->host,
				u->pool->session);
	SSL_set_app_data(u->ssl, u->pool);
	handshake(u);
}

void upstream_connect_event(struct upstream_conn *u)
{
	if (u->state == UPSTREAM_CONNECTING)
		connected(u);
	else
		handshake(u);
}

static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct upstream_conn *u = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(u, UPSTREAM_MAGIC);
	upstream_attempt_next(u);
}

void upstream_connect_begin(struct upstream_conn *u)
{
	event_assign(&u->on_write, u->set->base, -1, 0, on_begin, u);
	event_active(&u->on_write, EV_TIMEOUT, 0);
}

/* Time for one address when others are left to try. */
static uint64_t attempt_deadline(const struct upstream_conn *u, unsigned addresses)
{
	uint32_t whole = u->pool->route->timeouts.connect_ms;
	uint32_t share = whole / (addresses ? addresses : 1);

	if (whole == 0)
		return 0;
	return clock_mono_us() +
	       (uint64_t)(share > ATTEMPT_MIN_MS ? share : ATTEMPT_MIN_MS) * 1000;
}

static bool start_connect(struct upstream_conn *u, const struct resolver_address *address,
			  unsigned addresses)
{
	int on = 1;

	CHECK(address->len <= sizeof u->peer);
	memcpy(&u->peer, &address->sa, address->len);
	u->fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (u->fd < 0) {
		note_errno(u, errno);
		return false;
	}
	setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(u->fd, (const struct sockaddr *)&address->sa, address->len) != 0 &&
	    errno != EINPROGRESS) {
		note_errno(u, errno);
		close(u->fd);
		u->fd = -1;
		return false;
	}
	event_del(&u->on_write);
	event_assign(&u->on_read, u->set->base, u->fd, EV_READ | EV_PERSIST,
		     upstream_io_readable, u);
	event_assign(&u->on_write, u->set->base, u->fd, EV_WRITE | EV_PERSIST,
		     upstream_io_writable, u);
	u->write_armed = false;
	u->state = UPSTREAM_CONNECTING;
	u->attempt_deadline_us = attempt_deadline(u, addresses);
	upstream_want_write(u, true);
	return true;
}

/* Tries addresses until one is on its way; waits for the resolver; or fails for good. */
void upstream_attempt_next(struct upstream_conn *u)
{
	u->state = UPSTREAM_RESOLVING;
	while (u->endpoints_tried < u->route->n) {
		size_t i = (u->first_endpoint + u->endpoints_tried) % u->route->n;
		const struct resolver_addresses *a;

		u->pool = &u->route->pools[i];
		a = resolver_get(u->pool->name);
		if (a->n == 0 && !a->failed)
			return; /* the tick comes back */
		if (a->n == 0)
			upstream_note_fault(u, PROBLEM_DNS_ERROR,
					    u->pool->endpoint->host);
		while (u->address < a->n)
			if (start_connect(u, &a->list[u->address++],
					  a->n * (unsigned)u->route->n))
				return;
		u->pool->down_until_us = clock_mono_us() + UPSTREAM_DOWN_US;
		u->endpoints_tried++;
		u->address = 0;
	}
	upstream_fail(u, false, u->end.fault, u->end.detail);
}
