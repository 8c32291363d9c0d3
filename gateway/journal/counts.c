/* A bounded table of counters.
 *
 * Open addressing: a key's slot is one of the PROBES behind its hash. A slot's state is 0
 * (free) or LIVE plus the count. The producer writes key and serial of free slots only
 * and then publishes the state; the consumer turns a live state to 0 by compare-and-swap,
 * if the producer has not counted on meanwhile. Where no slot is free, one of the shared
 * slots at the end takes the count: "others", by minute; where these are used up too, the
 * last. */
#include "gateway/journal/counts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/crc32c.h"
#include "gateway/journal/event.h"

#define LIVE (UINT64_C(1) << 63)
#define PROBES 32u
#define SHARED 64u /* slots at the end, for others */
#define OWN (COUNTS_SLOTS - SHARED)
#define MINUTE_US INT64_C(60000000)
#define PAGE 4096u

struct slot {
	_Atomic uint64_t state;
	uint64_t serial;
	struct count_key key;
	char unused[COUNTS_SLOT_BYTES - 16 - sizeof(struct count_key)];
};

_Static_assert(sizeof(struct slot) == COUNTS_SLOT_BYTES, "slots have no holes");

struct usage_counts {
	struct slot *slots;
	/* Producer; `changes` others read, so that they need not look at the slots. */
	_Atomic uint64_t changes;
	uint64_t next_serial;
	int64_t minute;
	unsigned strangers; /* counters made for them in that minute */
};

struct usage_counts *usage_counts_new(void *memory, bool inherited)
{
	struct usage_counts *c = xcalloc(1, sizeof *c);

	c->changes = inherited;
	c->slots = memory;
	c->next_serial = 1;
	return c;
}

void usage_counts_free(struct usage_counts **c)
{
	free(*c);
	*c = NULL;
}

/* --- producer --- */

static int64_t minute_of(int64_t us)
{
	return us / MINUTE_US - (us % MINUTE_US < 0);
}

/* After the count itself, so that who sees it finds the count. */
static void note_change(struct usage_counts *c)
{
	atomic_store_explicit(&c->changes,
			      atomic_load_explicit(&c->changes, memory_order_relaxed) + 1,
			      memory_order_release);
}

static void put_text(char *to, uint8_t *length, size_t width, struct str s)
{
	*length = (uint8_t)(s.p ? usage_text_clean(to, width, s) : 0);
	/* Replaced bytes grow threefold; the mark of a cut may end before what was
	 * written. */
	if (3 * s.n > width)
		memset(to + *length, 0, width - *length);
}

static bool add_if_live(struct slot *s)
{
	uint64_t state = atomic_load_explicit(&s->state, memory_order_acquire);

	while (state & LIVE)
		if (atomic_compare_exchange_weak_explicit(&s->state, &state, state + 1,
							  memory_order_release,
							  memory_order_acquire))
			return true;
	return false;
}

/* Where it is free, the consumer has read it for the last time. */
static bool is_live(const struct slot *s)
{
	return (atomic_load_explicit(&s->state, memory_order_acquire) & LIVE) != 0;
}

/* Counts in the slot that has the key. NULL: done; else a free slot, or the last one
 * looked at where none is free. */
static struct slot *count_or_free(struct slot *first, size_t n,
				  const struct count_key *key)
{
	struct slot *vacant = NULL;

	for (size_t i = 0; i < n; i++) {
		struct slot *s = &first[i];

		if (!is_live(s)) {
			vacant = vacant ? vacant : s;
		} else if (memcmp(&s->key, key, sizeof *key) == 0) {
			if (add_if_live(s))
				return NULL;
			vacant = vacant ? vacant : s; /* freed just now */
		}
	}
	return vacant ? vacant : &first[n - 1];
}

static void occupy(struct usage_counts *c, struct slot *s, const struct count_key *key)
{
	s->serial = c->next_serial++;
	s->key = *key;
	atomic_store_explicit(&s->state, LIVE | 1, memory_order_release);
}

static void count_among_others(struct usage_counts *c, int64_t minute)
{
	struct count_key key;
	struct slot *s;

	memset(&key, 0, sizeof key);
	key.minute = minute;
	key.token_id = COUNTS_NO_TOKEN;
	s = count_or_free(&c->slots[OWN], SHARED, &key);
	if (s != NULL && !(is_live(s) && add_if_live(s)))
		occupy(c, s, &key);
}

