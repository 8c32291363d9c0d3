/* A lane's inside, shared by lane.c (ring), lane_log.c (logs on disk) and group.c
 * (files). */
#ifndef GATEWAY_JOURNAL_LANE_STATE_H
#define GATEWAY_JOURNAL_LANE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/journal/journal_format.h"
#include "gateway/journal/lane.h"

#define CACHE_LINE 64
#define LANE_NO_LAP UINT64_MAX
#define LANE_POSITION_MAX ((uint64_t)INT64_MAX) /* PostgreSQL's bigint */
#define LANE_UNPINNED UINT64_MAX
/* Where in a ring file's head the tail is noted, for those who have no database to
 * ask. */
#define LANE_TAIL_OFFSET 2048u

struct lane_log;

/* The producer's and the consumer's words lie on lines of their own, so that neither
 * slows the other down. */
struct usage_lane {
	unsigned char *ring; /* NULL: an adopted lane's, not loaded or missing */
	uint64_t size;       /* of the ring and of a lap */
	uint32_t seed, number;
	bool adopted;           /* no producer; ends where no valid record follows */
	void *mapping;          /* the ring's file, head included; NULL: in memory */
	struct lane_log *log;   /* NULL: in memory alone */
	_Atomic uint64_t *note; /* the tail, in the mapping */
	struct usage_counts *gaps, *strangers; /* the group's; each may be NULL */
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

/* --- lane.c --- */

struct usage_lane *lane_make(uint64_t size);
/* Journal's thread: what is before position is in the logs, or acknowledged. */
void lane_note_copied(struct usage_lane *lane, uint64_t position);

/* --- lane_log.c: the copies on disk, a file for each lap --- */

#define LANE_FILE_NAME_MAX 64

/* folder: of the group; stays the caller's, open for as long. head: a template with
 * group, lane, ring_bytes and started_us. */
struct lane_log *lane_log_new(int folder, const struct journal_file_head *head);
void lane_log_free(struct lane_log **log);
/* That template. */
const struct journal_file_head *lane_log_head(const struct lane_log *log);
/* There are logs from lap `oldest` to lap `last`, as far as they are not missing. */
void lane_log_adopt(struct lane_log *log, uint64_t oldest, uint64_t last);
/* "lane-2.ring", "lane-2-00000000000000ff.log"; is name such a log, with a lap that may
 * be? */
void lane_ring_name(char out[LANE_FILE_NAME_MAX], uint32_t lane);
void lane_log_name(char out[LANE_FILE_NAME_MAX], uint32_t lane, uint64_t lap);
bool lane_log_name_read(const char *name, uint32_t *lane, uint64_t *lap);

enum lane_copy {
	LANE_COPIED,
	LANE_FULL,  /* the journal's bound is reached */
	LANE_FAULT, /* errno tells */
};

/* Journal's thread: everything up to the head goes to the logs. may_grow: is there room
 * for one more file? Asked only then. */
enum lane_copy lane_copy(struct usage_lane *lane, bool (*may_grow)(void *ctx), void *ctx);
/* Journal's thread: what was copied is on the disk afterwards. False: errno tells. */
bool lane_sync(struct usage_lane *lane);
/* Journal's thread, for adopted lanes the consumer's: removes logs whose events are
 * stored. */
void lane_log_trim(struct usage_lane *lane);

/* Consumer. The valid record at that very position, as a log has it; NULL: none has. */
const unsigned char *lane_log_find(struct usage_lane *lane, uint64_t position);
/* Consumer: the first valid record at or behind position and before limit; LANE_NO_LAP:
 * none. */
uint64_t lane_log_seek(struct usage_lane *lane, uint64_t position, uint64_t limit);
/* Consumer: an adopted lane's ring, into memory. False: there is none that can be
 * read. */
bool lane_ring_load(struct usage_lane *lane);
/* Consumer: memory that was not used since the last call goes. */
void lane_log_rest(struct usage_lane *lane);

#endif
