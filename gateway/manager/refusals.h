/* Sign-ins that were refused: all are counted, and some told to the log and the audit:
 * ten at once, then ten a minute, each with how many others there were since the one
 * before it.
 *
 * The manager's thread. */
#ifndef GATEWAY_MANAGER_REFUSALS_H
#define GATEWAY_MANAGER_REFUSALS_H

#include <stdint.h>

struct manager_db;
struct net_ip;
struct refusals;

struct refusals *refusals_new(struct manager_db *db);
void refusals_free(struct refusals **r);
/* by: "key", "session", "jwt" or "code"; why: a sentence without what was brought. */
void refusals_tell(struct refusals *r, const struct net_ip *client, const char *by,
		   const char *why);
/* How many there were. */
uint64_t refusals_count(const struct refusals *r);

#endif
