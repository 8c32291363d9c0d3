/* A lane's logs: copies of its ring's laps on the disk, a file for each.
 *
 * The journal's thread writes and removes them, the consumer reads them; of a lane that
 * was adopted the consumer removes them too. */
#ifndef GATEWAY_JOURNAL_LANE_LOG_H
#define GATEWAY_JOURNAL_LANE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/journal_format.h"

struct lane_log;

/* folder: of the group; stays the caller's, open for as long. head: a template with
 * group, lane, ring_bytes and started_us. */
struct lane_log *lane_log_new(int folder, const struct journal_file_head *head);
void lane_log_free(struct lane_log **log);
/* That folder and template. */
int lane_log_folder(const struct lane_log *log);
const struct journal_file_head *lane_log_head(const struct lane_log *log);
/* The lane has no process any more: there are logs from lap `oldest` to lap `last`, as
 * far as they are not missing. */
void lane_log_adopt(struct lane_log *log, uint64_t oldest, uint64_t last);

/* --- journal's thread --- */

enum lane_copy {
	LANE_COPIED,
	LANE_FULL,  /* the journal's bound is reached */
	LANE_FAULT, /* errno tells */
};

/* Is there room for one more file? */
struct lane_room {
	bool (*may_grow)(void *ctx);
	void *ctx;
};

/* The ring's bytes from *at to `to` go to the logs; *at is how far they came. */
enum lane_copy lane_log_copy(struct lane_log *log, const unsigned char *ring,
			     uint64_t *at, uint64_t to, const struct lane_room *room);
/* What was copied is on the disk afterwards. False: errno tells. */
bool lane_log_sync(struct lane_log *log);
/* Removes logs that end at or before tail. */
void lane_log_trim(struct lane_log *log, uint64_t tail);

/* --- consumer --- */

/* The valid record at that very position; NULL: no log has it. Lives until the next
 * call. */
const unsigned char *lane_log_find(struct lane_log *log, uint64_t position);
/* The first valid record at or behind position; limit: none is before that. */
uint64_t lane_log_seek(struct lane_log *log, uint64_t position, uint64_t limit);
/* Memory that was not used since the last call goes. */
void lane_log_rest(struct lane_log *log);

#endif
