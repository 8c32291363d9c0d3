/* What a JWT that was found good says of whom it is for.
 *
 * Pure; any thread. */
#ifndef GATEWAY_SIGN_IN_CLAIMS_H
#define GATEWAY_SIGN_IN_CLAIMS_H

#include <stdbool.h>

#include "gateway/sign_in/jwt.h"

/* Whether the claim is `value`, or is an array that holds it. path: a claim's name, or
 * with dots one inside other objects ("realm_access.roles"); a name that has dots itself
 * is found as well. Numbers and booleans are as JSON writes them.
 *
 * Clerk names the same things in two ways, by the version of its tokens: org_id, org_slug
 * and org_role are o.id, o.slg and o.rol; each finds the other. */
bool claims_hold(const struct jwt *t, enum jwt_kind kind, const char *path,
		 const char *value);

/* What people call them: the first of name, preferred_username, email and sub. */
const char *claims_name(const struct jwt *t);
/* Who acts in their place (`act`, RFC 8693 4.1): its sub, or "?" where it has none; NULL:
 * nobody. */
const char *claims_acting(const struct jwt *t);

#endif
