/* Opening listening sockets. */
#ifndef GATEWAY_HTTP_LISTEN_H
#define GATEWAY_HTTP_LISTEN_H

#include <sys/stat.h>

#include "common/net_listen.h"

#define LISTEN_UNIX_MODE 0660
#define LISTEN_OWN_GROUP ((gid_t)-1)

/* Who may connect to a unix socket: its file's mode and group. */
struct listen_access {
	mode_t mode;
	gid_t group; /* LISTEN_OWN_GROUP: the process's */
};

/* Opens n sockets on one address, which share its connections (SO_REUSEPORT) where n > 1;
 * a unix socket is opened once and duplicated, and access holds before anybody can
 * connect. Port 0 is resolved once for all of them; *bound (of 128 bytes) gets the text
 * with the real port. "*" takes both families whatever net.ipv6.bindv6only says, and
 * where there is no IPv6 it is 0.0.0.0, also in *bound. An address that another process
 * holds is an error, also where that process set SO_REUSEPORT. False: *why (static) and
 * errno. Sockets are non-blocking, close-on-exec, with TCP_NODELAY for what they
 * accept. */
bool listen_open(const struct net_listen *address, const struct listen_access *access,
		 int *fds, unsigned n, char *bound, const char **why);
/* Whether this machine (or container) has ::1. */
bool listen_has_ipv6(void);

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
