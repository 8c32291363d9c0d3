/* Lines from any number of threads to one reader, in bounded memory, without a lock.
 *
 * A writer reserves slots by moving `head`, copies, and publishes the copy through the
 * size at its first slot; the reader follows with `tail`. Both only grow. A writer that
 * is interrupted in between holds back what comes after it, but no other writer. */
#include "common/line_ring.h"

#include <stdatomic.h>

#include "common/check.h"

#define SLOT_BYTES 64
#define CACHE_LINE 64

struct line_ring {
	size_t n_slots;
	_Atomic uint32_t *sizes; /* by first slot; 0: not there yet */
	char *bytes;
	_Atomic uint64_t lost;
	_Atomic uint64_t head; /* slots reserved so far */
	char apart[CACHE_LINE - sizeof(uint64_t)];
	_Atomic uint64_t tail; /* slots given back so far */
};

struct line_ring *line_ring_new(size_t bytes)
{
	struct line_ring *r = xcalloc(1, sizeof *r);

	CHECK(bytes >= 4096 && bytes <= UINT32_MAX / 2 && (bytes & (bytes - 1)) == 0);
	r->n_slots = bytes / SLOT_BYTES;
	r->sizes = xcalloc(r->n_slots, sizeof *r->sizes);
	r->bytes = xmalloc(bytes);
	return r;
}

void line_ring_free(struct line_ring **ring)
{
	struct line_ring *r = *ring;

	*ring = NULL;
	if (r == NULL)
		return;
	free(r->sizes);
	free(r->bytes);
	free(r);
}

static size_t slots_for(size_t n)
{
	return (n + SLOT_BYTES - 1) / SLOT_BYTES;
}

static bool reserve(struct line_ring *r, size_t slots, uint64_t *at)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	do {
		uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

		/* A head that is out of date fails in the exchange. */
		if (head - tail + slots > r->n_slots && head >= tail)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&r->head, &head, head + slots,
							memory_order_relaxed,
							memory_order_relaxed));
	*at = head;
	return true;
}

/* How many bytes from slot `at` on lie before the end of the memory. */
static size_t before_end(const struct line_ring *r, uint64_t at)
{
	return (r->n_slots - at % r->n_slots) * SLOT_BYTES;
}

bool line_ring_put(struct line_ring *r, struct str text)
{
	uint64_t at;
	size_t first;

	CHECK(text.n > 0);
	if (text.n > r->n_slots * SLOT_BYTES || !reserve(r, slots_for(text.n), &at)) {
		atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
		return false;
	}
	first = before_end(r, at) < text.n ? before_end(r, at) : text.n;
	memcpy(r->bytes + at % r->n_slots * SLOT_BYTES, text.p, first);
	memcpy(r->bytes, text.p + first, text.n - first);
	atomic_store_explicit(&r->sizes[at % r->n_slots], (uint32_t)text.n,
			      memory_order_release);
	return true;
}

void line_ring_take(struct line_ring *r, struct sbuf *out, size_t max)
{
	uint64_t at = atomic_load_explicit(&r->tail, memory_order_relaxed);

	while (out->n < max) {
		_Atomic uint32_t *size = &r->sizes[at % r->n_slots];
		size_t n = atomic_load_explicit(size, memory_order_acquire), first;

		if (n == 0)
			return;
		first = before_end(r, at) < n ? before_end(r, at) : n;
		sbuf_add(out, r->bytes + at % r->n_slots * SLOT_BYTES, first);
		sbuf_add(out, r->bytes, n - first);
		atomic_store_explicit(size, 0, memory_order_relaxed);
		at += slots_for(n);
		atomic_store_explicit(&r->tail, at, memory_order_release);
	}
}

uint64_t line_ring_lost(const struct line_ring *r)
{
	return atomic_load_explicit(&r->lost, memory_order_relaxed);
}
