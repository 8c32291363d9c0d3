/* A lane's ring.
 *
 * Positions are bytes since the lane's start and never wrap (2^64 bytes outlive any
 * process); position modulo size is the place in the ring. A record is a head of 16 bytes
 * (journal_format.h) and the event, rounded up to 16, and never crosses the ring's end:
 * where it does not fit there, a padding record fills the rest.
 *
 * Room: the producer may write up to free_to + size. free_to is the larger of what is
 * acknowledged (tail) and what is in the logs (copied), but never beyond what the
 * consumer is reading in the ring (pin); consumer and journal's thread move it under a
 * lock that no producer ever takes. */
#include <stdlib.h>
#include <sys/mman.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/journal/counts.h"
#include "gateway/journal/lane_state.h"

#define LANE_MAX_BYTES (1u << 30)

struct usage_lane *lane_make(uint64_t size)
{
	struct usage_lane *lane = aligned_alloc(CACHE_LINE, sizeof *lane);

	CHECK(lane != NULL);
	*lane = (struct usage_lane){.size = size, .pin = LANE_UNPINNED};
	CHECK(pthread_mutex_init(&lane->lock, NULL) == 0);
	return lane;
}

struct usage_lane *usage_lane_new(size_t bytes)
{
	uint64_t size = JOURNAL_LAP_MIN;
	struct usage_lane *lane;

	CHECK(bytes <= LANE_MAX_BYTES);
	while (size < bytes)
		size *= 2;
	lane = lane_make(size);
	lane->ring = aligned_alloc(CACHE_LINE, size);
	CHECK(lane->ring != NULL);
	return lane;
}

