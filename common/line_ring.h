/* Lines from any number of threads to one reader, in bounded memory, without a lock.
 *
 * A line that finds no room is lost and counted: nobody ever waits. */
#ifndef COMMON_LINE_RING_H
#define COMMON_LINE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct line_ring;

/* Room for about so many bytes, a power of two of at least 4096; each put takes up a
 * multiple of 64 of them. */
struct line_ring *line_ring_new(size_t bytes);
void line_ring_free(struct line_ring **r);
/* A copy of text, which is not empty. False: no room for all of it; counted. Any
 * thread. */
bool line_ring_put(struct line_ring *r, struct str text);
/* Appends what was put, in order, while out holds less than max bytes. The reader. */
void line_ring_take(struct line_ring *r, struct sbuf *out, size_t max);
/* Nothing is in it, nor on its way. Any thread. */
bool line_ring_is_empty(const struct line_ring *r);
/* How often a put found no room. Any thread. */
uint64_t line_ring_lost(const struct line_ring *r);

#endif
