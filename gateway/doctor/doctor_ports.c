/* Whether the ports are free, or a gateway has them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/doctor/checks.h"
#include "gateway/doctor/local_ask.h"

/* errno of an attempt to listen there; 0: it works. */
static int try_bind(const struct net_listen *l)
{
	int fd = socket(l->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1,
	    error = 0;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)&l->sa, l->len) != 0 || listen(fd, 1) != 0)
		error = errno;
	close(fd);
	return error;
}

static bool is_gateway(const struct net_listen *l)
{
	char answer[LOCAL_ANSWER_MAX];

	return local_ask(l, "/health", answer) == 200 &&
	       strstr(answer, "\"status\":\"ok\"") != NULL;
}

static void look_at_taken(struct doctor *d, const struct net_listen *l, bool tls)
{
	if (tls)
		doctor_tell(d, "port", DOCTOR_OK, NULL, "%s (TLS) is in use", l->text);
	else if (is_gateway(l))
		doctor_tell(d, "port", DOCTOR_OK, NULL, "%s: a gateway answers there",
			    l->text);
	else
		doctor_tell(d, "port", DOCTOR_FAIL,
			    "stop what has it (`ss -ltnp` tells), or listen elsewhere",
			    "%s: another program has it", l->text);
}

static void look_at(struct doctor *d, const struct net_listen *l, bool tls)
{
	int error;

	if (l->sa.ss_family == AF_UNIX) {
		if (access(l->text + strlen("unix:"), F_OK) != 0)
			doctor_tell(d, "port", DOCTOR_OK, NULL, "%s is free", l->text);
		else
			look_at_taken(d, l, tls);
		return;
	}
	error = try_bind(l);
	if (error == 0)
		doctor_tell(d, "port", DOCTOR_OK, NULL, "%s is free", l->text);
	else if (error == EADDRINUSE)
		look_at_taken(d, l, tls);
	else
		doctor_tell(d, "port", DOCTOR_FAIL,
			    error == EACCES ? "ports below 1024 need CAP_NET_BIND_SERVICE"
					    : "listen on an address of this machine",
			    "%s: %s", l->text, strerror(error));
}

static void look_at_all(struct doctor *d, const struct settings_listeners *all, bool tls)
{
	for (size_t i = 0; i < all->n; i++)
		look_at(d, &all->items[i], tls);
}

void doctor_ports(struct doctor *d)
{
	look_at_all(d, &d->settings->listen, false);
	look_at_all(d, &d->settings->tls_listen, true);
	look_at_all(d, &d->settings->manager_listen, false);
}
