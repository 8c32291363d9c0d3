/* pg_dial on a thread of its own, for event loops.
 *
 * Names, password, service and certificate files, a Kerberos server: what libpq does to
 * connect may block for any time, and nothing can end it. So whoever dials never waits
 * for the thread: one that is dropped ends by itself, and closes what it has reached. */
#ifndef COMMON_PG_DIALER_H
#define COMMON_PG_DIALER_H

#include "common/pg_dial.h"

struct pg_dialer;

#define PG_DIAL_WHY_MAX 512

struct pg_dialed {
	PGconn *pg; /* NULL: `why` says what each attempt came to */
	char why[PG_DIAL_WHY_MAX];
	struct pg_place place;
};

/* Copies the options, but for stop_fd, doing and ctx, which it sets itself; a resolver is
 * referred to. done_fd: an eventfd, the caller's, that is written to at the end. NULL: no
 * thread can be made. */
struct pg_dialer *pg_dialer_start(const struct pg_dial_options *o,
				  const struct pg_place *place, int done_fd);
/* False: not yet. True: its result, the caller's now; clears *d. */
bool pg_dialer_take(struct pg_dialer **d, struct pg_dialed *out);
/* What it waits for. */
void pg_dialer_doing(struct pg_dialer *d, char *text, size_t size);
/* Gives it up; clears *d, which may be NULL. done_fd is not written to any more. Waits a
 * quarter of a second at most, so that the thread is out of libpq and OpenSSL when the
 * process ends, unless it is stuck in there. */
void pg_dialer_drop(struct pg_dialer **d);

#endif
