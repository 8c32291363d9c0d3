/* The issuers of the settings, and whether a JWT is one of theirs; and the providers that
 * browsers are sent to, whose ID tokens come with codes.
 *
 * The manager's thread; their keys are fetched by one of its own (key_sets.h), codes are
 * exchanged by another (errands.h). */
#ifndef GATEWAY_MANAGER_PROVIDERS_H
#define GATEWAY_MANAGER_PROVIDERS_H

#include <stdint.h>

#include "common/str.h"
#include "gateway/manager/vouched.h"

struct discovery;
struct errands;
struct event_base;
struct providers;

/* Refers to s on its own. */
struct providers *providers_new(struct event_base *base, struct settings *s);
/* Keys are fetched anew where their places have changed; else they stay. */
void providers_configure(struct providers *p, struct settings *s);
/* Errands that run come to their end before it returns. */
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

/* --- where browsers sign in --- */

/* One that they can be sent to, by its name, or by its issuer; until the next
 * providers_configure. NULL: there is none. */
const struct settings_provider *providers_named(const struct providers *p,
						const char *name);
const struct settings_provider *providers_of_issuer(const struct providers *p,
						    const char *issuer);
/* False: its document was never had, or not for 24 hours. discovery_fini after it. */
bool providers_discovery(struct providers *p, const struct settings_provider *which,
			 struct discovery *d);
/* As providers_judge, of an ID token that it gave for a code. nonce: of that sign-in. */
enum providers_verdict providers_judge_id(struct providers *p,
					  const struct settings_provider *which,
					  struct str token, const char *nonce,
					  const char *address, int64_t now_s,
					  struct vouched *v, struct sbuf *why);
struct errands *providers_errands(struct providers *p);

#endif
