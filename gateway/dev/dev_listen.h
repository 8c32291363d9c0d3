/* Where `tollgate dev` listens: options, free ports, machines without IPv6. */
#ifndef GATEWAY_DEV_DEV_LISTEN_H
#define GATEWAY_DEV_DEV_LISTEN_H

#include "gateway/settings/settings.h"

#define DEV_LISTENERS_MAX 8

struct dev_listeners {
	struct net_listen items[DEV_LISTENERS_MAX];
	size_t n; /* 0: as the configuration says */
};

/* Adds what an option names: addresses as in the configuration, comma-separated; a mere
 * port stands for it on 127.0.0.1 and [::1] (0: a free one, the same on both). False: it
 * complained. */
bool dev_listeners_add(struct dev_listeners *l, const char *text);
/* Replaces *to by a copy of l, unless l is empty. */
void dev_listeners_apply(const struct dev_listeners *l, struct settings_listeners *to);
/* Takes IPv6 loopback addresses out, unless there is nothing else. */
void dev_listeners_drop_ipv6(struct settings_listeners *l);
/* Whether every address can be bound now. False: it complained, naming the port and the
 * option that chooses another. */
bool dev_listeners_are_free(const struct settings_listeners *l, const char *option);

#endif
