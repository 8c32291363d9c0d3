/* The latest calls, for all readers of the live feed. */
#include "gateway/manager/live_ring.h"

#include <stdlib.h>

#include "common/check.h"

struct live_ring {
	uint64_t first, end;
	size_t bytes;
	size_t sizes[LIVE_RING_ROWS]; /* as they were counted */
	struct live_row rows[LIVE_RING_ROWS];
};

struct live_ring *live_ring_new(void)
{
	struct live_ring *r = xcalloc(1, sizeof *r);

	r->first = r->end = 1;
	return r;
}

void live_ring_free(struct live_ring **r)
{
	if (*r != NULL)
		live_ring_clear(*r);
	free(*r);
	*r = NULL;
}

uint64_t live_ring_first(const struct live_ring *r)
{
	return r->first;
}

uint64_t live_ring_end(const struct live_ring *r)
{
	return r->end;
}

struct live_row *live_ring_at(const struct live_ring *r, uint64_t n)
{
	CHECK(n >= r->first && n < r->end);
	return (struct live_row *)(uintptr_t)&r->rows[n % LIVE_RING_ROWS];
}

bool live_ring_is_full(const struct live_ring *r)
{
	return r->first < r->end &&
	       (r->end - r->first == LIVE_RING_ROWS || r->bytes >= LIVE_RING_BYTES);
}

void live_ring_drop_first(struct live_ring *r)
{
	size_t at = r->first % LIVE_RING_ROWS;

	CHECK(r->first < r->end);
	r->bytes -= r->sizes[at];
	live_row_fini(&r->rows[at]);
	r->first++;
}

void live_ring_put(struct live_ring *r, const struct live_row *row)
{
	size_t at = r->end % LIVE_RING_ROWS;

	CHECK(!live_ring_is_full(r));
	r->rows[at] = *row;
	r->sizes[at] = live_row_bytes(row);
	r->bytes += r->sizes[at];
	r->end++;
}

void live_ring_clear(struct live_ring *r)
{
	while (r->first < r->end)
		live_ring_drop_first(r);
}
