/* Who waits until all nodes have applied a change of tokens.
 *
 * Looks at tollgate_nodes (migrations/functions/28_nodes.sql) as long as somebody waits,
 * once for all. The manager's thread. */
#ifndef GATEWAY_MANAGER_CONFIRMATIONS_H
#define GATEWAY_MANAGER_CONFIRMATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct confirmations;
struct event_base;
struct manager_db;

struct confirmation {
	char *node;
	bool has_applied;
	uint32_t ms; /* from the beginning of the wait until it was seen */
	char *since; /* when it was last heard of, RFC 3339 */
};

struct confirmed {
	const struct confirmation *nodes;
	size_t n;
	bool is_known; /* the database has told; else there are no nodes here */
};

struct confirmations *confirmations_new(struct event_base *base, struct manager_db *db);
/* All that wait are told what is known so far. */
void confirmations_free(struct confirmations **c);

/* `done` is called once, from the loop: when every node that is alive has applied the
 * generation, or after wait_ms. What it gets lives during the call. */
void confirmations_wait(struct confirmations *c, int64_t generation, uint32_t wait_ms,
			void (*done)(void *ctx, const struct confirmed *what), void *ctx);

#endif
