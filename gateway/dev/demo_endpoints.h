/* The demo upstream: endpoints to try a gateway with.
 *
 *   /status/N        that status, 200-599
 *   /delay/MS        answers after MS milliseconds
 *   /stream          server-sent events; ?events=20&interval_ms=50. Each tells when it
 *                    was sent
 *   /bytes/N         N bytes: "0123456789abcdef" over and over; ?chunked=1
 *   /upload          byte count and SHA-256 of the request's body, as JSON;
 *                    ?rate=BYTES_PER_S reads no faster than that
 *   /abort/N         promises more than N bytes, ends the connection after N; ?chunked=1
 *   /ws              WebSocket echo
 *   anything else    method, path, header fields and body size, as JSON
 *
 * The echo shows the fields that it received, a route's credentials included: that is
 * what it is for, and why it listens on loopback only. Nothing is logged. */
#ifndef GATEWAY_DEV_DEMO_ENDPOINTS_H
#define GATEWAY_DEV_DEMO_ENDPOINTS_H

#include "gateway/dev/demo_server.h"

const struct demo_endpoint *demo_route(const struct request_head *h);

#endif
