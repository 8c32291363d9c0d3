/* A provider's public keys (RFC 7517), and signatures checked with them (RFC 7515).
 *
 * Only what is meant to sign is taken: RSA of 2048 to 8192 bits for RS256, P-256 for
 * ES256, whose `use`, `key_ops` and `alg` say nothing else; other keys of a set are left
 * out. Which algorithm a key is for is the key's to say, never the token's. Nothing is
 * ever fetched because a token names it. Immutable once made; any thread. */
#ifndef GATEWAY_SIGN_IN_JWKS_H
#define GATEWAY_SIGN_IN_JWKS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define JWKS_TEXT_MAX 262144 /* bytes of a set */
#define JWKS_KEYS_MAX 100
#define JWKS_KID_MAX 256 /* bytes */

enum jwt_algorithm { JWT_RS256, JWT_ES256 };

/* False: none of those above. */
bool jwt_algorithm_named(struct str name, enum jwt_algorithm *algorithm);

struct jwks;

/* NULL: no well-formed set, or none of its keys can be used; error (appended to) says
 * why. */
struct jwks *jwks_parse(struct str text, struct sbuf *error);
/* Clears *set, which may be NULL. */
void jwks_free(struct jwks **set);

enum jwks_verdict {
	JWKS_RIGHT,
	JWKS_NO_KEY, /* none of this kid: the set may be old */
	JWKS_WRONG,  /* another algorithm than the key's, or not its signature */
};

/* token: header.claims.signature as it came. kid: p NULL where its header has none; then
 * the set's only key is meant, if there is one alone. */
enum jwks_verdict jwks_verify(const struct jwks *set, struct str token, struct str kid,
			      enum jwt_algorithm algorithm);

#endif