static uint32_t hash(const struct count_key *key)
{
	uint32_t h = crc32c_add(0, key, offsetof(struct count_key, reason));

	return crc32c_add(crc32c_add(h, key->reason, key->reason_length), key->route,
			  key->route_length);
}

/* True: it had a counter, or has one now. */
static bool count_own(struct usage_counts *c, const struct count_key *key, bool may_make,
		      bool *made)
{
	size_t first = hash(key) % (OWN - PROBES + 1);
	struct slot *s = count_or_free(&c->slots[first], PROBES, key);

	*made = false;
	if (s == NULL)
		return true;
	if (!may_make || is_live(s))
		return false;
	occupy(c, s, key);
	*made = true;
	return true;
}

void usage_counts_gap(struct usage_counts *c, int64_t used_at_us, int64_t token_id,
		      struct str route)
{
	struct count_key key;
	bool made;

	memset(&key, 0, sizeof key);
	key.minute = minute_of(used_at_us);
	key.token_id = token_id;
	put_text(key.route, &key.route_length, sizeof key.route, route);
	if (!count_own(c, &key, true, &made))
		count_among_others(c, key.minute);
	note_change(c);
}

void usage_counts_stranger(struct usage_counts *c, int64_t at_us, struct str route,
			   const char *reason, const struct net_ip *from)
{
	struct count_key key;
	bool made;

	memset(&key, 0, sizeof key);
	key.minute = minute_of(at_us);
	key.token_id = COUNTS_NO_TOKEN;
	key.family = from->family;
	memcpy(key.prefix, from->bytes,
	       from->family == 4   ? 3
	       : from->family == 6 ? 8
				   : 0);
	put_text(key.reason, &key.reason_length, sizeof key.reason, str_of(reason));
	put_text(key.route, &key.route_length, sizeof key.route, route);
	if (c->minute != key.minute)
		c->strangers = 0;
	c->minute = key.minute;
	if (count_own(c, &key, c->strangers < COUNTS_STRANGERS_EACH_MINUTE, &made)) {
		c->strangers += made;
		note_change(c);
		return;
	}
	key.family = 0; /* from anywhere */
	memset(key.prefix, 0, sizeof key.prefix);
	if (count_own(c, &key, c->strangers < 2 * COUNTS_STRANGERS_EACH_MINUTE, &made))
		c->strangers += made;
	else
		count_among_others(c, key.minute);
	note_change(c);
}

/* --- consumer --- */

uint64_t usage_counts_changes(const struct usage_counts *c)
{
	return atomic_load_explicit(&c->changes, memory_order_acquire);
}

bool usage_counts_get(const struct usage_counts *c, size_t slot, struct count_key *key,
		      uint64_t *serial, uint64_t *count)
{
	const struct slot *s = &c->slots[slot];
	uint64_t state = atomic_load_explicit(&s->state, memory_order_acquire);

	CHECK(slot < COUNTS_SLOTS);
	if ((state & LIVE) == 0)
		return false;
	*key = s->key;
	*serial = s->serial;
	*count = state & ~LIVE;
	/* A file may be damaged; what is behind a length goes into SQL. */
	_Static_assert(COUNTS_ROUTE_MAX == UINT8_MAX, "any route's length is one");
	return key->reason_length <= COUNTS_REASON_MAX;
}

bool usage_counts_settle(struct usage_counts *c, size_t slot, uint64_t count)
{
	uint64_t state = LIVE | count;

	return atomic_compare_exchange_strong_explicit(&c->slots[slot].state, &state, 0,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

void usage_counts_touch(struct usage_counts *c)
{
	if (usage_counts_changes(c) == 0)
		return;
	for (size_t at = 0; at < COUNTS_BYTES; at += PAGE) {
		struct slot *s =
			&c->slots[(at + COUNTS_SLOT_BYTES - 1) / COUNTS_SLOT_BYTES];
		uint64_t state = atomic_load_explicit(&s->state, memory_order_relaxed);

		/* A store that changes nothing, but makes the page writable. */
		if (state & LIVE)
			atomic_compare_exchange_strong_explicit(&s->state, &state, state,
								memory_order_relaxed,
								memory_order_relaxed);
	}
}
