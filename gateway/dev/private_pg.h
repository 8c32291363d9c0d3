/* A PostgreSQL server of our own, for `tollgate dev`.
 *
 * It listens on a unix socket in a private folder and on 127.0.0.1, asks for its password
 * on both, and stops with the thread that started it. Its data stays. Settings are
 * PostgreSQL's own, fsync included: what works here works elsewhere. */
#ifndef GATEWAY_DEV_PRIVATE_PG_H
#define GATEWAY_DEV_PRIVATE_PG_H

#include <stdbool.h>
#include <stdint.h>

#define PRIVATE_PG_GATEWAY_ROLE "tollgate"

struct private_pg;

/* state: absolute path without links, locked by the caller. `fresh` starts over. Returns
 * once the server answers and its database exists; NULL: it complained. Before any other
 * thread is started. */
struct private_pg *private_pg_start(const char *state, bool fresh);
/* Connection URLs with the password, valid until private_pg_stop: of the superuser by the
 * socket, of the gateway's role by the socket (once it may log in), of the superuser by
 * TCP, for shells. */
const char *private_pg_url(const struct private_pg *pg);
const char *private_pg_gateway_url(const struct private_pg *pg);
const char *private_pg_tcp_url(const struct private_pg *pg);
/* The one password of both roles. */
const char *private_pg_password(const struct private_pg *pg);
/* Starts the server again if it ended by itself. From one thread at a time, now and
 * then. */
void private_pg_watch(struct private_pg *pg);
/* Stops the server and moves its data to <state>/pg.old-<date>, which is said. False: it
 * complained. Clears *pg either way. */
bool private_pg_set_aside(struct private_pg **pg, const char *state);
/* Fast shutdown; immediate, then killed, if that takes too long (4.4 s at most in all).
 * Not while another thread is in private_pg_watch. Clears *pg. */
void private_pg_stop(struct private_pg **pg);

#endif
