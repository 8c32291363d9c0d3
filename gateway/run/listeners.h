/* The sockets on which a process is called, of all its listening addresses. */
#ifndef GATEWAY_RUN_LISTENERS_H
#define GATEWAY_RUN_LISTENERS_H

#include <stddef.h>

#include "gateway/settings/settings.h"

#define RUN_ADDRESSES_MAX 16 /* of each kind */

/* Where it really listens (port 0 resolved), as "127.0.0.1:8787", "[::1]:8787" or
 * "unix:/x". */
struct run_addresses {
	size_t n_gateway, n_tls, n_manager;
	char gateway[RUN_ADDRESSES_MAX][128];
	char tls[RUN_ADDRESSES_MAX][128];
	char manager[RUN_ADDRESSES_MAX][128];
};

struct listeners;

/* Opens every address of s: one socket for each worker, which share its connections, and
 * one for the manager. Those that a service manager passed on are taken in place of own
 * ones; one that no address asks for is an error. NULL: it said why, and all is closed
 * again. Main thread, once. */
struct listeners *listeners_open(const struct settings *s);
const struct run_addresses *listeners_addresses(const struct listeners *l);

/* Sockets of a worker: one for each address of the gateway, those with TLS last. */
size_t listeners_per_worker(const struct listeners *l);
/* The caller owns them from then on. Once for each worker. */
void listeners_take_worker(struct listeners *l, unsigned worker, int *fds);
size_t listeners_of_manager(const struct listeners *l);
void listeners_take_manager(struct listeners *l, int *fds);

/* Closes what was not taken, removes the files of unix sockets (unless another process
 * has put its own there), clears *l. */
void listeners_close(struct listeners **l);

#endif
