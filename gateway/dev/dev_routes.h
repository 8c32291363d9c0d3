/* Where routes lead in `tollgate dev`, so that a forgotten variable never costs money. */
#ifndef GATEWAY_DEV_DEV_ROUTES_H
#define GATEWAY_DEV_DEV_ROUTES_H

#include "gateway/settings/settings.h"

enum dev_target {
	DEV_OWN,  /* the upstream of the configuration */
	DEV_DEMO, /* the demo upstream */
	DEV_MOCK, /* the mock of paid APIs */
};

struct dev_routes {
	bool live;
	char demo_url[160], mock_url[160];
	char made_url[160 + 1024]; /* what dev_routes_override returned last */
};
/* - A route whose secret is unset goes to the mock.
 * - An upstream beyond this machine is real only with --live; else it is the mock, for
 *   the route `test` (by name, or by its path /api/test) the demo.
 * - That route goes to the demo also where it names 127.0.0.1:9001 or :9002, the places
 *   that stand for a service of one's own in the shipped configuration.
 * The mock gets the upstream's base path too, so that a path is as right or wrong there.
 * For settings_options.override_upstream, ctx being a struct dev_routes, which keeps what
 * is returned until the next call. */
const char *dev_routes_override(void *ctx, const struct settings_route *r);

/* Marks the routes that lead to the mock, for the access log. */
void dev_routes_mark(const struct dev_routes *d, struct settings *s);

/* Where a route of loaded settings leads. */
enum dev_target dev_routes_target(const struct dev_routes *d,
				  const struct settings_route *r);

/* The same for people: "the mock of https://api.openai.com/v1, --live calls it". */
void dev_routes_describe(const struct dev_routes *d, const struct settings_route *r,
			 struct sbuf *out);

/* Three curl lines that work with the routes of s, as shell text with line feeds: a plain
 * call, a POST, a stream. url: the gateway's, without a slash at the end. Pure. */
void dev_routes_curl(struct sbuf *out, const struct settings *s,
		     const struct dev_routes *d, const char *url, const char *key);

#endif
