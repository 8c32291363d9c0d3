/* The key sets of all issuers, each apart, kept fresh by a thread of its own.
 *
 * A set is fetched at the start and every ten minutes, 30 s after a failure, and within a
 * minute when a token names a key that it does not have: at most once a minute, however
 * many such tokens come. A file is looked at every ten seconds, whatever was in it. A
 * good answer (jwks_parse takes it) takes the place of the set before it, whole: what it
 * leaves out is not trusted any more. Where the provider is away or answers nonsense the
 * latest good set stays, for 24 hours. The log hears of changes (common/trouble.h). */
#ifndef GATEWAY_SIGN_IN_KEY_SETS_H
#define GATEWAY_SIGN_IN_KEY_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/sign_in/discovery.h"
#include "gateway/sign_in/jwks.h"

struct key_source {
	const char *issuer; /* for the log */
	/* Its discovery document says where they are, and is kept with them. */
	bool is_discovered;
	const char *url;     /* else: as fetch_url_is_allowed; NULL: file */
	const char *file;    /* looked at every ten seconds */
	const char *ca_file; /* of what is fetched; NULL: the system's authorities */
};

struct fetch;

/* Where time and answers come from. Called on any thread. */
struct key_sets_means {
	uint64_t (*now_us)(void); /* monotonic */
	bool (*get)(const struct fetch *f, struct sbuf *body, struct sbuf *error);
};

struct key_sets;

/* Copies the sources. Fetches by clock_mono_us and fetch_get, on a thread of its own.
 * NULL: none can be made (logged). */
struct key_sets *key_sets_start(const struct key_source *sources, size_t n);
/* Without a thread: key_sets_renew is the caller's to call. Copies all that it is
 * given. */
struct key_sets *key_sets_new(const struct key_source *sources, size_t n,
			      const struct key_sets_means *means);
/* Fetches, one after the other, whatever is due. Returns when the next is, as now_us has
 * it; a token that names an unknown key may bring that forward. Waits for answers; one
 * thread at a time, and none beside that of key_sets_start. */
uint64_t key_sets_renew(struct key_sets *s);
/* A fetch that runs is given up. Of either kind. Clears *s, which may be NULL. */
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

/* A copy of the discovery document that came with the set in use. False: there is none,
 * or it is too old. discovery_fini after it. */
bool key_sets_discovery(struct key_sets *s, size_t source, struct discovery *d);

#endif
