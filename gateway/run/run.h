/* The whole gateway in this process: what `tollgate serve` and `tollgate dev` share. */
#ifndef GATEWAY_RUN_RUN_H
#define GATEWAY_RUN_RUN_H

#include "gateway/run/listeners.h"
#include "gateway/settings/settings.h"

struct run_options {
	struct settings *settings; /* the reference passes to run_gateway */
	/* Once all listeners accept and the keys are loaded (or PostgreSQL did not answer
	 * within 5 s). Main thread. NULL: a line in the log instead. */
	void (*on_ready)(void *ctx, const struct run_addresses *addresses);
	/* SIGHUP: new settings (the reference passes on), or NULL to go on with the old
	 * ones; says itself why. What takes a restart is told of by run_gateway. Main
	 * thread. */
	struct settings *(*reload)(void *ctx);
	void *ctx;
	uint32_t flush_ms; /* for the last usage rows on the way out; 0: 4 s */
};

/* Starts everything, waits for SIGTERM or SIGINT, drains (bounded by timeouts.drain_s; a
 * second signal cuts it short) and returns the exit status. Main thread, before any
 * other. */
int run_gateway(const struct run_options *options);

#endif
