/* One worker's view of one configuration: routes, pools. Counted by the worker and by
 * each exchange that began under it, so that a reload never pulls a route away from a
 * request.
 *
 * One thread. */
#ifndef GATEWAY_PROXY_SITE_H
#define GATEWAY_PROXY_SITE_H

#include "gateway/proxy/route.h"
#include "gateway/upstream/upstream.h"

struct site {
	unsigned refs;
	struct site *next; /* of sites.old */
	struct settings *settings;
	struct route_table *routes;
	struct upstream_set *upstreams;
};

/* One reference, the caller's. NULL: a file that the settings name cannot be read
 * (logged). Holds a reference to s. */
struct site *site_new(struct event_base *base, struct settings *s,
		      struct resolver *resolver);
/* For one that was never in use. */
void site_free(struct site **site);

static inline struct site *site_ref(struct site *site)
{
	site->refs++;
	return site;
}
/* Only counts: the last exchange of a site may end inside a callback of one of the site's
 * own connections. sites_sweep frees. */
void site_unref(struct site *site);

/* A worker's sites. All zero: none. */
struct sites {
	struct site *current;
	struct site *old; /* still used by exchanges */
};

/* The current one from now on, by the reference that it has; NULL: none any more. */
void sites_use(struct sites *s, struct site *next);
/* Deadlines of all their upstream connections; every 200 ms or so. */
void sites_tick(struct sites *s, uint64_t now_us);
/* Frees the old ones that nobody uses. Not from within an upstream's callback. */
void sites_sweep(struct sites *s);

#endif
