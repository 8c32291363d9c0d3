/* Fetches a small document of a provider, by libcurl. Waits: for a thread of its own.
 *
 * https with the system's authorities, or those of ca_file alone; plain http to literal
 * loopback addresses only. Never follows a redirect, takes no more than it is told to,
 * and no longer. */
#ifndef GATEWAY_SIGN_IN_FETCH_H
#define GATEWAY_SIGN_IN_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define FETCH_TIMEOUT_MS 5000L

/* Once in the process, before any thread. */
void fetch_init(void);

/* https, or http to 127.0.0.1 or [::1]; without user and password. */
bool fetch_url_is_allowed(const char *url);

struct fetch {
	const char *url;          /* as fetch_url_is_allowed */
	const char *ca_file;      /* PEM; NULL: the system's */
	const _Atomic bool *stop; /* true: give up, soon; may be NULL */
};

/* Appends the body of an answer 200 to `body`, whose cap bounds it. False: error
 * (appended to) says why, in one line. */
bool fetch_get(const struct fetch *f, struct sbuf *body, struct sbuf *error);

#endif
