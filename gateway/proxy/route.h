/* Which route a path belongs to: the longest prefix on segment borders.
 *
 * Pure. Scopes are decided on the path, so a path that could mean two things is refused
 * here, before any matching. */
#ifndef GATEWAY_PROXY_ROUTE_H
#define GATEWAY_PROXY_ROUTE_H

#include "common/str.h"
#include "gateway/http/request_head.h"
#include "gateway/settings/settings.h"

enum route_verdict {
	ROUTE_FOUND,
	ROUTE_NONE,
	/* dot segments (also %2e), NUL, backslash, encoded slash in the prefix */
	ROUTE_BAD_PATH,
};

struct route_table;

/* Sorts the settings' routes for look-up. Holds a pointer to s, which must outlive it. */
struct route_table *route_table_new(const struct settings *s);
void route_table_free(struct route_table **t);

/* path: origin-form path without the query. *detail (may be NULL) gets a static sentence
 * for ROUTE_BAD_PATH. */
enum route_verdict route_match(const struct route_table *t, struct str path,
			       const struct settings_route **route, const char **detail);

/* Appends what the upstream is asked for: base path + path (without the prefix where the
 * route strips it) + "?" + query. Bytes above 0x7f are percent-encoded, all others
 * untouched; never empty ("/" at least). */
void route_upstream_target(struct sbuf *out, const struct settings_route *route,
			   const struct request_head *h);

#endif
