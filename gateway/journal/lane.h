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
#include "gateway/journal/lane_log.h"

struct usage_lane;
struct usage_counts;
struct net_ip;

/* --- life --- */

/* A lane in memory alone. bytes: up to 2^30; rounded up to a power of two, of 64 KiB at
 * least. */
struct usage_lane *usage_lane_new(size_t bytes);
/* A lane of the journal: makes its ring's file in a group's folder, which stays the
 * caller's. like: group, lane, ring_bytes and started_us. NULL: errno tells. */
struct usage_lane *usage_lane_create(int folder, const struct journal_file_head *like);
/* One that another process has left in such a folder, from the tail that it noted on. */
struct usage_lane *usage_lane_adopt(int folder, const struct journal_file_head *like);
/* That has logs from lap `oldest` to lap `last`, as far as they are not missing. */
void usage_lane_use_logs(struct usage_lane *lane, uint64_t oldest, uint64_t last);
/* What counts its drops and strangers; the caller's, until the lane is free. */
void usage_lane_use_counts(struct usage_lane *lane, struct usage_counts *gaps,
			   struct usage_counts *strangers);
/* Of a lane of the journal the files stay. */
void usage_lane_free(struct usage_lane **lane);

/* --- producer --- */

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

/* Any thread but the producer's; once. What the producer appends, drops or counts from
 * now on goes to `to`; a call that is under way may still use this lane, which must
 * outlive its producer. */
void usage_lane_succeed(struct usage_lane *lane, struct usage_lane *to);

/* --- consumer: its thread only --- */

/* Peeks at the first record from `position` on
 * (start from usage_lane_tail); false: none. On true *bytes and *n are valid until the
 * next call, and *next is the position behind it. What is damaged is skipped and told in
 * the log. */
bool usage_lane_read(struct usage_lane *lane, uint64_t position,
		     const unsigned char **bytes, size_t *n, uint64_t *next);
/* Reading pauses: what was read may be overwritten, where it is in a log as well. */
void usage_lane_rest(struct usage_lane *lane);
/* An adopted lane that will not be read soon: gives its memory back. */
void usage_lane_unload(struct usage_lane *lane);
/* Frees everything before position for the producer. */
void usage_lane_release(struct usage_lane *lane, uint64_t position);
/* An adopted lane (no producer): what is stored ends here, whatever was thought
 * before. */
void usage_lane_set_tail(struct usage_lane *lane, uint64_t position);
/* An adopted lane: the tail, as its ring's file notes at this moment. False: it has no
 * such file any more. */
bool usage_lane_noted(const struct usage_lane *lane, uint64_t *tail);
/* The log tells of no damage from now on: it is for the reader to tell, by the bytes that
 * were damaged or missing so far. */
void usage_lane_hush(struct usage_lane *lane);
uint64_t usage_lane_skipped(const struct usage_lane *lane);

/* --- the journal's thread: its thread only, lanes with a producer --- */

/* Copies everything up to the head to the logs. */
enum lane_copy usage_lane_copy(struct usage_lane *lane, const struct lane_room *room);
/* What was copied is on the disk afterwards; logs go whose events are stored. False:
 * errno tells. */
bool usage_lane_sync(struct usage_lane *lane);
/* Keeps pages behind the head writable, for a head that moved so far since the last
 * time. */
void usage_lane_touch_ahead(struct usage_lane *lane, uint64_t head, uint64_t moved);

/* --- any thread --- */

uint64_t usage_lane_size(const struct usage_lane *lane); /* of the ring */
uint64_t usage_lane_head(const struct usage_lane *lane);
/* Bytes of the ring that may not be overwritten yet. */
uint64_t usage_lane_held_bytes(const struct usage_lane *lane);
uint64_t usage_lane_tail(const struct usage_lane *lane);
uint64_t usage_lane_appended(const struct usage_lane *lane);
uint64_t usage_lane_dropped(const struct usage_lane *lane);
/* Of a lane with a producer. */
size_t usage_lane_backlog_bytes(const struct usage_lane *lane);

#endif
