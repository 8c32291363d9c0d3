/* A day of calls as cells of whole days (docs/usage-rollups.md), summed in memory by what
 * the recorder sums its batches with, and copied in the order in which they are read. */
#ifndef GATEWAY_GENERATE_GENERATE_CELLS_H
#define GATEWAY_GENERATE_GENERATE_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/pg_sync.h"
#include "gateway/journal/event.h"

struct generate_cells;

/* route_ids: a number for each route, n of them. A day's events are of up to n_tokens. */
struct generate_cells *generate_cells_new(size_t max_events_a_day, size_t n_tokens,
					  const int *route_ids, size_t n_routes);
void generate_cells_free(struct generate_cells **c);
/* Another day begins. */
void generate_cells_reset(struct generate_cells *c);
/* route is an index; e has its token_id. */
void generate_cells_add(struct generate_cells *c, const struct usage_event *e,
			unsigned route);
/* Within a transaction: adds the day's cells to those that there are. */
bool generate_cells_write(struct generate_cells *c, struct pg_sync *db, int64_t day,
			  struct sbuf *error);

#endif
