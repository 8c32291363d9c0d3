/* The usage journal of one process: its own lane group, the thread that copies it to
 * disk, and the groups that other processes have left (docs/usage-journal.md). */
#ifndef GATEWAY_JOURNAL_JOURNAL_H
#define GATEWAY_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/group.h"

#define JOURNAL_RENEWALS_MAX 4 /* of one process's own group */

struct usage_journal;
struct usage_tap;

struct journal_options {
	/* made if missing; NULL: memory alone, for what it takes */
	const char *directory;
	const char *node;
	size_t n_lanes;
	uint64_t max_bytes; /* of all files in the directory, those of other groups too */
	uint32_t ring_bytes; /* rounded up to a power of two */
	uint32_t sync_ms;
	struct usage_tap *tap; /* for who looks on; outlives the journal; NULL: nobody */
};

/* Groups of dead processes in which nothing waits are removed. Where the directory cannot
 * be used, or has no room for a group, it says so in the log and works in memory until it
 * can: usage_journal_renewed. NULL: no thread can be started (logged), nothing is left
 * behind. Main thread. */
struct usage_journal *usage_journal_open(const struct journal_options *o);
/* Producers must have stopped, and all of the own group is in the database: its folder
 * goes, before this returns. False: it does not, so that its cursors must stay. Any
 * thread. */
bool usage_journal_discard(struct usage_journal *j);
/* Producers and recorder must have stopped. What was not discarded waits for the next
 * process. */
void usage_journal_close(struct usage_journal **j);

/* Any thread; the latest of them. */
struct usage_group *usage_journal_own(struct usage_journal *j);
/* Consumer's thread: a new own group, which the lanes of the one before lead to from now
 * on; that one stays, for what it holds and what is just being appended to it, until the
 * journal is closed. Because there is room now, or because that one's files were taken
 * away. NULL: none. */
struct usage_group *usage_journal_renewed(struct usage_journal *j);
bool usage_journal_is_durable(const struct usage_journal *j);
/* Consumer's thread: a group that no process uses, in which something waits, locked and
 * ready to be read; NULL: none. Others in which nothing does go on the way. The caller
 * closes it, before the journal. */
struct usage_group *usage_journal_adopt(struct usage_journal *j);
/* Consumer's thread: such a group is stored, its folder goes. False: it does not, so that
 * its cursors must stay; after a while usage_journal_adopt has it again, to try once
 * more. */
bool usage_journal_part(struct usage_journal *j, struct usage_group *group);
/* Consumer's thread: such a group, which the caller closes now, cannot be stored for the
 * time being; usage_journal_adopt has it again after some seconds. True: for the first
 * time. */
bool usage_journal_set_aside(struct usage_journal *j, const struct usage_group *group);

#endif
