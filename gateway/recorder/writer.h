/* Writes batches from the lanes to PostgreSQL, exactly once, one at a time.
 *
 * A batch is one transaction: the group's cursors (usage_cursors) move from where the
 * batch starts to where it ends, the rows go in by COPY. The
 * cursor in the database is the acknowledgement: after a connection is lost, whether
 * before or after COMMIT took effect, it alone tells what is stored. Beside the process's
 * own group it writes adopted ones, in turn, so that neither waits for the other. All on
 * the thread of the event base. */
#ifndef GATEWAY_RECORDER_WRITER_H
#define GATEWAY_RECORDER_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/journal.h"

#define WRITER_GROUPS_MAX 3 /* the own and adopted ones */

struct event_base;
struct recording;
struct resolver;
struct usage_writer;

/* Written by the writer's thread, read by any. */
struct writer_counters {
	_Atomic uint64_t written, rejected, repeated, batches, failures;
	_Atomic uint64_t own; /* written, rejected and repeated of the own group */
	_Atomic bool connected;
};

struct writer_options {
	struct event_base *base;
	const char *database;
	struct resolver *resolver;
	size_t batch_rows; /* to begin with */
	size_t batch_rows_max;
	uint32_t timeout_ms;
	struct usage_journal *journal; /* whose own group is written */
	struct writer_counters *counters;
	struct recording *recording; /* hears whether it goes on; may be NULL */
};

struct usage_writer *usage_writer_new(const struct writer_options *o);
/* Abandons a batch that is under way: its rows count as not written. */
void usage_writer_free(struct usage_writer **w);

/* Takes an adopted group over; it is stored, its folder removed. Its cursors stay, for
 * the folder may come back from a copy. False: there are WRITER_GROUPS_MAX already. */
bool usage_writer_adopt(struct usage_writer *w, struct usage_group *group);
size_t usage_writer_adopted(const struct usage_writer *w);
/* The journal has another own group; the one before is written as well, to the end. Call
 * it when idle. */
void usage_writer_renew(struct usage_writer *w, struct usage_group *own);
/* From now on only the own group is written. */
void usage_writer_only_own(struct usage_writer *w);

/* Starts what is due, if nothing runs: joining the database after a reconnect,
 * partitions, counters, or (where `write` is set) a batch of all that waits in the own
 * group. Adopted groups are written meanwhile. Call it by a timer; a writer with more to
 * do goes on by itself. */
void usage_writer_turn(struct usage_writer *w, bool write);
/* Tells what waits in all its groups, and, where nothing does, that recording goes on. As
 * often as people look. */
void usage_writer_tell(struct usage_writer *w);
/* No statement is under way. Whether all is stored, the lanes' tails say. */
bool usage_writer_is_idle(const struct usage_writer *w);
/* The database's tables fit: it may be worked on. */
bool usage_writer_may_work(const struct usage_writer *w);
/* All counters of the own group were stored at the last look, a moment ago; or there are
 * none. */
bool usage_writer_counts_are_stored(const struct usage_writer *w);
/* The own group belongs to another database than the one that was reached: nothing of it
 * is written. */
bool usage_writer_is_foreign(const struct usage_writer *w);
/* Forgets those lanes of the own group in the database of which nothing was stored, since
 * it is written to its end and its folder is gone. Call it once, when idle;
 * usage_writer_is_idle tells when it is done. False: no database. */
bool usage_writer_retire(struct usage_writer *w);

#endif
