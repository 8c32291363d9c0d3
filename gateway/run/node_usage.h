/* What a node reports of its usage (gateway/token/token_report.h): the thread of the keys
 * asks before there is a recorder, and after. */
#ifndef GATEWAY_RUN_NODE_USAGE_H
#define GATEWAY_RUN_NODE_USAGE_H

#include <pthread.h>
#include <stdint.h>

struct recorder;
struct recording;

struct node_usage {
	pthread_mutex_t lock; /* of what follows */
	struct recorder *recorder;
	struct recording *recording;
};

void node_usage_init(struct node_usage *u);
void node_usage_fini(struct node_usage *u);
/* From now on these tell; NULL: nobody does, and both may go. */
void node_usage_ask(struct node_usage *u, struct recorder *recorder,
		    struct recording *recording);
/* ctx: the struct; any thread. */
void node_usage_look(void *ctx, uint64_t *waiting_bytes, int64_t *oldest_us,
		     uint64_t *dropped);

#endif
