/* The response's way back: its head checked and rewritten, its body reframed, a slow
 * client holding the upstream back, the last piece held until what is before it has
 * left. */
#ifndef GATEWAY_PROXY_RELAY_H
#define GATEWAY_PROXY_RELAY_H

#include "gateway/proxy/exchange.h"

/* Callbacks of the mode in which a response is relayed. */
void relay_on_data(struct upstream_conn *u, void *ctx, char *bytes, size_t n);
void relay_on_end(struct upstream_conn *u, void *ctx, const struct upstream_end *end);
void relay_on_writable(struct http_conn *c, void *ctx);

#endif
