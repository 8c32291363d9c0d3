/* The seam between those who record and the recorder: one lane per producing thread.
 *
 * A bounded single-producer, single-consumer ring of encoded events. Appending is a
 * memory copy, a CRC and a release store: no lock, no system call. A lane of the journal
 * (gateway/journal/journal.h) has its ring in a mapped file and is copied to logs on disk
 * by the journal's thread; then its events outlive the process. When neither the ring nor
 * the logs have room the event is dropped and counted. */
#ifndef GATEWAY_JOURNAL_LANE_H
#define GATEWAY_JOURNAL_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/event.h"

struct usage_lane;
struct usage_counts;
struct net_ip;

/* A lane in memory alone. bytes: up to 2^30; rounded up to a power of two, of 64 KiB at
 * least. */
struct usage_lane *usage_lane_new(size_t bytes);
/* Of a lane of the journal the files stay. */
void usage_lane_free(struct usage_lane **lane);

/* Producer's thread only. False: full, counted as dropped. */
bool usage_lane_append(struct usage_lane *lane, const struct usage_event *e);
/* Its two halves, for a producer whose callers may come again: false is full; and counts
 * an event as dropped by minute, token and route. */
bool usage_lane_offer(struct usage_lane *lane, const struct usage_event *e);
void usage_lane_drop(struct usage_lane *lane, const struct usage_event *e);

/* Producer's thread only. Someone without a known key was refused: counted by minute,
 * route (its path, or NULL), reason (a word) and network, never listed. */
void usage_lane_stranger(struct usage_lane *lane, int64_t at_us, struct str route,
			 const char *reason, const struct net_ip *from);

/* Consumer's thread only, all of these. Peeks at the first record from `position` on
 * (start from usage_lane_tail); false: none. On true *bytes and *n are valid until the
 * next call, and *next is the position behind it. What is damaged is skipped and told in
 * the log. */
bool usage_lane_read(struct usage_lane *lane, uint64_t position,
		     const unsigned char **bytes, size_t *n, uint64_t *next);
/* Reading pauses: what was read may be overwritten, where it is in a log as well. */
void usage_lane_rest(struct usage_lane *lane);
/* Frees everything before position for the producer. */
void usage_lane_release(struct usage_lane *lane, uint64_t position);
/* An adopted lane (no producer): what is stored ends here, whatever was thought
 * before. */
void usage_lane_set_tail(struct usage_lane *lane, uint64_t position);

/* Any thread. */
uint64_t usage_lane_tail(const struct usage_lane *lane);
uint64_t usage_lane_appended(const struct usage_lane *lane);
uint64_t usage_lane_dropped(const struct usage_lane *lane);
/* Of a lane with a producer. */
size_t usage_lane_backlog_bytes(const struct usage_lane *lane);

#endif
