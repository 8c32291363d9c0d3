/* Where `tollgate dev` listens. */
#include "gateway/dev/dev_listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/say.h"
#include "gateway/http/listen.h"

/* Listens for a moment; bound gets the address with its port. Never SO_REUSEPORT: that
 * would share a port with whoever has it. */
static bool try_listen(const struct net_listen *l, char bound[NET_LISTEN_TEXT_MAX],
		       const char **why)
{
	const struct listen_access access = {LISTEN_UNIX_MODE, LISTEN_OWN_GROUP};
	int fd, saved;

	if (!listen_open(l, &access, &fd, 1, bound, why))
		return false;
	saved = errno;
	close(fd);
	errno = saved;
	return true;
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
	char bound[NET_LISTEN_TEXT_MAX];
	const char *why;

	CHECK(net_parse_listen(&any, "127.0.0.1:0", &why));
	if (!try_listen(&any, bound, &why))
		return 0;
	CHECK(net_parse_listen(&any, bound, &why));
	return net_listen_port(&any);
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
	char bound[NET_LISTEN_TEXT_MAX];
	const char *why;

	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].sa.ss_family == AF_UNIX ||
		    try_listen(&l->items[i], bound, &why))
			continue;
		if (errno == EADDRINUSE)
			complain("port %s is in use (%s): stop what uses it, or choose "
				 "another with %s",
				 strrchr(l->items[i].text, ':') + 1, l->items[i].text,
				 option);
		else
			complain(
				"cannot listen on %s: %s (%s); choose another address with %s",
				l->items[i].text, why, strerror(errno), option);
		return false;
	}
	return true;
}
