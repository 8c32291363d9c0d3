/* The seam between those who record and the recorder: one lane per producing thread.
 *
 * A bounded single-producer, single-consumer ring of encoded events in memory. Appending
 * is a memory copy and a release store: no lock, no system call. When it is full the
 * event is dropped and counted. */
#ifndef GATEWAY_USAGE_LANE_H
#define GATEWAY_USAGE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/usage/event.h"

struct usage_lane;

/* bytes: up to 2^30; rounded up to a power of two, of 64 KiB at least. */
struct usage_lane *usage_lane_new(size_t bytes);
void usage_lane_free(struct usage_lane **lane);

/* Producer's thread only. False: full, counted. */
bool usage_lane_append(struct usage_lane *lane, const struct usage_event *e);

/* Consumer's thread only. Peeks at the record `position` (start from usage_lane_tail);
 * false: none. On true *bytes and *n are valid until released, *next is the position
 * behind it. */
bool usage_lane_read(const struct usage_lane *lane, uint64_t position,
		     const unsigned char **bytes, size_t *n, uint64_t *next);
uint64_t usage_lane_tail(const struct usage_lane *lane);
/* Frees everything before position for the producer. */
void usage_lane_release(struct usage_lane *lane, uint64_t position);

/* Any thread. */
uint64_t usage_lane_appended(const struct usage_lane *lane);
uint64_t usage_lane_dropped(const struct usage_lane *lane);
size_t usage_lane_backlog_bytes(const struct usage_lane *lane);

#endif
