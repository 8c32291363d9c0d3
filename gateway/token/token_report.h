/* What a node tells the database of itself (tollgate_nodes): that it is alive, the change
 * of tokens that its workers judge by, and what others have told for it.
 *
 * The thread of the keys; pure but for the names of functions. */
#ifndef GATEWAY_TOKEN_TOKEN_REPORT_H
#define GATEWAY_TOKEN_TOKEN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/token/token_snapshot.h"

#define TOKEN_REPORT_MS 5000 /* node_is_live knows it */
#define TOKEN_REPORT_SQL "SELECT node_report($1)"
#define TOKEN_REPORT_END_SQL "SELECT node_end($1)"
#define TOKEN_REPORT_ID 33

struct token_node {
	const char *name; /* outlives it */
	/* Of usage: bytes that wait to be stored, wall clock of the oldest (0: none),
	 * events lost. NULL: not known. On the thread of the keys. */
	void (*usage)(void *ctx, uint64_t *waiting_bytes, int64_t *oldest_us,
		      uint64_t *dropped);
	void *ctx;
};

struct token_report {
	struct token_node node;
	char id[TOKEN_REPORT_ID]; /* of this process */
	int64_t started_us;
};

void token_report_init(struct token_report *r, struct token_node node);
/* For TOKEN_REPORT_SQL; the caller frees it. table->right_at_us 0: never. */
char *token_report_json(const struct token_report *r, const struct token_snapshot *table);

#endif
