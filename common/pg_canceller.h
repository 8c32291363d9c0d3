/* A request to cancel what a session runs, on a thread of its own.
 *
 * A request is a connection of its own to the same server (PostgreSQL manual, 34.7), and
 * libpq waits for it. So whoever asks never waits for the thread: a request that is given
 * up goes on by itself, and says nothing any more. */
#ifndef COMMON_PG_CANCELLER_H
#define COMMON_PG_CANCELLER_H

#include <libpq-fe.h>
#include <stdbool.h>

struct pg_canceller;

/* done_fd: an eventfd, the caller's, that is written to at the end. NULL: no thread can
 * be made. */
struct pg_canceller *pg_canceller_start(PGconn *pg, int done_fd);
/* False: not yet. True: the server has been told, and has told its session, or cannot be
 * told: from here on the request hits nothing. Clears *c, which may be NULL: false. */
bool pg_canceller_take(struct pg_canceller **c);
/* Gives it up; clears *c, which may be NULL. done_fd is not written to any more. */
void pg_canceller_drop(struct pg_canceller **c);

#endif
