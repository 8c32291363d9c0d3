/* Which key of a request counts (design: X-API-Key, else a Bearer value that is a key).
 *
 * Pure; the caller hashes and looks up. */
#ifndef GATEWAY_PROXY_CREDENTIALS_H
#define GATEWAY_PROXY_CREDENTIALS_H

#include "gateway/http/request_head.h"

enum credential_verdict {
	CREDENTIAL_NONE,    /* no key at all */
	CREDENTIAL_API_KEY, /* X-API-Key */
	CREDENTIAL_BEARER,  /* Authorization: Bearer; counts only if it is a known key */
	/* two X-API-Key, an empty one, or a different ntk_ in Authorization */
	CREDENTIAL_AMBIGUOUS,
	CREDENTIAL_IN_URL, /* ntk_ key in the query (also percent-encoded) or the path */
};

/* *key points into the head. */
enum credential_verdict credentials_find(const struct request_head *h, struct str *key);

/* A key-shaped run ("ntk_" and 8 or more base62 characters) anywhere in s, also where
 * characters are percent-encoded: such text never goes to a log. */
bool credentials_in_text(struct str s);

#endif
