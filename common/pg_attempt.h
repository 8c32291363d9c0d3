/* One attempt to get a session of PostgreSQL, at one address. Waits; for a thread of its
 * own, or for commands.
 *
 * Whatever libpq does meanwhile (it reads password, service and certificate files, and
 * may ask a Kerberos server) may take long, and is not cut short by the limit. */
#ifndef COMMON_PG_ATTEMPT_H
#define COMMON_PG_ATTEMPT_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct pg_target {
	const char *conninfo, *application_name;
	/* In place of the conninfo's; NULL: as it says. */
	const char *host, *hostaddr, *port, *target_session_attrs;
	const char *shown;   /* the server, for messages */
	uint32_t limit_ms;   /* connecting, TLS and signing in */
	uint32_t timeout_ms; /* unanswered TCP data */
	int stop_fd;         /* readable: give up; -1: none */
};

enum pg_attempt_end {
	PG_ATTEMPT_UP,
	PG_ATTEMPT_FAILED,
	PG_ATTEMPT_SILENT, /* the limit has passed */
	PG_ATTEMPT_STOPPED,
};

/* A session, or NULL with one line in `why`, without secrets (nothing if stopped). */
PGconn *pg_attempt(const struct pg_target *t, enum pg_attempt_end *end, struct sbuf *why);

#endif
