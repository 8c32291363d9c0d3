/* One worker's view of one configuration: routes, pools. */
#include "gateway/proxy/site.h"

#include "common/check.h"

struct site *site_new(struct event_base *base, struct settings *s,
		      struct resolver *resolver)
{
	struct site *site = xcalloc(1, sizeof *site);

	site->refs = 1;
	site->upstreams = upstream_set_new(base, s, resolver);
	if (site->upstreams == NULL) {
		free(site);
		return NULL;
	}
	site->settings = settings_ref(s);
	site->routes = route_table_new(s);
	return site;
}

void site_free(struct site **pointer)
{
	struct site *site = *pointer;

	*pointer = NULL;
	upstream_set_free(&site->upstreams);
	route_table_free(&site->routes);
	settings_unref(&site->settings);
	free(site);
}
