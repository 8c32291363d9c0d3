/* Names of upstreams to addresses, on a thread of its own.
 *
 * getaddrinfo blocks, so workers never call it: they read the list last published.
 * Literal addresses and localhost are there from the start; a name is refreshed every 30
 * s; a failed look-up keeps the last good list. */
#ifndef COMMON_RESOLVER_H
#define COMMON_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/epoch.h"

#define RESOLVER_ADDRESSES_MAX 16

struct resolver;
struct resolver_name; /* one host name; lives as long as the resolver */

struct resolver_address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct resolver_addresses {
	unsigned n;  /* 0: not resolved; see failed */
	bool failed; /* the last look-up failed and there never was an answer */
	struct resolver_address list[RESOLVER_ADDRESSES_MAX]; /* ports are 0 */
};

struct resolver *resolver_start(struct epoch_domain *epochs);
void resolver_stop(struct resolver **r);
/* Any thread, not on a request's path: finds or adds the name (a lock is taken). */
struct resolver_name *resolver_add(struct resolver *r, const char *host);
/* Any thread, lock-free; valid within the caller's callback. Never NULL. */
const struct resolver_addresses *resolver_get(const struct resolver_name *name);

#endif
