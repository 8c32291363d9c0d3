/* What becomes of each request: answered here, refused, or sent upstream; and what ends
 * an exchange from without: deadlines, a revoked token, the worker's stop. */
#ifndef GATEWAY_PROXY_DISPATCH_H
#define GATEWAY_PROXY_DISPATCH_H

#include "gateway/proxy/exchange.h"

/* The handler for http_front; its ctx is the exchange_env. */
const struct http_handler *dispatch_handler(void);
/* Deadlines, revoked tokens; every 200 ms or so. */
void dispatch_tick(struct exchange_env *env, uint64_t now_us);
/* Ends what still runs, within EXCHANGE_STOP_MS: the gateway stops. */
void dispatch_stop(struct exchange_env *env);
/* Nothing runs. */
bool dispatch_is_idle(const struct exchange_env *env);

#endif
