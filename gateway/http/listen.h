/* Opening listening sockets. */
#ifndef GATEWAY_HTTP_LISTEN_H
#define GATEWAY_HTTP_LISTEN_H

#include <sys/stat.h>

#include "common/net_listen.h"

/* Opens n sockets on one address, which share its connections (SO_REUSEPORT) where n > 1;
 * a unix socket is opened once and duplicated. Port 0 is resolved once for all of them;
 * *bound (of 128 bytes) gets the text with the real port. An address that another process
 * holds is an error, also where that process set SO_REUSEPORT. False: *why (static) and
 * errno. Sockets are non-blocking, close-on-exec, with TCP_NODELAY for what they
 * accept. */
bool listen_open(const struct net_listen *address, int *fds, unsigned n, char *bound,
		 const char **why);

/* The file of a unix socket, as it was when this process bound it. */
struct listen_file {
	char path[108]; /* empty: none */
	dev_t dev;
	ino_t ino;
};

/* Notes the file behind bound, if that names a unix socket ("unix:/path"). */
void listen_file_note(struct listen_file *f, const char *bound);
/* Removes it, unless another process has put its own in the place meanwhile. */
void listen_file_remove(const struct listen_file *f);

#endif
