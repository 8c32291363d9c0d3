/* Every command below one, for what is made of all of their tables. Main thread. */
#ifndef GATEWAY_CLI_COMMAND_WALK_H
#define GATEWAY_CLI_COMMAND_WALK_H

#include "gateway/cli/command.h"

/* Visits each with its path, the root first, one before those below it. */
void cli_walk(const struct cli_command *root, void *ctx,
	      void (*visit)(void *ctx, const struct cli_call *c));

#endif
