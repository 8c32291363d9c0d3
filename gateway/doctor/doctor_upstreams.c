/* Each upstream's name, connection and certificate. */
#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/tls.h"
#include "gateway/doctor/checks.h"
#include "gateway/doctor/local_ask.h"
#include "gateway/http/advice.h"

#define DAYS_WARN 14
#define WHY_MAX 320

struct visit {
	const struct settings_route *route;
	const struct settings_endpoint *endpoint;
	const char *code; /* of what failed */
	char why[WHY_MAX];
	int days; /* that its certificate has left */
};

static bool fails(struct visit *v, const char *code, const char *why)
{
	v->code = code;
	snprintf(v->why, sizeof v->why, "%s", why);
	return false;
}

/* A connected socket, or -1. */
static int connect_any(struct visit *v, const struct addrinfo *list, uint64_t deadline_us)
{
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				0);

		if (fd >= 0 && local_connect(fd, a->ai_addr, a->ai_addrlen, deadline_us))
			return fd;
		fails(v,
		      errno == ECONNREFUSED ? "connection_refused"
		      : errno == ETIMEDOUT  ? "connection_timeout"
					    : "destination_unavailable",
		      strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static int open_socket(struct visit *v, uint64_t deadline_us)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
	char port[8];
	int error, fd;

	snprintf(port, sizeof port, "%u", (unsigned)v->endpoint->port);
	error = getaddrinfo(v->endpoint->host, port, &hints, &list);
	if (error != 0) {
		fails(v, "dns_error", gai_strerror(error));
		return -1;
	}
	fd = connect_any(v, list, deadline_us);
	freeaddrinfo(list);
	return fd;
}

static void note_days(struct visit *v, const SSL *ssl)
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);
	int seconds;

	if (certificate == NULL ||
	    !ASN1_TIME_diff(&v->days, &seconds, NULL, X509_get0_notAfter(certificate)))
		v->days = -1;
}

static bool handshake(struct visit *v, SSL *ssl, int fd, uint64_t deadline_us)
{
	static const char *const codes[] = {
		[TLS_FAULT_CERTIFICATE] = "tls_certificate_error",
		[TLS_FAULT_ALERT] = "tls_alert_received",
		[TLS_FAULT_PROTOCOL] = "tls_protocol_error",
		[TLS_FAULT_CLOSED] = "connection_terminated",
	};
	char why[WHY_MAX];

	for (;;) {
		int done = SSL_connect(ssl), wants = SSL_get_error(ssl, done);
		enum tls_fault fault;

		if (done == 1)
			return true;
		if (wants == SSL_ERROR_WANT_READ || wants == SSL_ERROR_WANT_WRITE) {
			if (local_wait(fd,
				       wants == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
				       deadline_us))
				continue;
			return fails(v, "connection_timeout",
				     "the TLS handshake takes too long");
		}
		fault = tls_fault(ssl, why, sizeof why);
		return fails(v, codes[fault], why);
	}
}

static bool greet(struct visit *v, int fd, uint64_t deadline_us)
{
	char why[WHY_MAX];
	SSL_CTX *ctx = tls_client_ctx_new(v->route->ca_file, why, sizeof why);
	SSL *ssl;
	bool ok;

	if (ctx == NULL)
		return fails(v, "tls_certificate_error", why);
	ssl = tls_client_new(ctx, fd, v->endpoint->host, NULL);
	ok = ssl != NULL && handshake(v, ssl, fd, deadline_us);
	if (ok)
		note_days(v, ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return ok;
}

static void tell(struct doctor *d, const struct visit *v, bool ok)
{
	const char *route = v->route->name, *to = v->endpoint->authority;
	const struct advice *advice = ok ? NULL : advice_of(v->code);

	if (!ok)
		doctor_tell(d, "upstream", DOCTOR_FAIL,
			    advice != NULL ? advice->todo : "look at the network",
			    "%s: %s: %s: %s", route, to, v->code, v->why);
	else if (!v->route->tls)
		doctor_tell(d, "upstream", DOCTOR_OK, NULL, "%s: %s answers", route, to);
	else if (v->days >= 0 && v->days < DAYS_WARN)
		doctor_tell(d, "upstream", DOCTOR_WARN,
			    "have its certificate renewed, or see that it is",
			    "%s: %s: its certificate has %d days left", route, to,
			    v->days);
	else
		doctor_tell(d, "upstream", DOCTOR_OK, NULL,
			    "%s: %s, TLS, its certificate has %d days left", route, to,
			    v->days);
}

static void visit(struct doctor *d, const struct settings_route *r,
		  const struct settings_endpoint *e)
{
	uint32_t ms = r->timeouts.connect_ms > 0 ? r->timeouts.connect_ms : 5000;
	uint64_t deadline_us = clock_mono_us() + ms * UINT64_C(1000);
	struct visit v = {.route = r, .endpoint = e};
	int fd = open_socket(&v, deadline_us);

	tell(d, &v, fd >= 0 && (!r->tls || greet(&v, fd, deadline_us)));
	if (fd >= 0)
		close(fd);
}

static bool is_same(const struct settings_route *a, const struct settings_endpoint *x,
		    const struct settings_route *b, const struct settings_endpoint *y)
{
	return a->tls == b->tls && x->port == y->port && strcmp(x->host, y->host) == 0;
}

/* Several routes may lead to one. */
static bool was_visited(const struct settings *s, size_t route, size_t endpoint)
{
	const struct settings_route *r = &s->routes[route];

	for (size_t i = 0; i <= route; i++)
		for (size_t j = 0; j < s->routes[i].n_endpoints; j++) {
			if (i == route && j == endpoint)
				return false;
			if (is_same(&s->routes[i], &s->routes[i].endpoints[j], r,
				    &r->endpoints[endpoint]))
				return true;
		}
	return false;
}

void doctor_upstreams(struct doctor *d)
{
	const struct settings *s = d->settings;

	for (size_t i = 0; i < s->n_routes; i++)
		for (size_t j = 0; j < s->routes[i].n_endpoints; j++)
			if (!was_visited(s, i, j))
				visit(d, &s->routes[i], &s->routes[i].endpoints[j]);
}
