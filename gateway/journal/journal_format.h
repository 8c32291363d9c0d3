/* The usage journal's names and bytes: files, a file's head, a record's head
 * (docs/usage-journal.md).
 *
 * Numbers are in the byte order of the machine that wrote them; a file of another order
 * is refused by its version. Pure. */
#ifndef GATEWAY_JOURNAL_JOURNAL_FORMAT_H
#define GATEWAY_JOURNAL_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_VERSION 1u
#define JOURNAL_VERSION_OLDEST 1u /* that this release reads: the one before its own */
#define JOURNAL_GROUP_BYTES 16
#define JOURNAL_GROUP_HEX 32 /* a lane group's name: 128 random bits */
#define JOURNAL_NODE_MAX 255

#define JOURNAL_ALIGN 16u /* of positions: a head always fits before a lap's end */
#define JOURNAL_RECORD_HEAD 16u
#define JOURNAL_FILE_HEAD 4096u
#define JOURNAL_POSITION_MAX ((uint64_t)INT64_MAX) /* PostgreSQL's bigint */
#define JOURNAL_NONE UINT64_MAX                    /* no position, no lap */
/* Where in a ring file's head the tail is noted, for those who have no database to
 * ask. */
#define JOURNAL_TAIL_OFFSET 2048u

/* Where in a group's file it is noted which database its events belong to, and what that
 * takes: the instance and a CRC-32C of group and instance. */
#define JOURNAL_INSTANCE_OFFSET 2048u
#define JOURNAL_INSTANCE_BYTES 16
#define JOURNAL_INSTANCE_NOTE (JOURNAL_INSTANCE_BYTES + 4)

/* Where in it the group's own seed (journal_lane_seed of JOURNAL_ENDED) is noted before
 * its files are removed. */
#define JOURNAL_ENDED_OFFSET 2080u
#define JOURNAL_ENDED UINT32_MAX

/* A lap is what one turn of a lane's ring holds; a log file holds one lap. Powers of
 * two. */
#define JOURNAL_LAP_MIN (64u * 1024)
#define JOURNAL_LAP_MAX (64u * 1024 * 1024)

#define JOURNAL_LANES_MAX 1024 /* of a group */

/* --- names --- */

#define JOURNAL_NAME_MAX 64
#define JOURNAL_GROUP_NAME "group" /* of the file that tells what its folder is */
#define JOURNAL_FRESH ".new-"      /* begins the name of a folder that is being made */

/* "lane-2.ring", "lane-2.counts", "lane-2-00000000000000ff.log"; is name such a log, with
 * a lap that may be? */
void journal_ring_name(char out[JOURNAL_NAME_MAX], uint32_t lane);
void journal_counts_name(char out[JOURNAL_NAME_MAX], uint32_t lane);
void journal_log_name(char out[JOURNAL_NAME_MAX], uint32_t lane, uint64_t lap);
bool journal_log_name_read(const char *name, uint32_t *lane, uint64_t *lap);
/* 32 hex digits. */
bool journal_is_group(const char *name);

/* --- a file's head --- */

enum journal_file_kind {
	JOURNAL_GROUP_FILE = 1,
	JOURNAL_RING_FILE,
	JOURNAL_LOG_FILE,
	JOURNAL_COUNTS_FILE,
};

/* The first bytes of each file; crc covers what comes before it. */
struct journal_file_head {
	char magic[8]; /* "tollgate" */
	uint32_t version;
	uint32_t kind;
	unsigned char group[JOURNAL_GROUP_BYTES];
	uint32_t lane; /* in the group's file: how many */
	uint32_t ring_bytes;
	uint64_t lap;       /* of a log file */
	int64_t started_us; /* of the process, wall clock */
	uint32_t node_length;
	char node[JOURNAL_NODE_MAX + 1]; /* the group's file only */
	uint32_t crc;
};

/* Fills magic, version and crc. */
void journal_file_head_seal(struct journal_file_head *h);
/* NULL: one of ours, of a version that this release reads, of that kind. Else why not, a
 * static sentence. */
const char *journal_file_head_fault(const struct journal_file_head *h,
				    enum journal_file_kind kind);

/* The note that says so; and what such a note says. False: nothing. */
void journal_instance_put(unsigned char note[JOURNAL_INSTANCE_NOTE],
			  const unsigned char group[JOURNAL_GROUP_BYTES],
			  const unsigned char instance[JOURNAL_INSTANCE_BYTES]);
bool journal_instance_get(const unsigned char note[JOURNAL_INSTANCE_NOTE],
			  const unsigned char group[JOURNAL_GROUP_BYTES],
			  unsigned char instance[JOURNAL_INSTANCE_BYTES]);

/* --- records --- */

/* The crc covers, beside the record's bytes, its length and position and (by the seed)
 * its group and lane. So what an earlier turn or another lane has left in a ring is
 * none. */
struct journal_record_head {
	uint32_t crc;
	uint32_t length; /* JOURNAL_PADDING: nothing up to the lap's end */
	uint64_t position;
};

#define JOURNAL_PADDING UINT32_MAX

uint32_t journal_lane_seed(const unsigned char group[JOURNAL_GROUP_BYTES], uint32_t lane);
/* Room that a record of n bytes takes, its head included. */
static inline uint64_t journal_record_bytes(size_t n)
{
	return JOURNAL_RECORD_HEAD +
	       (((uint64_t)n + JOURNAL_ALIGN - 1) & ~(uint64_t)(JOURNAL_ALIGN - 1));
}

/* Completes the head that stands right before the n bytes of a record (or before nothing,
 * for padding). */
void journal_record_seal(struct journal_record_head *h, uint32_t seed, uint32_t length,
			 uint64_t position);
/* Is there a whole record, or padding, of that very position at p? left: bytes from p to
 * the lap's end. At most max bytes long. p is aligned to 8. */
bool journal_record_valid(const unsigned char *p, uint64_t left, uint32_t seed,
			  uint64_t position, uint32_t max);
/* A lap (size bytes, a power of two) as a ring or a log has it: does it hold the record
 * of that very position? */
bool journal_lap_holds(const unsigned char *lap, uint64_t size, uint32_t seed,
		       uint64_t position, uint32_t max);
/* The first record that it holds, of any turn, at or behind position; limit: none is
 * before that. */
uint64_t journal_lap_seek(const unsigned char *lap, uint64_t size, uint32_t seed,
			  uint64_t position, uint64_t limit, uint32_t max);

#endif
