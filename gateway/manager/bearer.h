/* What a request brings to say who calls: a personal key or a provider's JWT in
 * Authorization, or a session's cookie. Authorization goes first; a cookie is not looked
 * at then.
 *
 * Pure; any thread. RFC 6750 2.1, RFC 6265 4.2. */
#ifndef GATEWAY_MANAGER_BEARER_H
#define GATEWAY_MANAGER_BEARER_H

#include <stdbool.h>

#include "common/str.h"

#define BEARER_COOKIE "tollgate_session"
#define BEARER_COOKIE_SECURE "__Host-" BEARER_COOKIE

struct request_head;

enum bearer_kind {
	BEARER_NONE,
	BEARER_BAD, /* `why` says what is wrong */
	BEARER_KEY,
	BEARER_SESSION,
	BEARER_JWT,
};

struct bearer {
	enum bearer_kind kind;
	struct str text; /* the key, cookie or token, in the head */
	const char *why; /* static */
};

/* secure: the cookie's name has the prefix __Host-, and the other one is not looked
 * at. */
struct bearer bearer_find(const struct request_head *h, bool secure);
/* There is a cookie of either name, and no Authorization. */
bool bearer_is_cookie(const struct request_head *h);
/* How many cookies of that name there are; *value: the last one's. */
unsigned bearer_cookies(const struct request_head *h, struct str name, struct str *value);
/* Whether this could be a key to sign in with, by its looks. */
bool bearer_is_key(struct str text);

#endif
