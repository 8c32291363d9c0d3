/* A group's rows in usage_cursors: what the database holds of our lanes. Pure. */
#ifndef GATEWAY_RECORDER_CURSORS_H
#define GATEWAY_RECORDER_CURSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/journal/lane.h"
#include "gateway/recorder/lane_past.h"

/* Appends the statement that ends older sessions of the same application_name: one that
 * the network lost may still hold the rows' locks. Not behind a pooler, whose sessions
 * have had many names. */
void cursors_end_older_sql(struct sbuf *sql);
/* Appends the statements of a session's start: rows of processes long dead go (those of
 * lanes of which nothing was stored, soon), this group's rows are made where they are
 * missing: where they had been there, and were lost with all that they stood for, at 0;
 * the result is its (lane, position) by lane. */
void cursors_join_sql(const char *group, struct usage_lane *const *lanes, size_t n,
		      bool had_them, struct sbuf *sql);

/* The database says that this lane is stored up to position, and batches were tried up to
 * sent. True: so much is released, *rows of it are news. False: we never came from or to
 * such a position; nothing is changed. Consumer's thread. */
bool cursor_take(struct usage_lane *lane, uint64_t position, uint64_t sent,
		 uint64_t *rows);

/* Appends the statement that puts one lane's row where the lane's tail is. */
void cursors_reset_sql(const char *group, size_t index, const struct usage_lane *lane,
		       struct sbuf *sql);
/* Appends the statement that counts what the database has lost of it, in usage_gaps. */
void cursors_gap_sql(const char *group, size_t index, const struct usage_lane *lane,
		     const struct past_batch *gone, struct sbuf *sql);

#endif
