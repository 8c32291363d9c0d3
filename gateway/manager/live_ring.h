/* The latest calls, for all readers of the live feed: a ring of bounded size in which
 * each reader has a place of its own, so that nothing is kept per reader.
 *
 * The manager's thread. */
#ifndef GATEWAY_MANAGER_LIVE_RING_H
#define GATEWAY_MANAGER_LIVE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/manager/live_row.h"

#define LIVE_RING_ROWS 2048u
#define LIVE_RING_BYTES ((size_t)2 * 1024 * 1024)

struct live_ring;

struct live_ring *live_ring_new(void);
void live_ring_free(struct live_ring **r);

/* Rows have numbers from 1 on: first <= n < end are there. */
uint64_t live_ring_first(const struct live_ring *r);
uint64_t live_ring_end(const struct live_ring *r);
struct live_row *live_ring_at(const struct live_ring *r, uint64_t n);
/* There is one row too many: the first has to go before one is put. */
bool live_ring_is_full(const struct live_ring *r);
void live_ring_drop_first(struct live_ring *r);
/* Takes the row over. */
void live_ring_put(struct live_ring *r, const struct live_row *row);
/* All rows go; numbers go on. */
void live_ring_clear(struct live_ring *r);

#endif
