/* Who was found lately, and what was found to be nobody's: by the SHA-256 of what they
 * bring. Memory is fixed; where more come than fit, the one that was asked for longest
 * ago is forgotten. Those who are nobody have a room of their own: no number of made-up
 * keys takes anybody else's place.
 *
 * Pure: the time comes from outside. */
#ifndef GATEWAY_MANAGER_REMEMBERED_H
#define GATEWAY_MANAGER_REMEMBERED_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/manager/identity.h"
#include "gateway/token/key.h"

#define REMEMBERED_WHY_MAX 200

struct remembered {
	unsigned char hash[KEY_HASH_BYTES];
	struct identity *identity; /* NULL: the slot is free */
	uint64_t found_us;         /* when that was so; 0: something has changed since */
	uint64_t known_us;         /* the same, whatever has changed since; 0: never */
	uint64_t until_us;         /* key, session or token hold until then */
	uint64_t tried_us;         /* when it was last asked for in vain; 0: never */
	uint64_t used_us;
};

struct nobody {
	unsigned char hash[KEY_HASH_BYTES];
	uint64_t found_us; /* 0: the slot is free */
	char why[REMEMBERED_WHY_MAX];
};

struct remembering;

struct remembering *remembering_new(void);
void remembering_free(struct remembering **r);

/* Both NULL where it is not remembered; until the next call of any function here. */
struct remembered *remembering_find(struct remembering *r,
				    const unsigned char hash[KEY_HASH_BYTES],
				    uint64_t now_us);
const struct nobody *remembering_find_nobody(struct remembering *r,
					     const unsigned char hash[KEY_HASH_BYTES]);

/* Takes the reference over. */
struct remembered *remembering_add(struct remembering *r,
				   const unsigned char hash[KEY_HASH_BYTES],
				   struct identity *identity, uint64_t now_us);
/* Forgets who it was. */
void remembering_add_nobody(struct remembering *r,
			    const unsigned char hash[KEY_HASH_BYTES], const char *why,
			    uint64_t now_us);
/* All of them are to be asked for again. */
void remembering_doubt(struct remembering *r);
/* Forgets this user; session_id: only by that session, 0: however they came. */
void remembering_drop(struct remembering *r, int64_t user_id, int64_t session_id);

/* While nothing can be asked: it was so at most ten minutes ago, and what was brought
 * holds still. */
bool remembered_may_read(const struct remembered *r, uint64_t now_us);

#endif
