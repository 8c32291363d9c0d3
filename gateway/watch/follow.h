/* Follows a usage journal on disk: what gateways on this machine append, as they do,
 * whoever reads it otherwise. It only reads.
 *
 * Any one thread. */
#ifndef GATEWAY_WATCH_FOLLOW_H
#define GATEWAY_WATCH_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/journal/event.h"

struct journal_follow;

/* From now on. NULL: it cannot be read; errno tells. */
struct journal_follow *journal_follow_new(const char *path);
void journal_follow_free(struct journal_follow **f);

/* Calls event for all that was appended since the last look; node is clean UTF-8. True:
 * some were overwritten before they were looked at. */
bool journal_follow_look(struct journal_follow *f,
			 void (*event)(void *ctx, const char *node,
				       const struct usage_event *e),
			 void *ctx);

#endif
