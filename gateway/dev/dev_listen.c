/* Where `tollgate dev` listens. */
#include "gateway/dev/dev_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/say.h"

/* Binds and lets go; *port (may be NULL) gets the port. Never SO_REUSEPORT: that would
 * share a port with whoever has it. */
static bool try_bind(const struct net_listen *l, uint16_t *port)
{
	struct sockaddr_storage sa = l->sa;
	socklen_t len = l->len;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, saved;
	bool ok;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	/* Listening, since two sockets with SO_REUSEADDR may be bound to one address. */
	ok = bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 1) == 0;
	saved = errno;
	if (ok && port != NULL && getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		*port = ntohs(((const struct sockaddr_in *)&sa)->sin_port);
	close(fd);
	errno = saved;
	return ok;
}

static bool add_one(struct dev_listeners *l, const char *text)
{
	const char *why;

	if (l->n == DEV_LISTENERS_MAX) {
		complain("%d addresses at most", DEV_LISTENERS_MAX);
		return false;
	}
	if (!net_parse_listen(&l->items[l->n], text, &why)) {
		complain("%s: %s", text, why);
		return false;
	}
	l->n++;
	return true;
}

static uint16_t free_port(void)
{
	struct net_listen any;
	const char *why;
	uint16_t port = 0;

	CHECK(net_parse_listen(&any, "127.0.0.1:0", &why));
	try_bind(&any, &port);
	return port;
}

static bool add_port(struct dev_listeners *l, uint64_t port)
{
	char text[32];

	if (port > 65535) {
		complain("%llu is no port", (unsigned long long)port);
		return false;
	}
	if (port == 0)
		port = free_port();
	snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)port);
	if (!add_one(l, text))
		return false;
	snprintf(text, sizeof text, "[::1]:%u", (unsigned)port);
	return add_one(l, text);
}

bool dev_listeners_add(struct dev_listeners *l, const char *text)
{
	struct str list = str_of(text), item;
	uint64_t port;
	bool ok = true, any = false;

	while (ok && str_list_next(&list, &item)) {
		char *one = xstrndup(item.p, item.n);

		any = true;
		ok = str_to_u64(item, &port) ? add_port(l, port) : add_one(l, one);
		free(one);
	}
	if (!any)
		complain("an address to listen on is missing");
	return ok && any;
}

void dev_listeners_apply(const struct dev_listeners *l, struct settings_listeners *to)
{
	if (l->n == 0)
		return;
	free(to->items);
	to->items = xcalloc(l->n, sizeof *to->items);
	memcpy(to->items, l->items, l->n * sizeof *to->items);
	to->n = l->n;
}

static bool is_ipv6_loopback(const struct net_listen *l)
{
	struct net_ip ip;

	net_ip_of_sockaddr(&ip, (const struct sockaddr *)&l->sa);
	return ip.family == 6 && net_ip_is_loopback(&ip);
}

bool dev_has_ipv6(void)
{
	struct net_listen any;
	const char *why;

	CHECK(net_parse_listen(&any, "[::1]:0", &why));
	return try_bind(&any, NULL);
}

void dev_listeners_drop_ipv6(struct settings_listeners *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		kept += !is_ipv6_loopback(&l->items[i]);
	if (kept == 0)
		return;
	kept = 0;
	for (size_t i = 0; i < l->n; i++)
		if (!is_ipv6_loopback(&l->items[i]))
			l->items[kept++] = l->items[i];
	l->n = kept;
}

bool dev_listeners_are_free(const struct settings_listeners *l, const char *option)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].sa.ss_family == AF_UNIX || try_bind(&l->items[i], NULL))
			continue;
		if (errno == EADDRINUSE)
			complain("port %s is in use (%s): stop what uses it, or choose "
				 "another with %s",
				 strrchr(l->items[i].text, ':') + 1, l->items[i].text,
				 option);
		else
			complain(
				"cannot listen on %s: %s; choose another address with %s",
				l->items[i].text, strerror(errno), option);
		return false;
	}
	return true;
}
