/* Where a request may have its key: X-API-Key, Authorization: Bearer, api-key (Azure's
 * SDK), x-goog-api-key (Google's), and the subprotocol item of OpenAI's realtime flow for
 * browsers, which can set no fields.
 *
 * Pure; the caller hashes and looks up. */
#ifndef GATEWAY_PROXY_CREDENTIALS_H
#define GATEWAY_PROXY_CREDENTIALS_H

#include "gateway/http/request_head.h"

#define CREDENTIALS_MAX 8

enum credential_place {
	CREDENTIAL_X_API_KEY, /* counts, whatever it is */
	/* Count only with a key that is known. */
	CREDENTIAL_BEARER,
	CREDENTIAL_API_KEY,
	CREDENTIAL_GOOG_API_KEY,
	CREDENTIAL_SUBPROTOCOL,
	/* Authorization of another scheme: no place for a key, and none for a second. */
	CREDENTIAL_OTHER,
	CREDENTIAL_BARE, /* the same, of no scheme */
};

static inline bool credential_may_count(enum credential_place place)
{
	return place < CREDENTIAL_OTHER;
}

struct credential {
	struct str value; /* points into the head */
	enum credential_place place;
};

enum credential_verdict {
	CREDENTIALS_FOUND, /* some; whether one is a key is told by who looks it up */
	CREDENTIALS_NONE,  /* nothing in a place for keys */
	/* two X-API-Key; two Authorization and no X-API-Key; two different values that
	 * look like keys of ours; more than CREDENTIALS_MAX */
	CREDENTIALS_AMBIGUOUS,
	CREDENTIALS_IN_URL, /* a key of ours in the query or the path */
};

/* In the order in which they count, empty ones left out. */
struct credentials {
	unsigned n;
	struct credential items[CREDENTIALS_MAX];
};

enum credential_verdict credentials_find(const struct request_head *h,
					 struct credentials *c);

/* "ntk_" at its start: meant as a key of ours, known or not. */
bool credential_is_ours(struct str value);
/* The field that it came in, for messages. */
const char *credential_place_name(enum credential_place place);

#endif
