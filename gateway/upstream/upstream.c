/* Pools of upstream connections, and their ends. */
#include "gateway/upstream/upstream.h"

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
#include "common/log.h"
#include "common/net.h"
#include "common/tls.h"
#include "gateway/upstream/upstream_priv.h"

#define PROVEN_US 50000u /* kept open for so long after an answer: it is meant to stay */
#define KEEP_ALIVE_MAX_MS 60000u /* of what an upstream tells */

/* --- sets --- */

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct upstream_pool *pool = SSL_get_app_data(ssl);

	if (pool->session != NULL)
		SSL_SESSION_free(pool->session);
	pool->session = session;
	return 1; /* the reference is ours now */
}

static bool route_init(struct upstream_set *set, struct upstream_route *r,
		       const struct settings_route *route, struct resolver *resolver)
{
	char why[256] = "";

	r->n = route->n_endpoints;
	r->pools = xcalloc(r->n, sizeof *r->pools);
	if (route->tls) {
		r->tls = tls_client_ctx_new(route->ca_file, why, sizeof why);
		if (r->tls == NULL) {
			log_error("route %s: ca_file %s: %s", route->name, route->ca_file,
				  why);
			return false;
		}
		SSL_CTX_sess_set_new_cb(r->tls, on_new_session);
	}
	for (size_t i = 0; i < r->n; i++) {
		struct upstream_pool *p = &r->pools[i];

		p->route = route;
		p->endpoint = &route->endpoints[i];
		p->name = resolver_add(resolver, p->endpoint->host, p->endpoint->port);
		p->tls = r->tls;
		TAILQ_INIT(&p->idle);
	}
	(void)set;
	return true;
}

struct upstream_set *upstream_set_new(struct event_base *base, struct settings *s,
				      struct resolver *resolver)
{
	struct upstream_set *set = xcalloc(1, sizeof *set);
	bool fine = true;

	set->base = base;
	set->settings = settings_ref(s);
	set->routes = xcalloc(s->n_routes, sizeof *set->routes);
	TAILQ_INIT(&set->connecting);
	TAILQ_INIT(&set->probes);
	for (size_t i = 0; i < s->n_routes && fine; i++)
		fine = route_init(set, &set->routes[i], &s->routes[i], resolver);
	if (!fine)
		upstream_set_free(&set);
	return set;
}

/* --- one connection's end --- */

void upstream_close_socket(struct upstream_conn *u, bool in_order)
{
	if (u->fd < 0)
		return;
	event_del(&u->on_read);
	event_del(&u->on_write);
	u->write_armed = false;
	if (u->ssl != NULL) {
		if (in_order && !u->write_failed)
			SSL_shutdown(u->ssl);
		ERR_clear_error();
		SSL_free(u->ssl);
		u->ssl = NULL;
	}
	close(u->fd);
	u->fd = -1;
}

static void conn_free(struct upstream_conn *u)
{
	if (u->state == UPSTREAM_CONNECTING)
		TAILQ_REMOVE(&u->set->connecting, u, connecting);
	upstream_race_free(&u->race);
	upstream_close_socket(u, u->state == UPSTREAM_READY || u->state == UPSTREAM_IDLE);
	if (u->out != NULL)
		evbuffer_free(u->out);
	u->set->n_conns--;
	u->magic = 0;
	free(u);
}

static void idle_drop(struct upstream_conn *u)
{
	TAILQ_REMOVE(&u->pool->idle, u, idle);
	u->pool->n_idle--;
	conn_free(u);
}

void upstream_set_free(struct upstream_set **upstream_set)
{
	struct upstream_set *set = *upstream_set;

	*upstream_set = NULL;
	upstream_probes_free(set);
	for (size_t i = 0; i < set->settings->n_routes; i++) {
		struct upstream_route *r = &set->routes[i];

		for (size_t k = 0; k < r->n && r->pools[k].route != NULL; k++) {
			while (!TAILQ_EMPTY(&r->pools[k].idle))
				idle_drop(TAILQ_FIRST(&r->pools[k].idle));
			if (r->pools[k].session != NULL)
				SSL_SESSION_free(r->pools[k].session);
			resolver_forget(r->pools[k].name);
		}
		SSL_CTX_free(r->tls);
		free(r->pools);
	}
	CHECK(set->n_conns == 0);
	free(set->routes);
	settings_unref(&set->settings);
	free(set);
}

void upstream_enter(struct upstream_conn *u)
{
	CHECK(!u->in_callback);
	u->in_callback = true;
}

bool upstream_leave(struct upstream_conn *u)
{
	u->in_callback = false;
	if (u->state != UPSTREAM_DEAD)
		return true;
	conn_free(u);
	return false;
}

