/* What a token that was found good, and the settings, make of whom it is for.
 *
 * Pure; any thread. */
#ifndef GATEWAY_MANAGER_VOUCHED_H
#define GATEWAY_MANAGER_VOUCHED_H

#include <stdint.h>

#include "gateway/settings/settings.h"
#include "gateway/sign_in/jwt.h"

struct vouched {
	char *issuer, *subject, *name;
	char *email, *acting; /* or NULL */
	int64_t exp_s;        /* seconds since 1970: until then the token holds */
	/* What people_identity_seen and people_identity_known are asked, as JSON. */
	char *seen;
};

/* What is demanded of an issuer's tokens. */
struct jwt_rules vouched_rules(const struct settings_issuer *issuer);
/* ... and of the ID token of the sign-in with that nonce. p and nonce outlive it. */
struct jwt_rules vouched_id_rules(const struct settings_provider *p, const char *nonce);

/* Who says so: an issuer or a provider of the settings. */
struct voucher {
	const char *issuer;
	enum settings_issuer_kind kind;
};

/* t: a token of that issuer that was found good. address: of the client, as text. */
void vouched_read(struct vouched *v, const struct jwt *t, const struct settings *s,
		  const struct voucher *by, const char *address);
void vouched_fini(struct vouched *v);

#endif
