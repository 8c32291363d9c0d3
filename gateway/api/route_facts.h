/* What may be told of a configured route: no secrets, and of its upstream only where it
 * is, since a path may hold a key.
 *
 * Pure. */
#ifndef GATEWAY_API_ROUTE_FACTS_H
#define GATEWAY_API_ROUTE_FACTS_H

#include "gateway/settings/settings.h"

struct cJSON;

/* NULL: no route has exactly this path. */
const struct settings_route *route_facts_find(const struct settings *s, const char *path);
/* An object, which the caller owns. */
struct cJSON *route_facts(const struct settings_route *r);
/* Arrays of all routes as they are configured, and of the scopes that they ask for, each
 * with its routes; the caller owns them. */
struct cJSON *route_facts_routes(const struct settings *s);
struct cJSON *route_facts_scopes(const struct settings *s);
/* An object, which the caller owns: the ports that gateways of this configuration listen
 * on, each once; those that the system picks, and unix sockets, have none to tell. */
struct cJSON *route_facts_gateway(const struct settings *s);

#endif
