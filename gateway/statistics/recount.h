/* Has marked intervals counted again, as the gateways' upkeep does
 * (docs/usage-rollups.md). Waits: for the command line. */
#ifndef GATEWAY_STATISTICS_RECOUNT_H
#define GATEWAY_STATISTICS_RECOUNT_H

#include <stdbool.h>

#include "common/pg_sync.h"

#define RECOUNT_PATIENCE 300 /* pauses; a minute */

/* Until no mark is left that was there when it began: others may be made all the time.
 * The gateways' upkeep may take them as well. */
bool usage_recount_marked(struct pg_sync *s, struct sbuf *error);
/* A pause where the gateways' upkeep has its lock, which it holds for moments. False:
 * they held it for so many. */
bool usage_recount_wait(int *patience, struct sbuf *error);

#endif
