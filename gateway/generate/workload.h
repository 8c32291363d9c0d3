/* Made-up usage for tests and for sizing: a stream of calls that looks like a team's, the
 * same for the same seed.
 *
 * Pure. Calls come in order of time, so that any number of them takes little memory. Days
 * are UTC's; working hours are busier than nights and weekends. Tokens are very unequal
 * (Zipf) and call one to five routes each. Latencies are log-normal, about a median of
 * the route's. Each route has bursts of errors now and then. */
#ifndef GATEWAY_GENERATE_WORKLOAD_H
#define GATEWAY_GENERATE_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/journal/event.h"

#define WORKLOAD_CALLS_MAX INT64_C(10000000000)
#define WORKLOAD_DAYS_MAX 399u /* no older than what POST /api/usage-log takes */
#define WORKLOAD_TOKENS_MAX 100000u
#define WORKLOAD_ROUTES_MAX 1000u
#define WORKLOAD_TOKEN_ROUTES 5u /* at most, of one token */

struct workload;

struct workload_options {
	int64_t calls; /* exactly so many, 1 to the maximum; likewise the others */
	unsigned days; /* the last one ends at end_us */
	unsigned tokens, routes; /* how many of each there are to choose from */
	uint64_t seed;
	int64_t end_us; /* no call is later */
};

struct workload *workload_new(const struct workload_options *o);
void workload_free(struct workload **w);

/* The next call: *token and *route are indexes; e gets all fields but token_id,
 * token_hash, route_path and tags. Its text is static, or lives until the next call.
 * False: that was the last. */
bool workload_next(struct workload *w, unsigned *token, unsigned *route,
		   struct usage_event *e);

#endif
