/* GET /api/live of a manager, read until somebody says stop.
 * Waits; any one thread, while it is the only one. */
#ifndef GATEWAY_WATCH_FEED_H
#define GATEWAY_WATCH_FEED_H

#include <signal.h>
#include <stdbool.h>

#include "common/str.h"

struct feed {
	const char *url; /* of the manager: "https://gw.example.com:8000" */
	const char *key;
	const char *query; /* "class=5xx&..."; "": none */
	const volatile sig_atomic_t *stop;
	/* json: one row's. */
	void (*row)(void *ctx, const char *json);
	/* A sentence for who looks on: what was dropped, a connection that was lost. */
	void (*notice)(void *ctx, const char *text);
	void *ctx;
};

/* Comes back where the connection breaks, each time with a notice. False: *error
 * (appended to) says why there is no sense in that. */
bool watch_feed(const struct feed *f, struct sbuf *error);

#endif
