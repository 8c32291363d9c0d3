/* Whose tokens the hashes of events are. */
#include "gateway/recorder/owners.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"

#define SLOTS_MIN 1024u
#define ASKED UINT64_MAX
#define KEPT_MAX (64u * 1024) /* of more, all are forgotten between two batches */

struct owner {
	unsigned char hash[32];
	int64_t token_id; /* USAGE_NULL: nobody's */
	uint64_t batch;   /* in which this was found out; 0: never; ASKED: not yet */
};

struct usage_owners {
	struct owner *list;
	size_t n, room;
	uint32_t *slots; /* owner + 1; 0: free */
	size_t n_slots;  /* a power of two, at least twice the owners */
	uint32_t *asked; /* of the list */
	size_t n_asked, room_asked;
	uint64_t batch;
};

struct usage_owners *usage_owners_new(void)
{
	struct usage_owners *o = xcalloc(1, sizeof *o);

	o->n_slots = SLOTS_MIN;
	o->slots = xcalloc(o->n_slots, sizeof *o->slots);
	o->batch = 1;
	return o;
}

void usage_owners_free(struct usage_owners **owners)
{
	struct usage_owners *o = *owners;

	*owners = NULL;
	if (o == NULL)
		return;
	free(o->list);
	free(o->slots);
	free(o->asked);
	free(o);
}

void usage_owners_forget(struct usage_owners *o)
{
	memset(o->slots, 0, o->n_slots * sizeof *o->slots);
	o->n = o->n_asked = 0;
}

void usage_owners_next(struct usage_owners *o)
{
	if (o->n > KEPT_MAX || o->n_asked > 0)
		usage_owners_forget(o);
	o->batch++;
}

/* --- the table --- */

/* Where the hash is, or would be. Any bits of a digest spread evenly. */
static uint32_t *find_slot(const struct usage_owners *o, const unsigned char hash[32])
{
	uint32_t first;
	size_t i;

	memcpy(&first, hash, sizeof first);
	for (i = first & (o->n_slots - 1); o->slots[i] != 0;
	     i = (i + 1) & (o->n_slots - 1))
		if (memcmp(o->list[o->slots[i] - 1].hash, hash, 32) == 0)
			break;
	return &o->slots[i];
}

static void grow(struct usage_owners *o)
{
	o->room = o->room ? 2 * o->room : SLOTS_MIN / 2;
	o->list = xrealloc(o->list, o->room * sizeof *o->list);
	if (o->n_slots >= 2 * o->room)
		return;
	free(o->slots);
	o->n_slots = 2 * o->room;
	o->slots = xcalloc(o->n_slots, sizeof *o->slots);
	for (size_t i = 0; i < o->n; i++)
		*find_slot(o, o->list[i].hash) = (uint32_t)(i + 1);
}

static struct owner *find(struct usage_owners *o, const unsigned char hash[32])
{
	uint32_t *slot;

	if (o->n == o->room)
		grow(o);
	slot = find_slot(o, hash);
	if (*slot == 0) {
		o->list[o->n] = (struct owner){.token_id = USAGE_NULL};
		memcpy(o->list[o->n].hash, hash, 32);
		*slot = (uint32_t)++o->n;
	}
	return &o->list[*slot - 1];
}

/* --- judging --- */

static void ask(struct usage_owners *o, struct owner *owner)
{
	if (o->n_asked == o->room_asked) {
		o->room_asked = o->room_asked ? 2 * o->room_asked : 64;
		o->asked = xrealloc(o->asked, o->room_asked * sizeof *o->asked);
	}
	o->asked[o->n_asked++] = (uint32_t)(owner - o->list);
	owner->batch = ASKED; /* once */
}

bool usage_owners_judge(struct usage_owners *o, struct usage_event *e)
{
	struct owner *owner = find(o, e->token_hash);

	if (owner->batch == ASKED)
		return false;
	/* What an earlier batch has found is old news where the event says otherwise. */
	if (owner->batch == o->batch ||
	    (owner->batch != 0 && owner->token_id != USAGE_NULL &&
	     owner->token_id == e->token_id)) {
		e->token_id = owner->token_id;
		return true;
	}
	ask(o, owner);
	return false;
}

size_t usage_owners_asked(const struct usage_owners *o)
{
	return o->n_asked;
}

void usage_owners_sql(const struct usage_owners *o, struct sbuf *sql)
{
	char hex[65];

	CHECK(o->n_asked > 0);
	sbuf_lit(sql, "SELECT token_hash, token_id FROM token_keys WHERE token_hash = "
		      "ANY ('{");
	for (size_t i = 0; i < o->n_asked; i++) {
		hex_encode(hex, o->list[o->asked[i]].hash, 32);
		sbuf_printf(sql, "%s%s", i ? "," : "", hex);
	}
	sbuf_lit(sql, "}'::varchar[])");
}

void usage_owners_found(struct usage_owners *o, struct str hash, int64_t token_id)
{
	unsigned char bytes[32];
	struct owner *owner;

	if (!hex_decode(bytes, sizeof bytes, hash))
		return;
	owner = find(o, bytes);
	owner->token_id = token_id;
	owner->batch = o->batch;
}

void usage_owners_answered(struct usage_owners *o)
{
	for (size_t i = 0; i < o->n_asked; i++) {
		struct owner *owner = &o->list[o->asked[i]];

		if (owner->batch == ASKED) {
			owner->token_id = USAGE_NULL;
			owner->batch = o->batch;
		}
	}
	o->n_asked = 0;
}
