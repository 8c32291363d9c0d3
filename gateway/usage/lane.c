/* A bounded single-producer, single-consumer ring of encoded events in memory.
 *
 * Positions are bytes since the lane's start and never wrap (2^64 bytes outlive any
 * process); position modulo size is the place in the ring. A record is an 8-byte header
 * (its length) and the bytes, rounded up to 8, and never crosses the ring's end: where it
 * does not fit there, a padding record fills the rest. */
#include "gateway/usage/lane.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "common/check.h"

#define CACHE_LINE 64
#define LANE_MIN_BYTES (64u * 1024)
#define LANE_MAX_BYTES (1u << 30)
#define HEADER_BYTES 8u
#define PADDING UINT64_MAX

/* The producer's and the consumer's words lie on lines of their own, so that neither
 * slows the other down. */
struct usage_lane {
	unsigned char *ring;
	size_t size;

	/* Written by the producer. */
	_Alignas(CACHE_LINE) _Atomic uint64_t head;
	_Atomic uint64_t appended, dropped;
	uint64_t tail_seen; /* a copy; read anew only when the ring looks full */

	/* Written by the consumer. */
	_Alignas(CACHE_LINE) _Atomic uint64_t tail;
};

struct usage_lane *usage_lane_new(size_t bytes)
{
	struct usage_lane *lane = aligned_alloc(CACHE_LINE, sizeof *lane);
	size_t size = LANE_MIN_BYTES;

	CHECK(lane != NULL && bytes <= LANE_MAX_BYTES);
	while (size < bytes)
		size *= 2;
	*lane = (struct usage_lane){.ring = xmalloc(size), .size = size};
	return lane;
}

void usage_lane_free(struct usage_lane **lane)
{
	if (*lane == NULL)
		return;
	free((*lane)->ring);
	free(*lane);
	*lane = NULL;
}

static void put_header(struct usage_lane *lane, uint64_t position, uint64_t header)
{
	memcpy(lane->ring + (position & (lane->size - 1)), &header, sizeof header);
}

static uint64_t header_at(const struct usage_lane *lane, uint64_t position)
{
	uint64_t header;

	memcpy(&header, lane->ring + (position & (lane->size - 1)), sizeof header);
	return header;
}

static uint64_t to_ring_end(const struct usage_lane *lane, uint64_t position)
{
	return lane->size - (position & (lane->size - 1));
}

static uint64_t record_bytes(size_t n)
{
	return HEADER_BYTES + ((n + 7) & ~(size_t)7);
}

/* Only the producer writes these, so no read-modify-write is needed. */
static void bump(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter,
			      atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static bool has_room(struct usage_lane *lane, uint64_t head, uint64_t need)
{
	if (head + need - lane->tail_seen <= lane->size)
		return true;
	lane->tail_seen = atomic_load_explicit(&lane->tail, memory_order_acquire);
	return head + need - lane->tail_seen <= lane->size;
}

bool usage_lane_append(struct usage_lane *lane, const struct usage_event *e)
{
	unsigned char record[USAGE_RECORD_MAX];
	size_t n = usage_event_encode(e, record);
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	uint64_t need = record_bytes(n), to_end = to_ring_end(lane, head);
	uint64_t skip = need > to_end ? to_end : 0;

	if (!has_room(lane, head, skip + need)) {
		bump(&lane->dropped);
		return false;
	}
	if (skip)
		put_header(lane, head, PADDING);
	head += skip;
	put_header(lane, head, n);
	memcpy(lane->ring + (head & (lane->size - 1)) + HEADER_BYTES, record, n);
	bump(&lane->appended);
	atomic_store_explicit(&lane->head, head + need, memory_order_release);
	return true;
}

bool usage_lane_read(const struct usage_lane *lane, uint64_t position,
		     const unsigned char **bytes, size_t *n, uint64_t *next)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_acquire);

	CHECK(position <= head);
	if (position == head)
		return false;
	/* Padding is published together with the record behind it. */
	if (header_at(lane, position) == PADDING)
		position += to_ring_end(lane, position);
	*n = (size_t)header_at(lane, position);
	*bytes = lane->ring + (position & (lane->size - 1)) + HEADER_BYTES;
	*next = position + record_bytes(*n);
	CHECK(*n <= USAGE_RECORD_MAX && *next <= head);
	return true;
}

uint64_t usage_lane_tail(const struct usage_lane *lane)
{
	return atomic_load_explicit(&lane->tail, memory_order_relaxed);
}

void usage_lane_release(struct usage_lane *lane, uint64_t position)
{
	CHECK(position >= usage_lane_tail(lane));
	atomic_store_explicit(&lane->tail, position, memory_order_release);
}

uint64_t usage_lane_appended(const struct usage_lane *lane)
{
	return atomic_load_explicit(&lane->appended, memory_order_relaxed);
}

uint64_t usage_lane_dropped(const struct usage_lane *lane)
{
	return atomic_load_explicit(&lane->dropped, memory_order_relaxed);
}

size_t usage_lane_backlog_bytes(const struct usage_lane *lane)
{
	/* The tail first: a head read later is never behind it. */
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_acquire);

	return (size_t)(atomic_load_explicit(&lane->head, memory_order_acquire) - tail);
}
