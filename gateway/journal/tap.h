/* Events on their way to who looks on as they come: from the journal's thread, which
 * copies them from the lanes, to one reader on another thread.
 *
 * Two buffers of bounded size, one being filled, one being read. What finds no room is
 * counted: nobody who records ever waits for who looks on. Nothing is copied while nobody
 * wants it. */
#ifndef GATEWAY_JOURNAL_TAP_H
#define GATEWAY_JOURNAL_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct usage_tap;

/* bytes: of each buffer, which is made when it is first used. */
struct usage_tap *usage_tap_new(size_t bytes);
void usage_tap_free(struct usage_tap **t);

/* --- the reader --- */

/* Readable (an eventfd) when something has come; usage_tap_take empties it. */
int usage_tap_fd(const struct usage_tap *t);
/* From now on events come, or come no more; what waits unread is gone. */
void usage_tap_want(struct usage_tap *t, bool wanted);
/* All that has come, as encoded events (event.h), until the next call. *missed: how many
 * found no room since the last call, or were overwritten before they were copied. */
void usage_tap_take(struct usage_tap *t, uint64_t *missed);
/* The next of what was taken; false: there is none. */
bool usage_tap_next(struct usage_tap *t, struct str *record);

/* --- the journal's thread --- */

bool usage_tap_is_wanted(const struct usage_tap *t);
void usage_tap_put(struct usage_tap *t, struct str record);
void usage_tap_miss(struct usage_tap *t, uint64_t n);
/* Wakes the reader, if something has come. */
void usage_tap_flush(struct usage_tap *t);

#endif
