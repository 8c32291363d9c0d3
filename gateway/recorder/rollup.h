/* What a batch adds to the statistics: its events summed into cells, as lines of COPY for
 * usage_deltas (docs/usage-rollups.md). Pure. */
#ifndef GATEWAY_RECORDER_ROLLUP_H
#define GATEWAY_RECORDER_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/journal/event.h"
#include "gateway/journal/outcome.h"

#define ROLLUP_BUCKETS 137 /* of the histogram, numbered from 1 */
#define ROLLUP_INTERVAL_US (INT64_C(900) * 1000000)

/* The bucket of a response time; below 0 counts as 0. The same as width_bucket(ms,
 * usage_bounds()) in SQL. */
unsigned rollup_bucket(int32_t ms);
/* Whose error an event is; the same rule as usage_sql's {row}. */
enum usage_fault rollup_fault_of(const struct usage_event *e);

struct usage_rollup;

/* Takes up to max_events between two resets. */
struct usage_rollup *usage_rollup_new(size_t max_events);
/* The same of events that are known to make up to max_cells. */
struct usage_rollup *usage_rollup_new_of(size_t max_events, size_t max_cells);
void usage_rollup_free(struct usage_rollup **r);
void usage_rollup_reset(struct usage_rollup *r);

/* Keeps nothing of e: its text may go with the record that it was read from. */
void usage_rollup_add(struct usage_rollup *r, const struct usage_event *e);

/* Appends the COPY statement, whose columns are those that any cell has. */
void usage_rollup_copy_sql(const struct usage_rollup *r, struct sbuf *sql);
/* The same for another table of cells, which has route_id: of events whose route_path is
 * a route's number. */
void usage_rollup_copy_into_sql(const struct usage_rollup *r, const char *table,
				struct sbuf *sql);
/* The lines come by token, then route, then time, until the next reset. No event may be
 * added any more. */
void usage_rollup_sort(struct usage_rollup *r);
/* Appends the lines that it takes. */
void usage_rollup_rows(struct usage_rollup *r, struct sbuf *rows);
/* The same without the cells of those days. */
void usage_rollup_rows_without(struct usage_rollup *r, const int64_t *days, size_t n,
			       struct sbuf *rows);
/* Appends the INSERT that makes sure of a number for each route, with a semicolon;
 * nothing where no cell has a route. Beside half a kilobyte it takes
 * usage_rollup_routes_bytes. */
size_t usage_rollup_routes_bytes(const struct usage_rollup *r);
void usage_rollup_routes_sql(const struct usage_rollup *r, struct sbuf *sql);

#endif
