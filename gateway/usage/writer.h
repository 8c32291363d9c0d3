/* Writes batches from the lanes to PostgreSQL, exactly once, one at a time.
 *
 * A batch is one transaction: the group's cursors (usage_cursors) move from where the
 * batch starts to where it ends, the rows go in by COPY, tokens.last_used moves. The
 * cursor in the database is the acknowledgement: after a connection is lost, whether
 * before or after COMMIT took effect, it alone tells what is stored. A group is one
 * process's lanes, named by 128 random bits. All on the thread of the event base. */
#ifndef GATEWAY_USAGE_WRITER_H
#define GATEWAY_USAGE_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/usage/lane.h"

struct event_base;
struct usage_writer;

/* Written by the writer's thread, read by any. */
struct writer_counters {
	_Atomic uint64_t written, rejected, repeated, batches, failures;
	_Atomic bool connected;
};

struct writer_options {
	struct event_base *base;
	const char *database;
	const char *node;
	size_t batch_rows;
	uint32_t timeout_ms;
	struct usage_lane *const *lanes; /* the caller keeps owning them */
	size_t n_lanes;
	struct writer_counters *counters;
};

struct usage_writer *usage_writer_new(const struct writer_options *o);
/* Abandons a batch that is under way: its rows count as not written. */
void usage_writer_free(struct usage_writer **w);

/* Starts what is due, if nothing runs: joining the database after a reconnect,
 * partitions, or (where `write` is set) a batch of all that waits. Call it by a timer; a
 * writer that has a full batch behind the current one goes on by itself. */
void usage_writer_turn(struct usage_writer *w, bool write);
/* No statement is under way. Whether all is stored, the lanes' tails say. */
bool usage_writer_is_idle(const struct usage_writer *w);
/* Forgets this group in the database, since it is written to its end. Call it once, when
 * idle; usage_writer_is_idle tells when it is done. False: no database. */
bool usage_writer_retire(struct usage_writer *w);

#endif
