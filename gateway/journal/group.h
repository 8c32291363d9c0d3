/* A lane group: the lanes of one process's start, with their counters; a folder of the
 * journal.
 *
 *   <directory>/<32 hex digits>/group             the head: node, lanes; locked in use
 *                               lane-0.ring       the ring, mapped by its process
 *                               lane-0-<lap>.log  synced copies of its laps
 *                               lane-0.counts     gaps and strangers, mapped
 *
 * The lock (flock(2)) goes with the process: a group that is not locked is an orphan, and
 * whoever locks it next stores what it holds. */
#ifndef GATEWAY_JOURNAL_GROUP_H
#define GATEWAY_JOURNAL_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/counts.h"
#include "gateway/journal/journal_format.h"
#include "gateway/journal/lane.h"

struct usage_group {
	char name[JOURNAL_GROUP_HEX + 1];
	char node[JOURNAL_NODE_MAX + 1]; /* clean UTF-8 */
	bool adopted;
	bool ended; /* all of it is stored: some of its files may be removed already */
	/* token_generation.instance of the database that its events belong to. */
	bool has_instance;
	unsigned char instance[JOURNAL_INSTANCE_BYTES];
	int64_t started_us; /* wall clock, of the process that made it */
	struct usage_lane **lanes;
	size_t n_lanes;
	struct usage_counts **gaps, **strangers; /* one per lane */
	/* The rest is group.c's. */
	int directory; /* the journal's; -1: the group is in memory alone */
	int folder, lock;
	void **counts;    /* file mappings, or memory */
	uint64_t *inodes; /* of rings and counters, as they were made; NULL: adopted */
};

struct group_shape {
	const char *node;
	size_t n_lanes;
	uint32_t ring_bytes; /* a power of two */
};

/* A ring's size for one that is asked for: the next power of two, within JOURNAL_LAP_MIN
 * and _MAX. */
uint32_t usage_group_ring_bytes(uint32_t wanted);
/* What the files of a group take from the start, before any event waits. */
uint64_t usage_group_least_bytes(size_t n_lanes, uint32_t ring_bytes);

/* In memory alone: gone with the process. */
struct usage_group *usage_group_memory(const struct group_shape *shape);
/* Makes, locks and fills a folder. NULL: errno tells, nothing is left behind. */
struct usage_group *usage_group_make(int directory, const struct group_shape *shape);

enum group_state {
	GROUP_ADOPTED,
	GROUP_IN_USE, /* or it went away */
	GROUP_UNREADABLE,
};

/* Locks a group whose process is gone, and reads its head. *why: a static sentence for
 * GROUP_UNREADABLE. */
enum group_state usage_group_adopt(int directory, const char *name,
				   struct usage_group **out, const char **why);
/* To be read only, by whoever wants to know: its process may go on meanwhile, or come and
 * take it over; nothing is locked or changed. Close it. *in_use: a process has it. NULL:
 * *why, a static sentence. */
struct usage_group *usage_group_look(int directory, const char *name, bool *in_use,
				     const char **why);
/* Of such a group: up to where a lane is stored, as its ring's file notes at this moment.
 * False: it has no such file any more. */
bool usage_group_note(const struct usage_group *g, size_t lane, uint64_t *tail);
/* Of an own group: are its folder and its mapped files still there, and the same? NULL:
 * yes. Else what is not, and what that means; a static sentence. */
const char *usage_group_fault(const struct usage_group *g);
/* Of an adopted group: neither events nor counters wait in it, so that nobody needs to
 * know what is stored. */
bool usage_group_is_done(struct usage_group *g);
/* Its events belong to that database; noted on the disk before this returns. False: errno
 * tells; it holds for this process all the same. */
bool usage_group_note_instance(struct usage_group *g,
			       const unsigned char instance[JOURNAL_INSTANCE_BYTES]);
/* Reads the note again: someone may have handed the group over. */
void usage_group_read_instance(struct usage_group *g);
/* Nothing was ever appended or dropped: it may belong to any database. Own groups. */
bool usage_group_is_blank(const struct usage_group *g);
/* Its events are stored: the folder goes, for good, on the disk before this returns.
 * False: it may still be there, and whoever opens it needs its cursors. */
bool usage_group_remove(struct usage_group *g);
/* Ends the use of it; unlocks what was not removed. */
void usage_group_close(struct usage_group **group);

/* Removes a folder that a start has left half made more than an hour ago. */
void usage_group_sweep(int directory, const char *name);

#endif
