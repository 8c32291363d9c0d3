/* How often somebody may try to sign in and fail: 30 times per client address (of IPv6
 * its /64), and from then on once in two seconds; likewise per person, whatever the
 * address. Attempts that succeed do not count.
 *
 * Where more fail than 300, and twenty a second, of all together, an address may fail 5
 * times instead of 30: whoever comes with a right key from elsewhere still gets in.
 *
 * Memory is fixed; where more addresses try than are remembered, the one that was here
 * longest ago is forgotten. Pure: the time comes from outside. */
#ifndef GATEWAY_MANAGER_ATTEMPTS_H
#define GATEWAY_MANAGER_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#define ATTEMPTS_WHO 16 /* bytes of a hash of what a person is known by */

struct attempts;
struct net_ip;

struct attempts *attempts_new(void);
void attempts_free(struct attempts **a);

/* An attempt begins, and counts as failed. False: too many were, and this one is none. */
bool attempts_take(struct attempts *a, const struct net_ip *ip, uint64_t now_us);
bool attempts_take_person(struct attempts *a, const unsigned char who[ATTEMPTS_WHO],
			  uint64_t now_us);
/* It did not fail, after all. */
void attempts_give_back(struct attempts *a, const struct net_ip *ip);
void attempts_give_back_person(struct attempts *a, const unsigned char who[ATTEMPTS_WHO]);

#endif