void upstream_fail(struct upstream_conn *u, bool clean, enum problem_id fault,
		   const char *detail)
{
	const struct upstream_user *user = u->user;
	struct upstream_end end = {.clean = clean, .fault = fault};

	CHECK(!u->in_callback && user != NULL);
	snprintf(end.detail, sizeof end.detail, "%s", detail);
	u->user = NULL;
	user->on_end(u, u->ctx, &end);
	conn_free(u);
}

/* --- pools --- */

static uint64_t idle_limit_us(const struct upstream_conn *u)
{
	uint64_t ms = u->pool->route->pool.idle_ms;

	if (u->keep_alive_s > 1)
		ms = (uint64_t)(u->keep_alive_s - 1) * 1000;
	else if (u->keep_alive_s == 1)
		ms = 500;
	return (ms < KEEP_ALIVE_MAX_MS ? ms : KEEP_ALIVE_MAX_MS) * 1000;
}

static bool idle_expired(const struct upstream_conn *u, uint64_t now)
{
	const struct settings_pool *p = &u->pool->route->pool;

	return now - u->idle_since_us >= idle_limit_us(u) ||
	       (p->max_age_ms && now - u->born_us >= (uint64_t)p->max_age_ms * 1000);
}

static bool may_reuse(const struct upstream_conn *u, enum upstream_reuse reuse,
		      uint64_t now)
{
	return reuse == UPSTREAM_ANY || u->uses > 1 ||
	       now - u->idle_since_us >= PROVEN_US;
}

static struct upstream_conn *take_idle(struct upstream_pool *pool,
				       enum upstream_reuse reuse, uint64_t now)
{
	struct upstream_conn *u, *next;

	for (u = TAILQ_FIRST(&pool->idle); u != NULL; u = next) {
		next = TAILQ_NEXT(u, idle);
		if (idle_expired(u, now)) {
			idle_drop(u);
			continue;
		}
		if (!may_reuse(u, reuse, now))
			continue;
		TAILQ_REMOVE(&pool->idle, u, idle);
		pool->n_idle--;
		return u;
	}
	return NULL;
}

/* Some have just been passed over: whether they are still out of reach is found out. */
static void probe_down(struct upstream_set *set, struct upstream_route *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (upstream_is_down(&r->pools[i]))
			upstream_probe_marked(set, &r->pools[i]);
}

/* Round robin over the URLs; those out of reach only where all are. */
static unsigned choose_endpoint(struct upstream_set *set, struct upstream_route *r)
{
	if (r->n == 1)
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		size_t at = r->turn++ % r->n;

		if (upstream_is_down(&r->pools[at]))
			continue;
		if (i > 0)
			probe_down(set, r);
		return (unsigned)at;
	}
	return (unsigned)(r->turn++ % r->n);
}

static struct upstream_conn *conn_new(struct upstream_set *set, struct upstream_route *r,
				      unsigned endpoint, uint64_t now)
{
	struct upstream_conn *u = xcalloc(1, sizeof *u);
	uint32_t limit = r->pools[endpoint].route->timeouts.connect_ms;

	u->magic = UPSTREAM_MAGIC;
	u->fd = -1;
	u->set = set;
	u->route = r;
	u->pool = &r->pools[endpoint];
	u->state = UPSTREAM_CONNECTING;
	u->deadline_us = limit ? now + (uint64_t)limit * 1000 : 0;
	TAILQ_INSERT_TAIL(&set->connecting, u, connecting);
	set->n_conns++;
	u->race = upstream_race_new(u, endpoint);
	return u;
}

void upstream_connected(struct upstream_conn *u)
{
	TAILQ_REMOVE(&u->set->connecting, u, connecting);
	u->state = UPSTREAM_READY;
	u->deadline_us = 0;
	u->born_us = u->progress_us = clock_mono_us();
	event_assign(&u->on_read, u->set->base, u->fd, EV_READ | EV_PERSIST,
		     upstream_io_readable, u);
	event_assign(&u->on_write, u->set->base, u->fd, EV_WRITE | EV_PERSIST,
		     upstream_io_writable, u);
	event_add(&u->on_read, NULL);
	upstream_enter(u);
	u->user->on_ready(u, u->ctx);
	upstream_leave(u);
}

struct upstream_conn *upstream_acquire(struct upstream_set *set,
				       const struct settings_route *route,
				       enum upstream_reuse reuse,
				       const struct upstream_user *user, void *ctx,
				       bool *ready)
{
	struct upstream_route *r = &set->routes[route->index];
	uint64_t now = clock_mono_us();
	unsigned endpoint = choose_endpoint(set, r);
	struct upstream_conn *u = reuse == UPSTREAM_FRESH
					  ? NULL
					  : take_idle(&r->pools[endpoint], reuse, now);

	*ready = u != NULL;
	if (u != NULL) {
		u->state = UPSTREAM_READY;
		u->pooled = true;
		u->sent = 0;
		u->progress_us = now;
	} else {
		u = conn_new(set, r, endpoint, now);
	}
	u->user = user;
	u->ctx = ctx;
	u->uses++;
	return u;
}

