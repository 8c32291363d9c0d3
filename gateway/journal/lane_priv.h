/* A lane's inside, shared by lane.c (life, producer, journal's thread) and lane_read.c
 * (consumer). */
#ifndef GATEWAY_JOURNAL_LANE_PRIV_H
#define GATEWAY_JOURNAL_LANE_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/journal/journal_format.h"
#include "gateway/journal/lane.h"

#define CACHE_LINE 64
#define LANE_UNPINNED UINT64_MAX

/* The producer's and the consumer's words lie on lines of their own, so that neither
 * slows the other down. */
struct usage_lane {
	unsigned char *ring; /* NULL: an adopted lane's, not loaded or missing */
	uint64_t size;       /* of the ring and of a lap */
	uint32_t seed, number;
	bool adopted;           /* no producer; ends where no valid record follows */
	bool ring_missing;      /* adopted: it cannot be loaded */
	void *mapping;          /* the ring's file, head included; NULL: in memory */
	struct lane_log *log;   /* NULL: in memory alone */
	_Atomic uint64_t *note; /* the tail, in the mapping */
	struct usage_counts *gaps, *strangers; /* the group's; each may be NULL */
	/* What is appended from now on goes there; NULL: here. Set once. */
	struct usage_lane *_Atomic successor;
	bool quiet;       /* what is damaged is for the reader to tell */
	uint64_t skipped; /* bytes so far, damaged or missing */

	/* Written by the producer. */
	_Alignas(CACHE_LINE) _Atomic uint64_t head;
	_Atomic uint64_t appended, dropped;
	uint64_t free_seen; /* a copy; read anew only when the ring looks full */

	/* Written by consumer and copier. What is before free_to may be overwritten. */
	_Alignas(CACHE_LINE) _Atomic uint64_t free_to;
	_Atomic uint64_t tail;
	pthread_mutex_t lock; /* for the two below, and to move free_to */
	uint64_t copied;      /* what is before is in the logs, or acknowledged */
	uint64_t pin;         /* the consumer reads the ring from here on */
};

static inline uint64_t lane_to_lap_end(const struct usage_lane *lane, uint64_t position)
{
	return lane->size - (position & (lane->size - 1));
}

static inline unsigned char *lane_place_of(const struct usage_lane *lane,
					   uint64_t position)
{
	return lane->ring + (position & (lane->size - 1));
}

/* Under the lock. */
static inline void lane_move_free(struct usage_lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
	uint64_t to = lane->copied > tail ? lane->copied : tail;

	if (lane->pin < to)
		to = lane->pin;
	if (to > atomic_load_explicit(&lane->free_to, memory_order_relaxed))
		atomic_store_explicit(&lane->free_to, to, memory_order_release);
}

#endif
