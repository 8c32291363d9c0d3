/* Location and Content-Location of an answer, so that they lead back to the route.
 *
 * Pure. A caller that follows a redirect to the upstream's own address would take its key
 * there and pass by the gateway. What names the upstream becomes a path under the
 * route's; never a scheme or host, since ours may stand behind others. */
#ifndef GATEWAY_PROXY_LOCATION_H
#define GATEWAY_PROXY_LOCATION_H

#include "common/str.h"
#include "gateway/settings/settings.h"

/* Whether it is one of the two fields. */
static inline bool location_is_field(struct str name)
{
	return (name.n == 8 && str_ieq(name, STR("Location"))) ||
	       (name.n == 16 && str_ieq(name, STR("Content-Location")));
}

/* Appends what value becomes, and is true, where value is a path, or http(s)://authority
 * or //authority of one of the route's endpoints or of the Host that was sent there
 * (host, empty: the endpoint's own); and where its path, dot segments removed, is the
 * upstream's or below it, on a segment border. Query and fragment stay as they are.
 * False, and nothing is appended: value goes on unchanged. That is all else, so relative
 * references (they resolve under the route anyway), authorities with a user name, and
 * paths with a backslash, which browsers read as a slash. */
bool location_rewrite(struct sbuf *out, const struct settings_route *route,
		      struct str host, struct str value);

#endif
