/* Running the whole gateway in this process: what `tollgate serve` and `tollgate dev`
 * share. */
#ifndef GATEWAY_CLI_SERVE_H
#define GATEWAY_CLI_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/settings/settings.h"

#define SERVE_ADDRESSES_MAX 16

/* Where it really listens (port 0 resolved), as "127.0.0.1:8787", "[::1]:8787" or
 * "unix:/x". */
struct serve_addresses {
	size_t n_gateway, n_tls, n_manager;
	char gateway[SERVE_ADDRESSES_MAX][128];
	char tls[SERVE_ADDRESSES_MAX][128];
	char manager[SERVE_ADDRESSES_MAX][128];
};

struct serve_options {
	struct settings *settings; /* the reference passes to serve_run */
	/* Once all listeners accept and the keys are loaded (or PostgreSQL did not answer
	 * within 5 s). Main thread. NULL: a line in the log instead. */
	void (*on_ready)(void *ctx, const struct serve_addresses *addresses);
	/* SIGHUP: new settings (the reference passes on), or NULL to go on with the old
	 * ones; says itself why. Main thread. */
	struct settings *(*reload)(void *ctx);
	void *ctx;
	uint32_t flush_ms; /* for the last usage rows on the way out; 0: 4 s */
};

/* Blocks the signals that serve_run waits for. Before any thread is started. */
void serve_block_signals(void);

/* Opens the listeners, starts all threads, waits for SIGTERM or SIGINT, drains (bounded
 * by timeouts.drain_s; a second signal cuts it short) and returns the exit status. Main
 * thread. */
int serve_run(const struct serve_options *options);

#endif
