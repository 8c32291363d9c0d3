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

void site_unref(struct site *site)
{
	CHECK(site->refs > 0);
	site->refs--;
}

void sites_use(struct sites *s, struct site *next)
{
	struct site *old = s->current;

	s->current = next;
	if (old == NULL)
		return;
	old->next = s->old;
	s->old = old;
	site_unref(old);
}

void sites_tick(struct sites *s, uint64_t now_us)
{
	upstream_set_tick(s->current->upstreams, now_us);
	for (struct site *site = s->old; site != NULL; site = site->next)
		upstream_set_tick(site->upstreams, now_us);
}

void sites_sweep(struct sites *s)
{
	struct site **at = &s->old, *site;

	while ((site = *at) != NULL) {
		if (site->refs > 0) {
			at = &site->next;
			continue;
		}
		*at = site->next;
		site_free(&site);
	}
}
