/* A lane's ring: its life, the producer's side and that of the journal's thread.
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
#include "gateway/journal/counts.h"
#include "gateway/journal/journal_files.h"
#include "gateway/journal/lane_priv.h"

#define LANE_MAX_BYTES (1u << 30)
#define PAGE 4096u
#define AHEAD_MIN (2 * PAGE) /* kept writable before an idle lane's head */

static struct usage_lane *make(uint64_t size)
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
	lane = make(size);
	lane->ring = aligned_alloc(CACHE_LINE, size);
	CHECK(lane->ring != NULL);
	return lane;
}

static struct usage_lane *make_of_files(int folder, const struct journal_file_head *head)
{
	struct usage_lane *lane = make(head->ring_bytes);

	lane->number = head->lane;
	lane->seed = journal_lane_seed(head->group, head->lane);
	lane->log = lane_log_new(folder, head);
	return lane;
}

struct usage_lane *usage_lane_create(int folder, const struct journal_file_head *like)
{
	struct usage_lane *lane = make_of_files(folder, like);
	struct journal_file_head head = *like;
	char name[JOURNAL_NAME_MAX];

	journal_ring_name(name, head.lane);
	head.kind = JOURNAL_RING_FILE;
	lane->mapping =
		journal_file_map(folder, name, &head, JOURNAL_FILE_HEAD + lane->size);
	if (lane->mapping == NULL) {
		usage_lane_free(&lane);
		return NULL;
	}
	lane->ring = (unsigned char *)lane->mapping + JOURNAL_FILE_HEAD;
	lane->note = (_Atomic uint64_t *)((char *)lane->mapping + JOURNAL_TAIL_OFFSET);
	return lane;
}

struct usage_lane *usage_lane_adopt(int folder, const struct journal_file_head *like)
{
	struct usage_lane *lane = make_of_files(folder, like);
	uint64_t tail;

	lane->adopted = true;
	if (journal_file_note(folder, like, &tail))
		usage_lane_set_tail(lane, tail);
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

void usage_lane_use_logs(struct usage_lane *lane, uint64_t oldest, uint64_t last)
{
	lane_log_adopt(lane->log, oldest, last);
}

void usage_lane_use_counts(struct usage_lane *lane, struct usage_counts *gaps,
			   struct usage_counts *strangers)
{
	lane->gaps = gaps;
	lane->strangers = strangers;
}

/* --- producer --- */

void usage_lane_succeed(struct usage_lane *lane, struct usage_lane *to)
{
	CHECK(atomic_load(&lane->successor) == NULL && to != lane);
	atomic_store_explicit(&lane->successor, to, memory_order_release);
}

static struct usage_lane *in_use(struct usage_lane *lane)
{
	struct usage_lane *next;

	while ((next = atomic_load_explicit(&lane->successor, memory_order_acquire)) !=
	       NULL)
		lane = next;
	return lane;
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
	lane = in_use(lane);
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
	uint64_t head, need = journal_record_bytes(n), to_end, skip;

	lane = in_use(lane);
	head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	to_end = lane_to_lap_end(lane, head);
	skip = need > to_end ? to_end : 0;
	if (!has_room(lane, head, skip + need))
		return false;
	if (skip) {
		journal_record_seal(&padding, lane->seed, JOURNAL_PADDING, head);
		memcpy(lane_place_of(lane, head), &padding, sizeof padding);
		head += skip;
	}
	journal_record_seal(&record.head, lane->seed, (uint32_t)n, head);
	memcpy(lane_place_of(lane, head), &record, sizeof record.head + n);
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
	lane = in_use(lane);
	if (lane->strangers != NULL)
		usage_counts_stranger(lane->strangers, at_us, route, reason, from);
}

/* --- journal's thread --- */

enum lane_copy usage_lane_copy(struct usage_lane *lane, const struct lane_room *room)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_acquire);
	uint64_t tail = usage_lane_tail(lane);
	uint64_t at = lane->copied > tail ? lane->copied : tail;
	enum lane_copy result = lane_log_copy(lane->log, lane->ring, &at, head, room);

	if (at > lane->copied) {
		pthread_mutex_lock(&lane->lock);
		lane->copied = at;
		lane_move_free(lane);
		pthread_mutex_unlock(&lane->lock);
	}
	return result;
}

bool usage_lane_sync(struct usage_lane *lane)
{
	bool ok = lane_log_sync(lane->log);

	lane_log_trim(lane->log, usage_lane_tail(lane));
	return ok;
}

/* A store into a page that is mapped but clean asks the file system, which may wait for
 * the disk. So this thread stores first, a value that changes nothing: the
 * compare-and-swap is one step also beside the producer's plain stores, since it owns the
 * cache line. */
__attribute__((noinline, no_sanitize("thread"))) static void touch(unsigned char *p)
{
	uint64_t *word = (uint64_t *)p, value = __atomic_load_n(word, __ATOMIC_RELAXED);

	__atomic_compare_exchange_n(word, &value, value, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

void usage_lane_touch_ahead(struct usage_lane *lane, uint64_t head, uint64_t moved)
{
	uint64_t ahead = 4 * moved > AHEAD_MIN ? 4 * moved : AHEAD_MIN;

	if (ahead > lane->size)
		ahead = lane->size;
	for (uint64_t at = 0; at < ahead; at += PAGE)
		touch(lane_place_of(lane, (head + at) & ~(uint64_t)(PAGE - 1)));
	usage_counts_touch(lane->gaps);
	usage_counts_touch(lane->strangers);
}

/* --- any thread --- */

uint64_t usage_lane_size(const struct usage_lane *lane)
{
	return lane->size;
}

uint64_t usage_lane_head(const struct usage_lane *lane)
{
	return atomic_load_explicit(&lane->head, memory_order_acquire);
}

uint64_t usage_lane_held_bytes(const struct usage_lane *lane)
{
	uint64_t free_to = atomic_load_explicit(&lane->free_to, memory_order_acquire);

	return usage_lane_head(lane) - free_to;
}

uint64_t usage_lane_tail(const struct usage_lane *lane)
{
	return atomic_load_explicit(&lane->tail, memory_order_relaxed);
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
