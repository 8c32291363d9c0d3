/* After a 101: bytes both ways, each side holding the other back, until one ends. */
#ifndef GATEWAY_PROXY_TUNNEL_H
#define GATEWAY_PROXY_TUNNEL_H

#include "gateway/proxy/exchange.h"

/* The client asks for protocols, and the route passes all of them on
 * (upgrade_protocols). Not with content: that would be read as the new protocol. */
bool tunnel_wanted(const struct request_head *h, const struct settings_route *route);
/* A 101 names protocols that the client has offered, and no others. */
bool tunnel_agreed(const struct exchange *x, const struct response_head *r);
/* Passes the 101 in env->response on, and the bytes behind it; from then on the exchange
 * is a tunnel. May end the exchange. */
void tunnel_begin(struct exchange *x, char *rest, size_t n);

#endif
