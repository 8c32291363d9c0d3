/* The issuers of the settings, and whether a JWT is one of theirs.
 *
 * The manager's thread; their keys are fetched by one of its own (key_sets.h). */
#ifndef GATEWAY_MANAGER_PROVIDERS_H
#define GATEWAY_MANAGER_PROVIDERS_H

#include <stdint.h>

#include "common/str.h"
#include "gateway/manager/vouched.h"

struct providers;

/* Refers to s on its own. */
struct providers *providers_new(struct settings *s);
/* Keys are fetched anew where their places have changed; else they stay. */
void providers_configure(struct providers *p, struct settings *s);
void providers_free(struct providers **p);

enum providers_verdict {
	PROVIDERS_GOOD,
	PROVIDERS_BAD,
	PROVIDERS_AWAY, /* the issuer's keys were never had, or not for 24 hours */
};

/* v is set where the token is good: vouched_fini after it. Else why says why not, for
 * the one who sent it. address: the client's. now_s: seconds since 1970. */
enum providers_verdict providers_judge(struct providers *p, struct str token,
				       const char *address, int64_t now_s,
				       struct vouched *v, struct sbuf *why);

#endif
