/* The addresses of one name over time: those of its latest answer, and for a while those
 * of answers before it. Pure. */
#ifndef COMMON_NAME_ADDRESSES_H
#define COMMON_NAME_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/lookup.h"

#define NAME_ADDRESSES_MAX 64

struct name_address {
	struct lookup_address address;
	uint64_t at_us; /* when it was last in an answer */
};

struct name_addresses {
	unsigned n;       /* of the latest good answer; 0: there was none */
	unsigned n_known; /* with those after them */
	struct name_address list[NAME_ADDRESSES_MAX];
};

/* What is known without asking anybody: a literal address or localhost. False: none. */
bool name_addresses_fixed(struct name_addresses *a, const char *host);
/* Takes a good answer; forgets what has been in none for keep_us. */
void name_addresses_note(struct name_addresses *a, const struct lookup_answer *answer,
			 uint64_t now_us, uint64_t keep_us);

/* The same address of IPv4 or IPv6, whatever the ports. */
bool name_addresses_are_same(const struct sockaddr *a, const struct sockaddr *b);

#endif
