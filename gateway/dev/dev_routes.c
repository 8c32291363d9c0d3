/* Where routes lead in `tollgate dev`. */
#include "gateway/dev/dev_routes.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"

#define MESSAGES                                                                         \
	"\"model\": \"gpt-4o-mini\", \"messages\": [{\"role\": \"user\", \"content\": "  \
	"\"Hello\"}]"

static bool is_stand_in(const struct settings_route *r)
{
	for (size_t i = 0; i < r->n_endpoints; i++)
		if (r->endpoints[i].port != 9001 && r->endpoints[i].port != 9002)
			return false;
	return settings_route_is_loopback(r);
}

static enum dev_target target_of(const struct settings_route *r, bool live)
{
	bool is_test = strcmp(r->name, "test") == 0 || strcmp(r->path, "/api/test") == 0;

	if (is_test && is_stand_in(r))
		return DEV_DEMO;
	if (r->secret_missing)
		return DEV_MOCK;
	if (live || settings_route_is_loopback(r))
		return DEV_OWN;
	return is_test ? DEV_DEMO : DEV_MOCK;
}

const char *dev_routes_override(void *ctx, const struct settings_route *r)
{
	struct dev_routes *d = ctx;

	switch (target_of(r, d->live)) {
	case DEV_OWN:
		return NULL;
	case DEV_DEMO:
		return d->demo_url;
	case DEV_MOCK:
		if (strlen(r->base_path) >= sizeof d->made_url - sizeof d->mock_url)
			return d->mock_url;
		snprintf(d->made_url, sizeof d->made_url, "%s%s", d->mock_url,
			 r->base_path);
		return d->made_url;
	}
	return NULL;
}

enum dev_target dev_routes_target(const struct dev_routes *d,
				  const struct settings_route *r)
{
	const char *demo = strstr(d->demo_url, "://");

	if (!r->upstream_replaced)
		return DEV_OWN;
	CHECK(demo != NULL && r->n_endpoints > 0);
	return strcmp(demo + 3, r->endpoints[0].authority) == 0 ? DEV_DEMO : DEV_MOCK;
}

void dev_routes_mark(const struct dev_routes *d, struct settings *s)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (dev_routes_target(d, &s->routes[i]) == DEV_MOCK)
			s->routes[i].stand_in = "mock";
}

void dev_routes_describe(const struct dev_routes *d, const struct settings_route *r,
			 struct sbuf *out)
{
	switch (dev_routes_target(d, r)) {
	case DEV_OWN:
		sbuf_printf(out, "its own upstream, %s://%s%s", r->tls ? "https" : "http",
			    r->endpoints[0].authority, r->base_path);
		return;
	case DEV_DEMO:
		sbuf_lit(out, "the demo upstream");
		return;
	case DEV_MOCK:
		sbuf_printf(out, "the mock of %s, %s", r->replaced_url,
			    r->secret_missing ? "since its secret is unset"
					      : "--live calls it");
		return;
	}
}

/* The best route for an example: the first that leads to `first`, else to `second`, else
 * any. */
static const struct settings_route *example(const struct settings *s,
					    const struct dev_routes *d,
					    enum dev_target first, enum dev_target second)
{
	const struct settings_route *fallback = NULL;

	for (size_t i = 0; i < s->n_routes; i++)
		if (dev_routes_target(d, &s->routes[i]) == first)
			return &s->routes[i];
	for (size_t i = 0; i < s->n_routes; i++)
		if (fallback == NULL || (dev_routes_target(d, &s->routes[i]) == second &&
					 dev_routes_target(d, fallback) != second))
			fallback = &s->routes[i];
	return fallback;
}

/* A route's path to put more path behind. */
static const char *prefix_of(const struct settings_route *r)
{
	return strcmp(r->path, "/") == 0 ? "" : r->path;
}

static void add_plain(struct sbuf *out, const struct settings_route *r, const char *url)
{
	sbuf_printf(out, " %s%s/hello\n", url, prefix_of(r));
}

static void add_completion(struct sbuf *out, const struct settings_route *r,
			   const char *url, bool stream)
{
	sbuf_printf(out,
		    " -H 'Content-Type: application/json' -d '{" MESSAGES
		    "%s}' %s%s/chat/completions\n",
		    stream ? ", \"stream\": true" : "", url, prefix_of(r));
}

static void add_stream(struct sbuf *out, const struct settings_route *r, const char *url)
{
	sbuf_printf(out, " '%s%s/stream?events=5&interval_ms=200'\n", url, prefix_of(r));
}

void dev_routes_curl(struct sbuf *out, const struct settings *s,
		     const struct dev_routes *d, const char *url, const char *key)
{
	const struct settings_route *r = example(s, d, DEV_DEMO, DEV_OWN);

	if (r == NULL)
		return;
	sbuf_printf(out, "curl -H 'X-API-Key: %s'", key);
	add_plain(out, r, url);
	r = example(s, d, DEV_MOCK, DEV_DEMO);
	sbuf_printf(out, "curl -H 'X-API-Key: %s'", key);
	add_completion(out, r, url, false);
	r = example(s, d, DEV_DEMO, DEV_MOCK);
	sbuf_printf(out, "curl -N -H 'X-API-Key: %s'", key);
	if (dev_routes_target(d, r) == DEV_MOCK)
		add_completion(out, r, url, true);
	else
		add_stream(out, r, url);
}
