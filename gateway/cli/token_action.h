/* What the commands on one token share: which is meant, asking the database, failing.
 * Main thread. */
#ifndef GATEWAY_CLI_TOKEN_ACTION_H
#define GATEWAY_CLI_TOKEN_ACTION_H

#include <cjson/cJSON.h>

#include "common/pg_sync.h"
#include "gateway/cli/cli_db.h"
#include "gateway/token/token_admin.h"
#include "gateway/token/token_calls.h"

/* A subcommand at work. */
struct token_action {
	const struct cli_call *call;
	struct pg_sync *db;
	struct sbuf error;
	char id[TOKEN_ID_TEXT_MAX]; /* "": none was named */
};

/* Connects, finds the token that is meant (that of the operand; without one none is
 * looked for), acts, disconnects. Returns the exit status. */
int token_action_run(const struct cli_call *c, int (*act)(struct token_action *a));
int token_action_run_on(const struct cli_call *c, struct token_choice which,
			int (*act)(struct token_action *a));
/* The answer's text in a result that the caller clears. NULL: a->error says why. */
PGresult *token_action_ask(struct token_action *a, enum token_call what,
			   const char *const *values, int n);
/* Parsed; the caller deletes it. Numbers of it may not be exact: ids are a->id. */
cJSON *token_action_parsed(const PGresult *r);
/* Fails with a->error. */
int token_action_fail(const struct token_action *a);

#endif