void usage_lane_free(struct usage_lane **lane)
{
	struct usage_lane *l = *lane;

	*lane = NULL;
	if (l == NULL)
		return;
	if (l->mapping != NULL)
		munmap(l->mapping, JOURNAL_FILE_HEAD + l->size);
	else
		free(l->ring);
	lane_log_free(&l->log);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* --- producer --- */

static uint64_t to_lap_end(const struct usage_lane *lane, uint64_t position)
{
	return lane->size - (position & (lane->size - 1));
}

static unsigned char *place_of(const struct usage_lane *lane, uint64_t position)
{
	return lane->ring + (position & (lane->size - 1));
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
	if (head + need - lane->free_seen <= lane->size)
		return true;
	lane->free_seen = atomic_load_explicit(&lane->free_to, memory_order_acquire);
	return head + need - lane->free_seen <= lane->size;
}

void usage_lane_drop(struct usage_lane *lane, const struct usage_event *e)
{
	bump(&lane->dropped);
	if (lane->gaps != NULL)
		usage_counts_gap(lane->gaps, e->used_at_us, e->token_id, e->route_path);
}

bool usage_lane_offer(struct usage_lane *lane, const struct usage_event *e)
{
	struct {
		struct journal_record_head head;
		unsigned char bytes[USAGE_RECORD_MAX];
	} record;
	struct journal_record_head padding;
	size_t n = usage_event_encode(e, record.bytes);
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	uint64_t need = journal_record_bytes(n), to_end = to_lap_end(lane, head);
	uint64_t skip = need > to_end ? to_end : 0;

	if (!has_room(lane, head, skip + need))
		return false;
	if (skip) {
		journal_record_seal(&padding, lane->seed, JOURNAL_PADDING, head);
		memcpy(place_of(lane, head), &padding, sizeof padding);
		head += skip;
	}
	journal_record_seal(&record.head, lane->seed, (uint32_t)n, head);
	memcpy(place_of(lane, head), &record, sizeof record.head + n);
	bump(&lane->appended);
	atomic_store_explicit(&lane->head, head + need, memory_order_release);
	return true;
}

bool usage_lane_append(struct usage_lane *lane, const struct usage_event *e)
{
	if (usage_lane_offer(lane, e))
		return true;
	usage_lane_drop(lane, e);
	return false;
}

void usage_lane_stranger(struct usage_lane *lane, int64_t at_us, struct str route,
			 const char *reason, const struct net_ip *from)
{
	if (lane->strangers != NULL)
		usage_counts_stranger(lane->strangers, at_us, route, reason, from);
}

/* --- consumer --- */

/* Under the lock. */
static void move_free(struct usage_lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
	uint64_t to = lane->copied > tail ? lane->copied : tail;

	if (lane->pin < to)
		to = lane->pin;
	if (to > atomic_load_explicit(&lane->free_to, memory_order_relaxed))
		atomic_store_explicit(&lane->free_to, to, memory_order_release);
}

void lane_note_copied(struct usage_lane *lane, uint64_t position)
{
	pthread_mutex_lock(&lane->lock);
	lane->copied = position;
	move_free(lane);
	pthread_mutex_unlock(&lane->lock);
}

/* True: the ring holds position, and keeps what follows it until the consumer rests. */
static bool pin(struct usage_lane *lane, uint64_t position)
{
	bool there;

	if (lane->pin <= position) /* the consumer alone writes it */
		return true;
	pthread_mutex_lock(&lane->lock);
	there = position >= atomic_load_explicit(&lane->free_to, memory_order_relaxed);
	if (there)
		lane->pin = position;
	pthread_mutex_unlock(&lane->lock);
	return there;
}

static bool is_valid(const struct usage_lane *lane, const unsigned char *p,
		     uint64_t position)
{
	return journal_record_valid(p, to_lap_end(lane, position), lane->seed, position,
				    USAGE_RECORD_MAX);
}

/* The valid record at that very position; NULL: there is none. */
static const unsigned char *find(struct usage_lane *lane, uint64_t position)
{
	bool in_ring = lane->adopted ? lane_ring_load(lane) : pin(lane, position);

	if (in_ring && is_valid(lane, place_of(lane, position), position))
		return place_of(lane, position);
	return lane->log != NULL ? lane_log_find(lane, position) : NULL;
}

static uint64_t seek(struct usage_lane *lane, uint64_t position, uint64_t limit)
{
	uint64_t to =
		lane->log != NULL ? lane_log_seek(lane, position, limit) : LANE_NO_LAP;

	if (to == LANE_NO_LAP && !lane->adopted)
		to = atomic_load_explicit(&lane->free_to, memory_order_relaxed);
	if (to == LANE_NO_LAP || to <= position || to >= limit)
		return LANE_NO_LAP;
	lane->skipped += to - position;
	if (!lane->quiet)
		log_error("usage journal: lane %u: %llu bytes at %llu are damaged or "
			  "missing; the events in them are lost",
			  lane->number, (unsigned long long)(to - position),
			  (unsigned long long)position);
	return to;
}

bool usage_lane_read(struct usage_lane *lane, uint64_t position,
		     const unsigned char **bytes, size_t *n, uint64_t *next)
{
	uint64_t limit =
		lane->adopted ? LANE_POSITION_MAX
			      : atomic_load_explicit(&lane->head, memory_order_acquire);
	const struct journal_record_head *h;

	CHECK(position <= limit || lane->adopted);
	while (position < limit) {
		h = (const struct journal_record_head *)find(lane, position);
		if (h == NULL) {
			position = seek(lane, position, limit);
			continue; /* LANE_NO_LAP is no less than any limit */
		}
		if (h->length == JOURNAL_PADDING) {
			position += to_lap_end(lane, position);
			continue;
		}
		*n = h->length;
		*bytes = (const unsigned char *)(h + 1);
		*next = position + journal_record_bytes(*n);
		return true;
	}
	return false;
}

void usage_lane_rest(struct usage_lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->pin = LANE_UNPINNED;
	move_free(lane);
	pthread_mutex_unlock(&lane->lock);
	if (lane->log != NULL)
		lane_log_rest(lane);
}

uint64_t usage_lane_tail(const struct usage_lane *lane)
{
	return atomic_load_explicit(&lane->tail, memory_order_relaxed);
}

void usage_lane_set_tail(struct usage_lane *lane, uint64_t position)
{
	pthread_mutex_lock(&lane->lock);
	atomic_store_explicit(&lane->tail, position, memory_order_release);
	if (lane->pin < position)
		lane->pin = position;
	move_free(lane);
	pthread_mutex_unlock(&lane->lock);
	if (lane->note != NULL)
		atomic_store_explicit(lane->note, position, memory_order_relaxed);
}

void usage_lane_release(struct usage_lane *lane, uint64_t position)
{
	CHECK(position >= usage_lane_tail(lane));
	usage_lane_set_tail(lane, position);
	if (lane->adopted)
		lane_log_trim(lane);
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
