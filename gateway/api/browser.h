/* What a browser brings that signs in, and what it is given.
 *
 * The manager's thread. */
#ifndef GATEWAY_API_BROWSER_H
#define GATEWAY_API_BROWSER_H

#include <stdbool.h>

#include "gateway/manager/call.h"
#include "gateway/token/key.h"

#define BROWSER_SESSION_S "43200" /* how long a session holds */
#define BROWSER_AGENT_MAX 200     /* bytes */

/* A cookie of that name, for this site alone, with the prefix of secure ones where
 * public_url is https (RFC 6265 4.1, RFC 6265bis 4.1.3.2). age: seconds; "0" with ""
 * removes it. */
void browser_keep(struct call *c, const char *name, const char *value, const char *age);
/* Its value, in the call's head; p NULL: there is none, or more than one. */
struct str browser_kept(const struct call *c, const char *name);
void browser_keep_session(struct call *c, const char *value, const char *age);

/* User-Agent as clean UTF-8 without keys, as much of it as the database keeps. */
void browser_agent(const struct call *c, char to[BROWSER_AGENT_MAX + 1]);
/* Address and request id, for functions of the database; the caller's to free. */
char *browser_actor(const struct call *c);
void browser_hash(const char *secret, unsigned char hash[KEY_HASH_BYTES]);

#endif
