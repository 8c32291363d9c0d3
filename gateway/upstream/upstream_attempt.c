/* One attempt to connect to one address of an upstream: TCP, then TLS. What came of it is
 * marked for all threads (common/address_mark.h).
 *
 * A race's, while a call waits for it (upstream_race.c), or a probe: nobody waits for
 * that, it only finds out whether an address that has failed still does. */
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/tls.h"
#include "gateway/upstream/upstream_priv.h"

/* NULL: the name has another address meanwhile. */
static struct address_mark *mark_of(const struct upstream_address *a)
{
	const struct resolver_address *found = resolver_find(
		resolver_get(a->pool->name), (const struct sockaddr *)&a->sa);

	return found != NULL ? found->mark : NULL;
}

struct upstream_attempt *upstream_attempt_new(struct upstream_set *set,
					      const struct upstream_address *address)
{
	struct upstream_attempt *a = xcalloc(1, sizeof *a);
	struct address_mark *mark = mark_of(address);

	a->set = set;
	a->address = *address;
	a->fd = -1;
	a->delay_ms = address_mark_delay_ms(mark ? mark : &(struct address_mark){0});
	return a;
}

void upstream_attempt_free(struct upstream_attempt *a)
{
	if (a->fd >= 0)
		event_del(&a->event);
	if (a->ssl != NULL) {
		ERR_clear_error();
		SSL_free(a->ssl);
	}
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

void upstream_attempt_give(struct upstream_attempt *a, struct upstream_conn *u)
{
	event_del(&a->event);
	u->fd = a->fd;
	u->ssl = a->ssl;
	u->pool = a->address.pool;
	u->peer = a->address.sa;
	a->fd = -1;
	a->ssl = NULL;
}

/* --- what came of it --- */

void upstream_attempt_blame(struct upstream_attempt *a)
{
	struct address_mark *mark = mark_of(&a->address);

	if (mark != NULL)
		address_mark_failed(mark, clock_mono_us());
}

static enum upstream_attempt_state failed(struct upstream_attempt *a,
					  enum problem_id fault, const char *why)
{
	size_t n;

	upstream_attempt_blame(a);
	a->end.fault = fault;
	upstream_peer_text(a->address.pool, &a->address.sa, a->end.detail,
			   sizeof a->end.detail);
	n = strlen(a->end.detail);
	snprintf(a->end.detail + n, sizeof a->end.detail - n, ": %s", why);
	return ATTEMPT_FAILED;
}

static enum upstream_attempt_state failed_errno(struct upstream_attempt *a, int error)
{
	enum problem_id fault = PROBLEM_DESTINATION_UNAVAILABLE;

	if (error == ECONNREFUSED)
		fault = PROBLEM_CONNECTION_REFUSED;
	else if (error == ETIMEDOUT)
		fault = PROBLEM_CONNECTION_TIMEOUT;
	else if (error == ECONNRESET)
		fault = PROBLEM_CONNECTION_TERMINATED;
	return failed(a, fault, strerror(error));
}

/* Without the time for which its TLS had to wait for another's. */
static enum upstream_attempt_state ready(struct upstream_attempt *a)
{
	struct address_mark *mark = mark_of(&a->address);
	uint64_t took_us = a->connected_us - a->begun_us;

	if (a->secure_us != 0)
		took_us += clock_mono_us() - a->secure_us;
	if (mark != NULL)
		address_mark_won(mark, took_us);
	return ATTEMPT_READY;
}

/* --- its way --- */

static void on_event(evutil_socket_t fd, short what, void *arg);

static enum upstream_attempt_state wait_for(struct upstream_attempt *a, short what)
{
	event_assign(&a->event, a->set->base, a->fd, what, on_event, a);
	event_add(&a->event, NULL);
	return ATTEMPT_PENDING;
}

static enum upstream_attempt_state handshake(struct upstream_attempt *a)
{
	enum problem_id fault;
	char text[160];
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(a->ssl);
	if (rc == 1)
		return ready(a);
	switch (SSL_get_error(a->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(a, EV_READ);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(a, EV_WRITE);
	default:
		break;
	}
	fault = upstream_tls_problem(a->ssl, text, sizeof text);
	if (fault == PROBLEM_CONNECTION_TERMINATED)
		fault = PROBLEM_TLS_PROTOCOL_ERROR;
	return failed(a, fault, text);
}

static enum upstream_attempt_state connected(struct upstream_attempt *a)
{
	int error = 0;
	socklen_t len = sizeof error;

	CHECK(getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	if (error != 0)
		return failed_errno(a, error);
	a->connected_us = clock_mono_us();
	return a->address.pool->tls == NULL ? ready(a) : ATTEMPT_CONNECTED;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct upstream_attempt *a = arg;
	enum upstream_attempt_state s = a->ssl != NULL ? handshake(a) : connected(a);

	(void)fd;
	(void)what;
	if (s != ATTEMPT_PENDING)
		a->on_change(a, s);
}

enum upstream_attempt_state upstream_attempt_begin(struct upstream_attempt *a)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->address.sa;
	int on = 1, fd;

	a->begun_us = clock_mono_us();
	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed_errno(a, errno);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, sa, a->address.len) != 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		return failed_errno(a, error);
	}
	a->fd = fd;
	return wait_for(a, EV_WRITE);
}

