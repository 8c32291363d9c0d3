/* A lane's consumer: reads what is in the ring or, where that was overwritten, in the
 * logs. */
#include <stdlib.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/journal/journal_files.h"
#include "gateway/journal/lane_priv.h"

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

/* An adopted lane's ring comes into memory. False: there is none that can be read. */
static bool load_ring(struct usage_lane *lane)
{
	char name[JOURNAL_NAME_MAX], shown[JOURNAL_SHOWN_MAX];
	unsigned char *bytes;

	if (lane->ring != NULL || lane->ring_missing)
		return lane->ring != NULL;
	bytes = aligned_alloc(CACHE_LINE, lane->size);
	CHECK(bytes != NULL);
	journal_ring_name(name, lane->number);
	lane->ring_missing = !journal_file_read_lap(lane_log_folder(lane->log), name,
						    lane_log_head(lane->log),
						    JOURNAL_RING_FILE, bytes);
	if (!lane->ring_missing)
		lane->ring = bytes;
	else
		free(bytes);
	if (lane->ring_missing && !lane->quiet)
		log_error("usage journal: %s is missing or not to be read: events that "
			  "no log of the lane holds are lost",
			  journal_file_shown(shown, lane_log_head(lane->log), name));
	return !lane->ring_missing;
}

void usage_lane_unload(struct usage_lane *lane)
{
	CHECK(lane->adopted);
	free(lane->ring);
	lane->ring = NULL;
}

/* The valid record at that very position; NULL: there is none. */
static const unsigned char *find(struct usage_lane *lane, uint64_t position)
{
	bool in_ring = lane->adopted ? load_ring(lane) : pin(lane, position);

	if (in_ring && journal_lap_holds(lane->ring, lane->size, lane->seed, position,
					 USAGE_RECORD_MAX))
		return lane_place_of(lane, position);
	return lane->log != NULL ? lane_log_find(lane->log, position) : NULL;
}

/* Behind what is damaged or missing: where reading goes on; JOURNAL_NONE: nowhere. */
static uint64_t seek(struct usage_lane *lane, uint64_t position, uint64_t limit)
{
	uint64_t to = limit;

	if (lane->adopted && load_ring(lane))
		to = journal_lap_seek(lane->ring, lane->size, lane->seed, position, to,
				      USAGE_RECORD_MAX);
	if (lane->log != NULL)
		to = lane_log_seek(lane->log, position, to);
	if (to == limit && !lane->adopted)
		to = atomic_load_explicit(&lane->free_to, memory_order_relaxed);
	if (to <= position || to >= limit)
		return JOURNAL_NONE;
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
		lane->adopted ? JOURNAL_POSITION_MAX
			      : atomic_load_explicit(&lane->head, memory_order_acquire);
	const struct journal_record_head *h;

	CHECK(position <= limit || lane->adopted);
	while (position < limit) {
		h = (const struct journal_record_head *)find(lane, position);
		if (h == NULL) {
			position = seek(lane, position, limit);
			continue; /* JOURNAL_NONE is no less than any limit */
		}
		if (h->length == JOURNAL_PADDING) {
			position += lane_to_lap_end(lane, position);
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
	lane_move_free(lane);
	pthread_mutex_unlock(&lane->lock);
	if (lane->log != NULL)
		lane_log_rest(lane->log);
}

void usage_lane_set_tail(struct usage_lane *lane, uint64_t position)
{
	pthread_mutex_lock(&lane->lock);
	atomic_store_explicit(&lane->tail, position, memory_order_release);
	if (lane->pin < position)
		lane->pin = position;
	lane_move_free(lane);
	pthread_mutex_unlock(&lane->lock);
	if (lane->note != NULL)
		atomic_store_explicit(lane->note, position, memory_order_relaxed);
}

void usage_lane_release(struct usage_lane *lane, uint64_t position)
{
	CHECK(position >= usage_lane_tail(lane));
	usage_lane_set_tail(lane, position);
	if (lane->adopted)
		lane_log_trim(lane->log, position);
}

bool usage_lane_noted(const struct usage_lane *lane, uint64_t *tail)
{
	return journal_file_note(lane_log_folder(lane->log), lane_log_head(lane->log),
				 tail);
}

void usage_lane_hush(struct usage_lane *lane)
{
	lane->quiet = true;
}

uint64_t usage_lane_skipped(const struct usage_lane *lane)
{
	return lane->skipped;
}
