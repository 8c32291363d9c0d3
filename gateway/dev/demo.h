/* The demo upstreams as a process: the demo on one address, the mock on another. */
#ifndef GATEWAY_DEV_DEMO_H
#define GATEWAY_DEV_DEMO_H

#include <sys/types.h>

#include "common/net_listen.h"

struct demo_addresses {
	struct net_listen demo, mock;
};

/* Serves until SIGTERM or SIGINT (SIGTERM only where it ignores SIGINT). on_ready gets
 * the real addresses. False: *why and errno tell what failed. */
bool demo_run(const struct demo_addresses *listen,
	      void (*on_ready)(void *ctx, const struct demo_addresses *bound), void *ctx,
	      const char **why);

struct demo_process {
	pid_t pid; /* 0: not running */
	struct demo_addresses bound;
};

/* Forks a child that serves on two free loopback ports, and waits until it does. The
 * child keeps none of the caller's files but standard ones, survives a Ctrl-C meant for
 * the parent, and dies with the thread that called this, however that ends. Before any
 * other thread is started. False: the child could not serve; it said why. */
bool demo_process_start(struct demo_process *p);
/* Ends the child and waits for it. */
void demo_process_stop(struct demo_process *p);

#endif
