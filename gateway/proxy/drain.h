/* An upstream's answer that nobody waits for any more, read to its end, so that the
 * upstream finishes what it was asked for (on_client_abort: drain).
 *
 * The exchange has ended; what is left of it is the upstream's connection. One thread. */
#ifndef GATEWAY_PROXY_DRAIN_H
#define GATEWAY_PROXY_DRAIN_H

#include <sys/queue.h>

#include "gateway/http/response_reader.h"
#include "gateway/proxy/site.h"

struct drain;

struct drains {
	TAILQ_HEAD(, drain) all;
};

/* What an exchange leaves behind. */
struct drain_start {
	struct site *site; /* a reference is taken */
	struct upstream_conn *u;
	struct response_reader reader;
	uint64_t bytes; /* of the body so far */
	bool reusable;  /* nothing speaks against pooling the connection */
};

void drains_init(struct drains *d);
/* Takes the connection and the reader over. */
void drain_begin(struct drains *d, const struct drain_start *start);
/* Gives those up that take too long; every 200 ms or so. */
void drains_tick(struct drains *d, uint64_t now_us);
/* Gives all up. */
void drains_stop(struct drains *d);

#endif
