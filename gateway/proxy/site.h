/* One worker's view of one configuration: routes, pools. Counted by the worker and by
 * each exchange that began under it, so that a reload never pulls a route away from a
 * request.
 *
 * One thread. */
#ifndef GATEWAY_PROXY_SITE_H
#define GATEWAY_PROXY_SITE_H

#include "gateway/proxy/route.h"
#include "gateway/proxy/upstream.h"

struct site {
	unsigned refs;
	struct site *next; /* the worker's list of those still in use */
	struct settings *settings;
	struct route_table *routes;
	struct upstream_set *upstreams;
};

/* NULL: a file that the settings name cannot be read (logged). Holds a reference to s. */
struct site *site_new(struct event_base *base, struct settings *s,
		      struct resolver *resolver);
void site_free(struct site **site);

#endif
