/* WebSocket echo (RFC 6455): text, binary and ping come back, close is answered. */
#ifndef GATEWAY_DEV_DEMO_WS_H
#define GATEWAY_DEV_DEMO_WS_H

#include "gateway/dev/demo_server.h"

/* The endpoint's callbacks; its data is freed with free(). */
void demo_ws_end(struct demo_conn *c);
size_t demo_ws_raw(struct demo_conn *c, const char *bytes, size_t n);

#endif
