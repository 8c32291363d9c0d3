/* One readable line per request, written in batches by the log's thread.
 *
 * Workers only copy a fixed-size entry into their own ring; a full ring drops lines and
 * counts them. Nothing secret gets in: the path is logged without its query and with keys
 * masked. */
#ifndef GATEWAY_HTTP_ACCESS_LOG_H
#define GATEWAY_HTTP_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log_writer.h"
#include "common/str.h"

#define ACCESS_LANE_ENTRIES                                                              \
	1024 /* lines that a lane holds; more within 50 ms are dropped */

struct access_log;
struct access_lane; /* one per producing thread */

/* Bytes as they came; what is longer is cut. The writer escapes them. */
struct access_text {
	uint8_t n;
	char p[64];
};

struct access_entry {
	int64_t wall_us;
	int32_t status;
	int32_t total_ms, upstream_ms; /* -1: none */
	int64_t bytes_in, bytes_out;
	char method[16];
	char path[160]; /* escaped, cut */
	bool has_token;
	int64_t token_id;
	struct access_text name; /* the token's; may be empty */
	/* What answers in the upstream's place, a constant; NULL: it does itself. */
	const char *stand_in;
	/* What did not go well, and our answer's code; constants. NULL: none. */
	const char *outcome, *code;
	struct access_text route;
	uint16_t detail_n;
	char detail[240]; /* bytes as they came */
	char request_id[40];
	char ip[46];
};

/* fd is written to by the writer, in batches every 50 ms while there is something. Both
 * stay the caller's. Where fd is a terminal, statuses are coloured and times are short
 * and local; elsewhere times are UTC in full. */
struct access_log *access_log_start(struct log_writer *writer, int fd);
/* Writes what is left (for half a second at most, if nobody reads), frees all lanes.
 * Clears *log. */
void access_log_stop(struct access_log **log);
/* Any thread. */
struct access_lane *access_log_lane(struct access_log *log);
/* The lane's thread only; no system call, no lock. */
void access_lane_put(struct access_lane *lane, const struct access_entry *e);

/* Appends e's line with its line feed. Pure but for the zone of local times. */
void access_log_format(struct sbuf *out, const struct access_entry *e, bool terminal);

#endif
