/* One batch: what is read from the lanes for one transaction, and the SQL around its
 * rows.
 *
 * Pure: lanes in, text out. */
#ifndef GATEWAY_RECORDER_BATCH_H
#define GATEWAY_RECORDER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/journal/lane.h"
#include "gateway/recorder/once.h"
#include "gateway/recorder/owners.h"
#include "gateway/recorder/rollup.h"
#include "gateway/recorder/uses.h"

#define BATCH_DAYS_MAX 32                   /* distinct days in one batch */
#define BATCH_BYTES_MAX (16u * 1024 * 1024) /* of COPY text, give or take a row */
/* Of SQL that makes sure of its routes, give or take one: 8,000 of them at their
 * longest. */
#define BATCH_ROUTES_BYTES_MAX (2u * 1024 * 1024)

/* The part of one lane that the batch holds; from == to: nothing. */
struct batch_span {
	uint64_t from, to;
	uint64_t events;
	int64_t first_us, last_us; /* their used_at */
};

struct batch_row {
	uint32_t end; /* of its line in the text */
	uint32_t day; /* which of the batch's days */
};

struct usage_batch {
	struct sbuf rows; /* lines of COPY text */
	size_t n_rows, max_rows;
	size_t n_seen; /* events: the rows, and those that are stored already */
	bool full;     /* stopped by a bound: the lanes hold more */
	struct batch_row *places; /* one per row */
	struct batch_span *spans; /* one per lane of the group that it was filled from */
	size_t n_lanes, room_lanes;
	int64_t days[BATCH_DAYS_MAX];
	size_t n_days;
	struct usage_use *uses; /* by token_id, each once, with its latest use */
	size_t n_uses;
	struct usage_once once;           /* of events that may be stored already */
	struct usage_rollup *rollup;      /* what the rows add to the statistics */
	struct sbuf cells;                /* the same as lines of COPY text */
	unsigned small_rows, small_cells; /* batches since their buffers were needed */
};

void usage_batch_init(struct usage_batch *b, size_t max_rows);
/* What any SQL of a batch of so many rows takes at most, its rollup's, its claims' and
 * its owners' too. */
size_t usage_batch_sql_max(size_t max_rows);
void usage_batch_fini(struct usage_batch *b);

struct batch_source {
	struct usage_lane *const *lanes;
	size_t n_lanes;
	struct str node; /* of the process that recorded */
	/* Whose events are whose; NULL: as they say. Where some are to be asked for after
	 * a fill, the batch is of no use yet: fill it again once they are answered. */
	struct usage_owners *owners;
};

/* Reads up to limit events (at most max_rows) from the lanes' tails on, beginning with
 * lane `first`; releases nothing. Consumer's thread. False: the lanes are empty. */
bool usage_batch_fill(struct usage_batch *b, const struct batch_source *from,
		      size_t first, size_t limit);
/* The table has judged b->once: what is stored already leaves the batch (rows, uses,
 * days), which may end up without any row. Same arguments as for the fill before. */
void usage_batch_settle(struct usage_batch *b, const struct batch_source *from,
			size_t first);
/* The batch is stored: gives its room back to the producers. */
void usage_batch_release(const struct usage_batch *b, struct usage_lane *const *lanes);

/* Lanes that the batch has rows of: the rows that the move must change. */
size_t usage_batch_touched(const struct usage_batch *b);
/* Appends the UPDATE that moves this group's cursors, each only from where the batch
 * starts. */
void usage_batch_move_sql(const struct usage_batch *b, const char *group,
			  struct sbuf *sql);
/* Appends the COPY statement for the rows of one day: into its partition, where no
 * trigger fires, or into the table of those that are held. */
void usage_batch_copy_sql(const char *table, struct sbuf *sql);
/* The lines that it takes, in pieces: the next one from row *at on, which starts at 0.
 * Empty: that was all. */
struct str usage_batch_lines(const struct usage_batch *b, size_t day, size_t *at);
/* Makes the cells anew, of all days but those. */
void usage_batch_cells_without(struct usage_batch *b, const int64_t *days, size_t n);

#endif
