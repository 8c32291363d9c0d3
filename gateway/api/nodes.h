/* Which nodes have applied a change of tokens.
 *
 * The manager's thread. */
#ifndef GATEWAY_API_NODES_H
#define GATEWAY_API_NODES_H

#include <stdint.h>

#include "common/str.h"

struct call;
struct query;

#define API_WAIT_MAX_MS 10000

/* The parameter `wait` of a query, milliseconds: 0 where it is not there. What is no
 * number of 0 to API_WAIT_MAX_MS is noted as a fault. */
uint32_t api_wait_ms(struct call *c, const struct query *q);
/* The member "generation" of what a change has answered, a JSON object; 0: none. It is
 * `SELECT generation FROM token_generation` behind the change, in its transaction: the
 * number that nodes have to reach. */
int64_t api_generation(struct str json);
/* Ends the call: answers json, an object, with three members more as soon as every node
 * that is alive has applied the generation, or wait_ms are over:
 *
 *   "confirmed": [{"node": "a", "ms": 12}]    since this was called
 *   "silent": [{"node": "b", "since": "..."}] when it was last heard of
 *   "complete": true                          all have; false also where the database
 *                                             could not be asked
 *
 * With wait_ms 0 it answers json as it is. It is copied. */
void api_wait_confirmed(struct call *c, int64_t generation, uint32_t wait_ms,
			struct str json);

#endif
