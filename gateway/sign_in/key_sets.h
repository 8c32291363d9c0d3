/* The key sets of all issuers, kept fresh by a thread of its own.
 *
 * A set is fetched at the start and every ten minutes, 30 s after a failure, and within a
 * minute when a token names a key that it does not have. A good answer takes the place of
 * the set before it, whole: what it leaves out is not trusted any more. Where the
 * provider is away or answers nonsense the latest good set stays, for 24 hours. The log
 * hears of changes (common/trouble.h). */
#ifndef GATEWAY_SIGN_IN_KEY_SETS_H
#define GATEWAY_SIGN_IN_KEY_SETS_H

#include <stddef.h>

#include "gateway/sign_in/jwks.h"

struct key_source {
	const char *issuer;  /* for the log */
	const char *url;     /* as fetch_url_is_allowed; NULL: file */
	const char *file;    /* looked at every ten seconds */
	const char *ca_file; /* of url; NULL: the system's authorities */
};

struct key_sets;

/* Copies the sources. NULL: no thread can be made (logged). */
struct key_sets *key_sets_start(const struct key_source *sources, size_t n);
/* A fetch that runs is given up. Clears *s, which may be NULL. */
void key_sets_stop(struct key_sets **s);

enum key_sets_verdict {
	KEY_SETS_RIGHT,
	KEY_SETS_WRONG,
	KEY_SETS_NO_KEY, /* the set has none of this kid; it is fetched anew soon */
	KEY_SETS_NONE,   /* there is no set, or it is too old */
};

/* Any thread; takes a lock for as long as the check takes. source: its place in those of
 * the start. The others as jwks_verify. */
enum key_sets_verdict key_sets_verify(struct key_sets *s, size_t source, struct str token,
				      struct str kid, enum jwt_algorithm algorithm);

#endif
