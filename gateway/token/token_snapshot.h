/* The key table on disk, so that a node can start while PostgreSQL is away: hashes, never
 * keys.
 *
 * One file, mode 0600, replaced as a whole (written aside, synced, renamed).
 * Little-endian: a head of 72 bytes with a CRC of its own, then a record for each key,
 * covered by a second CRC. */
#ifndef GATEWAY_TOKEN_TOKEN_SNAPSHOT_H
#define GATEWAY_TOKEN_TOKEN_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/token/token_table.h"

#define TOKEN_INSTANCE_BYTES 16

/* Why there is nothing to read, where that is all. */
#define TOKEN_SNAPSHOT_NONE "there is none"

struct token_snapshot {
	unsigned char instance[TOKEN_INSTANCE_BYTES]; /* token_generation.instance */
	uint64_t generation;
	int64_t right_at_us; /* wall clock: when the table was last known to be right */
};

/* Blocks for as long as the disk takes. False: errno says why, the file that was is
 * intact. */
bool token_snapshot_write(const char *path, const struct token_table *t,
			  const struct token_snapshot *about);
/* Moves right_at_us of an intact file. False: there is none, or errno says why. */
bool token_snapshot_touch(const char *path, int64_t right_at_us);
/* NULL: *why is a fixed sentence; a file that others may write is refused, as is a
 * damaged one. The caller owns the table. */
struct token_table *token_snapshot_read(const char *path, struct token_snapshot *about,
					const char **why);

#endif