void upstream_set_user(struct upstream_conn *u, const struct upstream_user *user,
		       void *ctx)
{
	CHECK(u->user != NULL);
	u->user = user;
	u->ctx = ctx;
}

/* Whether the name may still mean the address that it is connected to. */
static bool is_named(struct upstream_conn *u)
{
	const struct resolver_addresses *a = resolver_get(u->pool->name);

	if (u->names_version == a->version)
		return true;
	if (resolver_find(a, (const struct sockaddr *)&u->peer) == NULL)
		return false;
	u->names_version = a->version;
	return true;
}

static bool may_pool(struct upstream_conn *u)
{
	const struct settings_pool *p = &u->pool->route->pool;

	return u->state == UPSTREAM_READY && !u->write_failed &&
	       upstream_queued(u) == 0 && u->pool->n_idle < p->idle_connections &&
	       (p->max_requests == 0 || u->uses < p->max_requests) && is_named(u) &&
	       (u->ssl == NULL || SSL_pending(u->ssl) == 0);
}

void upstream_release(struct upstream_conn **upstream, bool reusable)
{
	struct upstream_conn *u = *upstream;

	*upstream = NULL;
	OBJ_CHECK(u, UPSTREAM_MAGIC);
	u->user = NULL;
	u->ctx = NULL;
	if (reusable && may_pool(u)) {
		upstream_resume(u);
		u->state = UPSTREAM_IDLE;
		u->idle_since_us = clock_mono_us();
		if (u->out != NULL) {
			evbuffer_free(u->out);
			u->out = NULL;
		}
		TAILQ_INSERT_HEAD(&u->pool->idle, u, idle);
		u->pool->n_idle++;
		return;
	}
	if (!u->in_callback) {
		conn_free(u);
		return;
	}
	CHECK(u->state == UPSTREAM_READY);
	upstream_close_socket(u, true);
	u->state = UPSTREAM_DEAD;
}

/* An idle connection became readable: closed, or talking out of turn. TLS may only have
 * delivered a session ticket. */
void upstream_idle_event(struct upstream_conn *u)
{
	char byte;
	size_t n;
	int rc;

	if (u->ssl != NULL) {
		ERR_clear_error();
		rc = SSL_peek_ex(u->ssl, &byte, 1, &n);
		if (rc != 1 && SSL_get_error(u->ssl, rc) == SSL_ERROR_WANT_READ)
			return;
	}
	idle_drop(u);
}

bool upstream_probe(const struct upstream_conn *u)
{
	char byte;
	ssize_t n = recv(u->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK;
	return n > 0 && u->ssl != NULL;
}

bool upstream_is_reused(const struct upstream_conn *u)
{
	return u->pooled;
}

const struct settings_endpoint *upstream_endpoint(const struct upstream_conn *u)
{
	return u->pool->endpoint;
}

void upstream_peer_text(const struct upstream_pool *pool, const struct sockaddr_in6 *sa,
			char *out, size_t size)
{
	const struct settings_endpoint *e = pool->endpoint;
	char text[NET_ADDR_TEXT_MAX];
	struct net_ip ip;

	if (net_ip_parse(&ip, str_of(e->host))) {
		snprintf(out, size, "%s", e->authority);
		return;
	}
	net_ip_of_sockaddr(&ip, (const struct sockaddr *)sa);
	net_ip_text(&ip, text);
	snprintf(out, size, "%s (%s)", e->authority, text);
}

void upstream_show(const struct upstream_conn *u, char *out, size_t size)
{
	upstream_peer_text(u->pool, &u->peer, out, size);
}

bool upstream_was_pooled(const struct upstream_conn *u)
{
	return u->pooled;
}

void upstream_set_keep_alive(struct upstream_conn *u, uint32_t seconds)
{
	u->keep_alive_s = seconds;
}

uint64_t upstream_sent(const struct upstream_conn *u)
{
	return u->sent;
}

bool upstream_write_failed(const struct upstream_conn *u)
{
	return u->write_failed;
}

uint64_t upstream_progress_us(const struct upstream_conn *u)
{
	return u->progress_us;
}

void upstream_set_tick(struct upstream_set *set, uint64_t now_us)
{
	struct upstream_conn *u, *next;

	for (u = TAILQ_FIRST(&set->connecting); u != NULL; u = next) {
		next = TAILQ_NEXT(u, connecting);
		if (u->deadline_us && now_us > u->deadline_us)
			upstream_race_timeout(u->race);
	}
	upstream_probes_tick(set, now_us);
	for (size_t i = 0; i < set->settings->n_routes; i++) {
		struct upstream_route *r = &set->routes[i];

		for (size_t k = 0; k < r->n; k++) {
			for (u = TAILQ_FIRST(&r->pools[k].idle); u != NULL; u = next) {
				next = TAILQ_NEXT(u, idle);
				if (idle_expired(u, now_us) || !is_named(u))
					idle_drop(u);
			}
		}
	}
}
