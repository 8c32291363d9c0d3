/* Where the private PostgreSQL lives: its user, data folder and socket folder.
 *
 *   <state>/pg           the base folder, or a link to it where the server's user cannot
 *                        enter <state>: then it is in /var/lib/tollgate-dev, named by a
 *                        hash of state's path
 *   <base>/.tollgate-dev marks a folder made here (nothing else is ever deleted)
 *   <base>/data          PGDATA
 *   <base>/sock          the socket's folder, or /tmp/tollgate-<hash> where that path
 *                        is long */
#ifndef GATEWAY_DEV_PG_PLACE_H
#define GATEWAY_DEV_PG_PLACE_H

#include <limits.h>

#include "gateway/dev/child.h"

#define PG_SOCKET_PATH_MAX 107 /* bytes of sockaddr_un.sun_path without its NUL */

struct pg_place {
	struct child_user user; /* who runs the server: initdb refuses root */
	char base[PATH_MAX];
	char data[PATH_MAX];
	char socket_dir[PG_SOCKET_PATH_MAX + 1];
	bool outside; /* base is not within the state folder */
	bool is_new;  /* no cluster yet */
};

/* Finds or makes all folders; state is an absolute path without links. `fresh` deletes an
 * existing cluster. False: it complained. Before any other thread is started. */
bool pg_place_open(struct pg_place *p, const char *state, bool fresh);
/* No server runs there: moves the base folder, data and all, to <state>/pg.old-<date>,
 * where out (PATH_MAX bytes) says. Then pg_place_open finds nothing. False: it
 * complained. */
bool pg_place_set_aside(const struct pg_place *p, const char *state, char *out);
/* Removes a socket folder in /tmp. */
void pg_place_close(const struct pg_place *p);

/* <base>/sock if a server's socket there has a path that PostgreSQL can bind and needs no
 * quoting, else /tmp/tollgate-<hash>. Pure. */
void pg_socket_dir(char out[PG_SOCKET_PATH_MAX + 1], const char *base);
/* 16 hex digits that stand for a path. Pure. */
void pg_path_hash(char out[17], const char *path);

#endif
