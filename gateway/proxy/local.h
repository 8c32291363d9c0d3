/* What is answered without an upstream: health pages, preflights, OPTIONS that ends
 * here. */
#ifndef GATEWAY_PROXY_LOCAL_H
#define GATEWAY_PROXY_LOCAL_H

#include "gateway/proxy/exchange.h"

enum local_page_kind { LOCAL_NO_PAGE, LOCAL_HEALTH, LOCAL_READY, LOCAL_SERVER };

/* Which page of the gateway's own a request asks for. Pure. */
enum local_page_kind local_page_of(const struct request_head *h,
				   const struct route_table *routes);
/* A preflight that the gateway answers for the route, which may be NULL. Pure. */
bool local_is_preflight(const struct request_head *h, const struct settings_route *route);

/* Answers without a key, and leaves no trace: GET, HEAD and OPTIONS of /health and
 * /ready; OPTIONS of "*", and of "/" where no route has that path. False: it is none of
 * these. */
bool local_page(struct exchange_env *env, struct http_conn *c);
/* Answers a preflight to a route with cors, without a key, and ends the exchange. False:
 * it is none. */
bool local_preflight(struct exchange *x);
/* OPTIONS that may go no further is answered with what the route takes (RFC 9110 7.6.2).
 * Ends the exchange. */
void local_options(struct exchange *x);

#endif
