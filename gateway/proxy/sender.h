/* The request's way to the upstream: a connection for it, its head rewritten, its body as
 * it comes; once more where that is safe. */
#ifndef GATEWAY_PROXY_SENDER_H
#define GATEWAY_PROXY_SENDER_H

#include "gateway/proxy/exchange.h"

/* Begins with an exchange that was admitted. upgrade: what it asks for is passed on. */
void sender_start(struct exchange *x, bool upgrade);
/* Whether the request may go out once more: no response has come, of a connection that
 * has taken so many bytes of it. */
bool sender_may_retry(const struct exchange *x, uint64_t sent);
/* Sends it on a new connection, if it may; the former one is gone. */
bool sender_retry(struct exchange *x, uint64_t sent);
/* There will be no retry. */
void sender_drop_replay(struct exchange *x);

/* Callbacks of the mode in which a request is sent. */
void sender_on_ready(struct upstream_conn *u, void *ctx);
void sender_on_writable(struct upstream_conn *u, void *ctx);
void sender_on_body(struct http_conn *c, void *ctx);

#endif
