/* A session with one of the servers that an address of PostgreSQL stands for. Waits; for
 * a thread of its own, or for commands.
 *
 * One attempt per address, and libpq gets exactly one: `host` as it is written (for
 * certificates and the password file), `hostaddr` the address, the port that belongs to
 * it. Names are looked up by the resolver. An attempt has connect_timeout, or, where none
 * is set, 2 s while another address is left, and limit_ms for the last or only one; so
 * has a look-up. The first attempt goes to where the last one ended: the server that took
 * it, or the one after the one that did not. Whether a server has the wanted role is
 * libpq's judgement in each attempt; prefer-standby is a walk over all of them with
 * standby, then one with any.
 *
 * libpq manual, 34.1.1.3 (multiple hosts), 34.1.2 (parameters). */
#ifndef COMMON_PG_DIAL_H
#define COMMON_PG_DIAL_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/resolver.h"
#include "common/str.h"

/* Where the last attempt ended. Zero: nowhere yet. */
struct pg_place {
	size_t host;      /* of those that are listed */
	char address[64]; /* "": none */
	bool past;        /* the next attempt goes to the one after it */
};

struct pg_dial_options {
	const char *conninfo, *application_name;
	uint32_t limit_ms;
	uint32_t timeout_ms;       /* unanswered TCP data */
	struct resolver *resolver; /* NULL: one of its own, should a name be looked up */
	int stop_fd;               /* readable: give up; -1: none */
	/* May be NULL: what it waits for, a line without secrets. */
	void (*doing)(void *ctx, const char *what);
	void *ctx;
};

/* A session; or NULL with what each attempt came to in `why`, one line without secrets
 * (nothing if stopped). *place is where it begins, and then where it ended. */
PGconn *pg_dial(const struct pg_dial_options *o, struct pg_place *place,
		struct sbuf *why);

#endif
