/* Makes partitions for days to come, and those that rows are held for; moves these rows
 * there. Keeps the rollups in shape: merges what batches have added, counts again what
 * others have changed, lays down days that are over, drops days past the retention
 * (docs/usage-rollups.md). All beside the batches and never in their way.
 *
 * On a connection of its own, so that a long recount holds up no batch. Every node runs
 * one; a lock in the database lets one work at a time, and any can take over. On the
 * thread of the event base. */
#ifndef GATEWAY_RECORDER_UPKEEP_H
#define GATEWAY_RECORDER_UPKEEP_H

#include <stdint.h>

struct event_base;
struct resolver;
struct usage_upkeep;
struct usage_writer;

struct upkeep_options {
	struct event_base *base;
	const char *database;
	struct resolver *resolver;
	const char *node;        /* this node's name, for pg_stat_activity */
	uint32_t retention_days; /* rows older than this are dropped; 0: never */
	/* Knows whether the database's tables fit; outlives it. May be NULL. */
	const struct usage_writer *writer;
};

struct usage_upkeep *usage_upkeep_new(const struct upkeep_options *o);
/* A statement that runs is abandoned: the server ends or undoes it whole. */
void usage_upkeep_free(struct usage_upkeep **u);

#endif
