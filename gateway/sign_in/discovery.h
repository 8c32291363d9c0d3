/* What a provider says of itself in its discovery document (OpenID Connect Discovery 1.0;
 * RFC 9207 for `iss`).
 *
 * Pure; any thread. */
#ifndef GATEWAY_SIGN_IN_DISCOVERY_H
#define GATEWAY_SIGN_IN_DISCOVERY_H

#include <stdbool.h>

#include "common/str.h"

#define DISCOVERY_TEXT_MAX 65536 /* bytes of a document */
#define DISCOVERY_URL_MAX 2048

struct discovery {
	char *authorization_endpoint, *token_endpoint, *jwks_uri;
	char *end_session_endpoint; /* NULL: it ends no sessions for others */
	bool sends_issuer;          /* with each answer, as `iss` */
};

/* Where an issuer has its document; the caller's to free. */
char *discovery_url(const char *issuer);
/* The document must be of exactly this issuer. Its places are https; http to literal
 * loopback addresses where the issuer is there, too. False: error (appended to) says why,
 * and d is empty. discovery_fini after either. */
bool discovery_parse(struct discovery *d, struct str text, const char *issuer,
		     struct sbuf *error);
void discovery_copy(struct discovery *to, const struct discovery *from);
void discovery_fini(struct discovery *d);

#endif
