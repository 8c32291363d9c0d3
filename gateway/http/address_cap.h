/* Open connections per client address, over all workers, without locks.
 *
 * A count-min sketch with two rows of atomic counters under a random seed: an address is
 * over its cap when both of its counters are. Counts are exact unless two busy addresses
 * share both rows (about one in a billion pairs). After Cormode and Muthukrishnan,
 * 2005. */
#ifndef GATEWAY_HTTP_ADDRESS_CAP_H
#define GATEWAY_HTTP_ADDRESS_CAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net.h"

struct address_cap;

struct address_cap *address_cap_new(void);
/* No connection may be counted any more. */
void address_cap_free(struct address_cap **cap);

/* Any thread. Counts a connection of ip; false (and nothing counted) when it would be
 * more than limit. An IPv6 client is its /64, since it has all of that to choose from. */
bool address_cap_add(struct address_cap *cap, const struct net_ip *ip, uint32_t limit);
/* Any thread. Once for each add that was granted. */
void address_cap_remove(struct address_cap *cap, const struct net_ip *ip);

#endif
