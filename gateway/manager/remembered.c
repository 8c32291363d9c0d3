/* Who was found lately, and what was found to be nobody's. */
#include "gateway/manager/remembered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"

#define PEOPLE 4096u
#define NOBODIES 1024u
#define WAYS 4u
#define MAY_READ_US (600 * UINT64_C(1000000))

struct remembering {
	struct remembered people[PEOPLE];
	struct nobody nobodies[NOBODIES];
};

struct remembering *remembering_new(void)
{
	return xcalloc(1, sizeof(struct remembering));
}

void remembering_free(struct remembering **remembering)
{
	struct remembering *r = *remembering;

	*remembering = NULL;
	if (r == NULL)
		return;
	for (size_t i = 0; i < PEOPLE; i++)
		identity_unref(&r->people[i].identity);
	free(r);
}

/* Where the set of that hash begins, of n slots. */
static size_t set_of(const unsigned char hash[KEY_HASH_BYTES], size_t n)
{
	uint32_t start;

	memcpy(&start, hash, sizeof start);
	return start % (n / WAYS) * WAYS;
}

static struct remembered *look_up(struct remembering *r,
				  const unsigned char hash[KEY_HASH_BYTES])
{
	struct remembered *set = &r->people[set_of(hash, PEOPLE)];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].identity != NULL &&
		    memcmp(set[i].hash, hash, KEY_HASH_BYTES) == 0)
			return &set[i];
	return NULL;
}

struct remembered *remembering_find(struct remembering *r,
				    const unsigned char hash[KEY_HASH_BYTES],
				    uint64_t now_us)
{
	struct remembered *found = look_up(r, hash);

	if (found != NULL)
		found->used_us = now_us;
	return found;
}

static struct nobody *look_up_nobody(struct remembering *r,
				     const unsigned char hash[KEY_HASH_BYTES])
{
	struct nobody *set = &r->nobodies[set_of(hash, NOBODIES)];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].found_us != 0 &&
		    memcmp(set[i].hash, hash, KEY_HASH_BYTES) == 0)
			return &set[i];
	return NULL;
}

const struct nobody *remembering_find_nobody(struct remembering *r,
					     const unsigned char hash[KEY_HASH_BYTES])
{
	return look_up_nobody(r, hash);
}

/* A free slot of the set, or the one that was used longest ago, freed. */
static struct remembered *make_room(struct remembering *r,
				    const unsigned char hash[KEY_HASH_BYTES])
{
	struct remembered *set = &r->people[set_of(hash, PEOPLE)], *oldest = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used_us < oldest->used_us)
			oldest = &set[i];
	identity_unref(&oldest->identity);
	return oldest;
}

struct remembered *remembering_add(struct remembering *r,
				   const unsigned char hash[KEY_HASH_BYTES],
				   struct identity *identity, uint64_t now_us)
{
	struct remembered *to = look_up(r, hash);
	struct nobody *nobody = look_up_nobody(r, hash);

	if (nobody != NULL)
		nobody->found_us = 0;
	if (to == NULL)
		to = make_room(r, hash);
	else
		identity_unref(&to->identity);
	*to = (struct remembered){
		.identity = identity,
		.found_us = now_us,
		.known_us = now_us,
		.until_us = UINT64_MAX,
		.used_us = now_us,
	};
	memcpy(to->hash, hash, KEY_HASH_BYTES);
	return to;
}

void remembering_add_nobody(struct remembering *r,
			    const unsigned char hash[KEY_HASH_BYTES], const char *why,
			    uint64_t now_us)
{
	struct remembered *was = look_up(r, hash);
	struct nobody *set = &r->nobodies[set_of(hash, NOBODIES)];
	struct nobody *to = look_up_nobody(r, hash);

	if (was != NULL) {
		identity_unref(&was->identity);
		*was = (struct remembered){0};
	}
	for (size_t i = 1; to == NULL && i <= WAYS; i++)
		if (i == WAYS || set[i].found_us < set[0].found_us)
			to = &set[i % WAYS];
	to->found_us = now_us;
	memcpy(to->hash, hash, KEY_HASH_BYTES);
	snprintf(to->why, sizeof to->why, "%s", why);
}

void remembering_doubt(struct remembering *r)
{
	for (size_t i = 0; i < PEOPLE; i++)
		r->people[i].found_us = 0;
	for (size_t i = 0; i < NOBODIES; i++)
		r->nobodies[i].found_us = 0;
}

void remembering_drop(struct remembering *r, int64_t user_id, int64_t session_id)
{
	for (size_t n = 0; n < PEOPLE; n++) {
		const struct identity *i = r->people[n].identity;

		if (i == NULL || i->user_id != user_id ||
		    (session_id != 0 && i->session_id != session_id))
			continue;
		identity_unref(&r->people[n].identity);
		r->people[n] = (struct remembered){0};
	}
}

bool remembered_may_read(const struct remembered *r, uint64_t now_us)
{
	return r->known_us != 0 && now_us - r->known_us <= MAY_READ_US &&
	       now_us < r->until_us;
}
