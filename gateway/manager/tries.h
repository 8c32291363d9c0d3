/* Attempts to sign in: how many may fail (attempts.h), how many did, and what is told of
 * those (refusals.h).
 *
 * An attempt is begun before anything is looked up, and ends by exactly one of
 * tries_failed and tries_end, also where its client has left: what did not fail does not
 * count. The manager's thread. */
#ifndef GATEWAY_MANAGER_TRIES_H
#define GATEWAY_MANAGER_TRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/manager/attempts.h"

struct manager_db;
struct net_ip;
struct tries;

#define TRIES_LATER_S 60
#define TRIES_TOO_MANY "too many attempts to sign in have failed; try again in a minute"

struct tries_counts {
	uint64_t failed;  /* attempts */
	uint64_t limited; /* that were none: too many had failed before */
};

struct tries *tries_new(struct manager_db *db);
void tries_free(struct tries **t);

/* Somebody at that address tries. False: too many attempts failed; later. */
bool tries_begin(struct tries *t, const struct net_ip *client);
/* Within an attempt, once it is known whom it is about (a hash of the key, or of issuer
 * and subject). False: likewise, and the attempt is over. */
bool tries_begin_person(struct tries *t, const struct net_ip *client,
			const unsigned char who[ATTEMPTS_WHO]);
/* by: "key", "code", "session" or "jwt". */
void tries_failed(struct tries *t, const struct net_ip *client, const char *by,
		  const char *why);
/* It was good, or nothing came of it: the database is away. who: as it was begun, or
 * NULL. */
void tries_end(struct tries *t, const struct net_ip *client,
	       const unsigned char who[ATTEMPTS_WHO]);

struct tries_counts tries_count(const struct tries *t);

#endif