enum upstream_attempt_state upstream_attempt_secure(struct upstream_attempt *a)
{
	struct upstream_pool *pool = a->address.pool;

	a->secure_us = clock_mono_us();
	a->ssl = tls_client_new(pool->tls, a->fd, pool->endpoint->host, pool->session);
	SSL_set_app_data(a->ssl, pool);
	return handshake(a);
}

/* --- probes --- */

bool upstream_is_down(const struct upstream_pool *pool)
{
	const struct resolver_addresses *list = resolver_get(pool->name);

	for (unsigned i = 0; i < list->n; i++)
		if (!address_mark_fails(list->list[i].mark))
			return false;
	return list->n > 0 || list->failed;
}

static void probe_end(struct upstream_attempt *a)
{
	TAILQ_REMOVE(&a->set->probes, a, all);
	upstream_attempt_free(a);
}

static void on_probe(struct upstream_attempt *a, enum upstream_attempt_state s)
{
	if (s == ATTEMPT_CONNECTED)
		s = upstream_attempt_secure(a);
	if (s == ATTEMPT_PENDING)
		return;
	if (s == ATTEMPT_READY && a->ssl != NULL)
		SSL_shutdown(a->ssl);
	probe_end(a);
}

static void probe(struct upstream_set *set, struct upstream_pool *pool,
		  const struct resolver_address *address)
{
	struct upstream_address copy = {.pool = pool, .len = address->len};
	struct upstream_attempt *a;

	memcpy(&copy.sa, &address->sa, address->len);
	a = upstream_attempt_new(set, &copy);
	a->on_change = on_probe;
	TAILQ_INSERT_TAIL(&set->probes, a, all);
	on_probe(a, upstream_attempt_begin(a));
}

void upstream_probe_marked(struct upstream_set *set, struct upstream_pool *pool)
{
	const struct resolver_addresses *list = resolver_get(pool->name);
	uint64_t now = clock_mono_us();

	for (unsigned i = 0; i < list->n; i++)
		if (address_mark_take_probe(list->list[i].mark, now))
			probe(set, pool, &list->list[i]);
}

void upstream_probes_tick(struct upstream_set *set, uint64_t now_us)
{
	struct upstream_attempt *a, *next;

	for (a = TAILQ_FIRST(&set->probes); a != NULL; a = next) {
		next = TAILQ_NEXT(a, all);
		if (!clock_over(a->begun_us, a->address.pool->route->timeouts.connect_ms,
				now_us))
			continue;
		upstream_attempt_blame(a);
		probe_end(a);
	}
}

void upstream_probes_free(struct upstream_set *set)
{
	while (!TAILQ_EMPTY(&set->probes))
		probe_end(TAILQ_FIRST(&set->probes));
}
