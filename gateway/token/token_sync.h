/* The thread that keeps the token table in step with PostgreSQL, and the table's state.
 *
 * Listens for `token_generation`, polls as a safety net, reads token_changes since its
 * generation after each reconnect, publishes, writes the snapshot of hashes. */
#ifndef GATEWAY_TOKEN_TOKEN_SYNC_H
#define GATEWAY_TOKEN_TOKEN_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/epoch.h"
#include "gateway/token/token_report.h"
#include "gateway/token/token_snapshot.h"
#include "gateway/token/token_table.h"

enum token_state {
	TOKENS_FRESH,
	TOKENS_STALE, /* two polls missed: known keys are served, unknown ones get 503 */
	TOKENS_TOO_STALE, /* older than max_stale: 503 for all */
	TOKENS_NONE,      /* never loaded: 503 for all */
};

struct token_sync;

struct token_sync_options {
	const char *database; /* conninfo or URL */
	const char *snapshot; /* file, mode 0600; NULL: none */
	uint32_t poll_ms;     /* safety-net poll, default 5000 */
	uint32_t max_stale_ms;
	struct epoch_domain *epochs;
	struct resolver *resolver; /* of the database's name; outlives it */
	struct token_node node;    /* as which it reports to the database */
};

/* Loads the snapshot if there is one, starts the thread. Never fails on a dead
 * database; NULL: the system gives no thread, the log says so. */
struct token_sync *token_sync_start(const struct token_sync_options *o);
/* Waits until the first load from PostgreSQL is done or has failed: up to answer_ms for
 * its first answer, up to load_ms in all. False: it is not done. Main thread. */
bool token_sync_wait_first(struct token_sync *s, uint32_t answer_ms, uint32_t load_ms);
/* Stops and joins the thread, frees. Readers must be gone. */
void token_sync_stop(struct token_sync **s);

/* Any thread, lock-free; valid within the caller's callback. NULL: never loaded. */
const struct token_table *token_sync_table(const struct token_sync *s);
/* Any thread, lock-free; one or two atomic loads. */
enum token_state token_sync_state(const struct token_sync *s, uint64_t mono_us);
/* For /ready and the metrics. Milliseconds since the table was last known right; -1:
 * never. */
int64_t token_sync_age_ms(const struct token_sync *s, uint64_t mono_us);
/* Any thread: token_generation.instance of the database, or of the snapshot, that the
 * table is from. False: there is no table yet. */
bool token_sync_instance(struct token_sync *s, unsigned char out[TOKEN_INSTANCE_BYTES]);
/* Any thread: there is a session with PostgreSQL. */
bool token_sync_is_connected(const struct token_sync *s);
/* How many the table has; a snapshot's count as well. */
size_t token_sync_keys(const struct token_sync *s);

#endif
