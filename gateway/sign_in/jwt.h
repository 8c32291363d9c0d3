/* A bearer JWT (RFC 7519) read strictly, and what its issuer's tokens must be like.
 *
 * Read, then the signature (gateway/sign_in/jwks.h), then the claims: what is in a token
 * before its signature was checked only says which issuer and key to ask. Pure; any
 * thread. RFC 8725 (best current practices); the rules for sessions of Clerk follow its
 * "Session tokens" and "Manual JWT verification". */
#ifndef GATEWAY_SIGN_IN_JWT_H
#define GATEWAY_SIGN_IN_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/sign_in/jwks.h"

#define JWT_MAX 8192u     /* bytes of a token */
#define JWT_ID_MAX 32768u /* of an ID token, which the provider sends itself */
#define JWT_SUBJECT_MAX 255u
#define JWT_LEEWAY_S 60 /* of nbf and iat: clocks differ */

struct jsonc_node;

struct jwt {
	struct str text;
	struct jsonc_node *header, *claims;
	enum jwt_algorithm algorithm;
	struct str kid; /* p NULL: none */
};

/* What a token of an issuer is. */
enum jwt_kind {
	JWT_OIDC,  /* an access token for a listed audience, of any provider */
	JWT_CLERK, /* a session token of Clerk: no audience, but `sid` and `azp` */
	JWT_ID,    /* an ID token that was asked for: ours by audience and `nonce` */
};

struct jwt_rules {
	const char *issuer; /* exactly */
	enum jwt_kind kind;
	/* JWT_OIDC: one of these, at least one is listed. JWT_ID: our client id. */
	const char *const *audiences;
	size_t n_audiences;
	const char *const *parties; /* JWT_CLERK: `azp` is one of these */
	size_t n_parties;
	bool party_optional; /* ... or missing */
	const char *nonce;   /* JWT_ID: exactly */
	unsigned algorithms; /* 1u << enum jwt_algorithm of those that it signs with */
};

/* False: error says why, for the one who sent it; nothing of the token is in it.
 * jwt_fini after either. text must outlive the jwt. */
bool jwt_read(struct jwt *t, struct str text, struct sbuf *error);
/* The same of up to JWT_ID_MAX bytes. */
bool jwt_read_id(struct jwt *t, struct str text, struct sbuf *error);
void jwt_fini(struct jwt *t);

/* The claim's text; NULL: missing, or no string. */
const char *jwt_text(const struct jwt *t, const char *claim);

/* What must hold before a key is looked for. */
bool jwt_check_header(const struct jwt *t, const struct jwt_rules *rules,
		      struct sbuf *error);
/* What must hold once the signature is right. now_s: seconds since 1970. */
bool jwt_check_claims(const struct jwt *t, const struct jwt_rules *rules, int64_t now_s,
		      struct sbuf *error);

#endif
