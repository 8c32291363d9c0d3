/* The thread that writes usage rows: reads the lanes, COPYs batches over async libpq,
 * keeps partitions ahead, moves tokens.last_used, keeps the rollups. */
#ifndef GATEWAY_RECORDER_RECORDER_H
#define GATEWAY_RECORDER_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/journal/journal.h"

struct recorder;
struct recording;

struct recorder_options {
	const char *database;
	struct resolver *resolver; /* outlives it */
	const char *node;          /* this node's name, in pg_stat_activity */
	uint32_t batch_rows;     /* to begin with; default 5000; when far behind 50000 */
	uint32_t batch_delay_ms; /* a row waits for its batch at most; default 200 */
	uint32_t timeout_ms;     /* connect, statement, lock; default 5000 */
	uint32_t retention_days; /* older rows are dropped; 0: none */
	/* May be NULL. Of which database the keys are that callers are judged by:
	 * token_generation.instance. False: not known yet. Recorder's thread. */
	bool (*instance)(void *ctx, unsigned char out[JOURNAL_INSTANCE_BYTES]);
	void *ctx;
	/* Hears whether recording goes on; outlives it. May be NULL. */
	struct recording *recording;
};

struct recorder_stats {
	uint64_t written, rejected, dropped, batches, failures;
	uint64_t repeated; /* left out: stored before under their request_id */
	uint64_t backlog_bytes;
	bool connected;
};

/* The journal stays the caller's, open until recorder_stop has returned. Never fails on a
 * dead database; NULL: the system gives no thread, the log says so. */
struct recorder *recorder_start(const struct recorder_options *o,
				struct usage_journal *journal);
/* Writes what is in the own lanes, for up to flush_ms; then stops and joins. Producers
 * must have stopped. Returns the number of events that could not be written (0: all are,
 * and the group's folder is gone, unless it cannot be removed). */
uint64_t recorder_stop(struct recorder **r, uint32_t flush_ms);
/* Any thread. */
void recorder_stats(const struct recorder *r, struct recorder_stats *out);

#endif
