/* What batches have stored of one lane: how many events up to which position, of which
 * times. So that, when a database turns out to lack the latest of them (a failover
 * without synchronous replication, a restored copy), what is gone can be counted.
 *
 * Pure. Of bounded size: the older, the coarser; what is counted then is no less than
 * what is gone. */
#ifndef GATEWAY_RECORDER_LANE_PAST_H
#define GATEWAY_RECORDER_LANE_PAST_H

#include <stddef.h>
#include <stdint.h>

#define LANE_PAST_MAX 512

struct past_batch {
	uint64_t to; /* the position behind it */
	uint64_t events;
	int64_t first_us, last_us; /* used_at; 0: not known */
};

struct lane_past {
	struct past_batch *list; /* ascending */
	size_t n, room;
};

void lane_past_fini(struct lane_past *p);
/* b->to is larger than that of any before. */
void lane_past_add(struct lane_past *p, const struct past_batch *b);
/* All that ends behind the position, in one; events is 0: nothing. */
struct past_batch lane_past_behind(const struct lane_past *p, uint64_t position);

#endif
