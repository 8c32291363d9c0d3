/* Every command there is. */
#include "gateway/cli/command_walk.h"

static void walk(const struct cli_call *at, void *ctx,
		 void (*visit)(void *ctx, const struct cli_call *c))
{
	const struct cli_command *sub;

	visit(ctx, at);
	for (size_t i = 0;
	     at->command->subcommand && (sub = at->command->subcommand(i)) != NULL; i++) {
		struct cli_call below = *at;

		cli_enter(&below, sub);
		walk(&below, ctx, visit);
	}
}

void cli_walk(const struct cli_command *root, void *ctx,
	      void (*visit)(void *ctx, const struct cli_call *c))
{
	struct cli_call call = {.command = root};

	snprintf(call.path, sizeof call.path, "%s", root->name);
	walk(&call, ctx, visit);
}
