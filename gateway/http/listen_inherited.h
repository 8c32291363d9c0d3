/* Listening sockets that a service manager opened and passed on (sd_listen_fds(3)): they
 * outlive a restart, so that no connection is lost between the old process and the
 * new. */
#ifndef GATEWAY_HTTP_LISTEN_INHERITED_H
#define GATEWAY_HTTP_LISTEN_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net_listen.h"

#define LISTEN_INHERITED_MAX 64

struct listen_inherited {
	size_t n;
	struct {
		int fd;
		bool used;
	} sockets[LISTEN_INHERITED_MAX];
};

/* Reads LISTEN_PID and LISTEN_FDS and takes them out of the environment. None: n is 0.
 * Main thread, once. */
void listen_inherited_take(struct listen_inherited *in);
/* The socket that listens on this very address, or -1; made non-blocking and marked as
 * used. */
int listen_inherited_find(struct listen_inherited *in, const struct net_listen *address);
/* The address of a socket that was not asked for, as text; NULL: all were. */
const char *listen_inherited_unused(struct listen_inherited *in, char text[128]);

#endif
