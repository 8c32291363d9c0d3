/* What the two halves of a sign-in at a provider share: leaving for it, and coming back.
 *
 * Browsers end at the page /sign-in, which says what to do about a problem; others get
 * the problem itself. The manager's thread. */
#ifndef GATEWAY_API_SIGN_IN_H
#define GATEWAY_API_SIGN_IN_H

#include <stdbool.h>

#include "gateway/manager/call.h"

#define SIGN_IN_COOKIE "tollgate_sign_in"
#define SIGN_IN_KEY_SQL                                                                  \
	"SELECT to_jsonb(value) FROM public.tollgate_secrets WHERE name = 'sign_in'"

/* Why nobody was signed in: X(id, what pages are told, the problem). docs/sign-in.md
 * lists them. */
#define SIGN_IN_FAILURES(X)                                                              \
	X(UNKNOWN, "unknown", NOT_FOUND)                                                 \
	X(STALE, "stale", BAD_SIGN_IN)                                                   \
	X(DENIED, "denied", BAD_SIGN_IN)                                                 \
	X(REFUSED, "refused", BAD_SIGN_IN)                                               \
	X(OUT, "out", BAD_SIGN_IN)                                                       \
	X(NO_ROLE, "no_role", NO_ROLE)                                                   \
	X(BUSY, "busy", SIGN_IN_BUSY)                                                    \
	X(AWAY, "away", PROVIDER_UNAVAILABLE)                                            \
	X(DATABASE, "database", DATABASE_UNAVAILABLE)

#define SIGN_IN_ENUM(id, word, problem) SIGN_IN_##id,
enum sign_in_failure { SIGN_IN_FAILURES(SIGN_IN_ENUM) };

/* A page is what the caller wants: Accept has text/html. */
bool sign_in_wants_page(const struct call *c);
/* Ends the call. */
void sign_in_fail(struct call *c, bool wants_page, enum sign_in_failure why,
		  const char *detail);
/* As call_question.failed: the database did not answer, or refused. */
bool sign_in_failed(struct call *c, bool wants_page, const struct pg_reply *reply);
/* False: json is not the secret that SIGN_IN_KEY_SQL asks for. */
bool sign_in_read_key(struct str json, unsigned char *key);

/* Where providers send browsers back to; the caller's to free. */
char *sign_in_redirect_uri(const struct call *c);

#endif
