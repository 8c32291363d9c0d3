/* A bounded table of counters that outlives its process: what was dropped (gaps), and who
 * called without a known key (strangers).
 *
 * One producer counts, one consumer reads and frees; neither ever waits. A counter only
 * grows, and has a serial number that no other of its table ever has: so its value can be
 * stored again and again, the larger one winning, and is never counted twice. */
#ifndef GATEWAY_JOURNAL_COUNTS_H
#define GATEWAY_JOURNAL_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "common/str.h"

#define COUNTS_SLOTS 1024u
#define COUNTS_SLOT_BYTES 384u
#define COUNTS_BYTES ((size_t)COUNTS_SLOTS * COUNTS_SLOT_BYTES)
#define COUNTS_ROUTE_MAX 255
#define COUNTS_REASON_MAX 47
#define COUNTS_NO_TOKEN INT64_MIN
/* Strangers of one minute and lane that get counters of their own; the next as many share
 * one by route and reason, the rest one for all. */
#define COUNTS_STRANGERS_EACH_MINUTE 64u

/* What is counted; compared byte for byte, so what is unused is zero. */
struct count_key {
	int64_t minute;   /* since 1970, UTC */
	int64_t token_id; /* COUNTS_NO_TOKEN: several, or none */
	uint8_t family;   /* of the address: 4, 6, 0 for none */
	uint8_t prefix[16];
	uint8_t reason_length, route_length;
	char reason[COUNTS_REASON_MAX];
	char route[COUNTS_ROUTE_MAX];
};

struct usage_counts;

/* memory: COUNTS_BYTES, aligned to 8; stays the caller's, until after usage_counts_free.
 * Zero, or `inherited`: what another process's table has left there. */
struct usage_counts *usage_counts_new(void *memory, bool inherited);
void usage_counts_free(struct usage_counts **c);

/* Producer. An event of that time was dropped. */
void usage_counts_gap(struct usage_counts *c, int64_t used_at_us, int64_t token_id,
		      struct str route);
/* Producer. Someone without a known key was refused. route: the route's path or NULL;
 * from: his address, of which the /24 or /64 is kept. */
void usage_counts_stranger(struct usage_counts *c, int64_t at_us, struct str route,
			   const char *reason, const struct net_ip *from);

/* Any thread: grows with whatever is counted; 0: nothing ever was. */
uint64_t usage_counts_changes(const struct usage_counts *c);
/* Consumer: the counters in use, slot by slot. False: slot is free. */
bool usage_counts_get(const struct usage_counts *c, size_t slot, struct count_key *key,
		      uint64_t *serial, uint64_t *count);
/* Consumer: frees the slot, if it still has that very count. False: it has more. */
bool usage_counts_settle(struct usage_counts *c, size_t slot, uint64_t count);
/* Any thread: keeps the pages in use ready for stores. */
void usage_counts_touch(struct usage_counts *c);

#endif
