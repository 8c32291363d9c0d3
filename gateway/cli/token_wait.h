/* Which gateways have applied a change of tokens: what ?wait= of the manager's API tells,
 * for the command line. Main thread. */
#ifndef GATEWAY_CLI_TOKEN_WAIT_H
#define GATEWAY_CLI_TOKEN_WAIT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/cli/command.h"

struct pg_sync;

#define TOKEN_WAIT_OPTION                                                                \
	CLI_OPTION("wait", CLI_NUMBER, "MS",                                             \
		   "wait so many milliseconds at most (5000) until all gateways have "   \
		   "confirmed, and tell which have",                                     \
		   .least = 1, .most = 10000, .otherwise = "5000")
#define TOKEN_WAIT_FAILS "if with --wait not all have confirmed; the change is made"

/* Waits until every gateway that is alive has applied the generation, at most wait_ms.
 * {"confirmed": [{"node", "ms"}], "silent": [{"node", "since"}], "complete"}, which the
 * caller deletes. NULL: error says why. */
cJSON *token_wait(struct pg_sync *db, int64_t generation, int64_t wait_ms,
		  struct sbuf *error);
bool token_wait_is_complete(const cJSON *told);
/* Prints it for people. */
void token_wait_print(const cJSON *told);

#endif
