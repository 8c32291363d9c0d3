/* `tollgate usage`: what is done with usage records from the command line. */
#include "common/check.h"
#include "gateway/cli/cli.h"

static const struct cli_command *command_at(size_t i)
{
	static const struct cli_command *(*const all[])(void) = {
		cli_usage_stats, cli_usage_top, cli_usage_series,   cli_usage_logs,
		cli_usage_cost,  cli_usage_ask, cli_usage_generate, cli_usage_verify,
	};

	return i < ARRAY_LEN(all) ? all[i]() : NULL;
}

const struct cli_command *cli_usage(void)
{
	static const struct cli_command command = {
		.name = "usage",
		.summary = "ask about usage; make up usage for tests",
		.examples = {"tollgate usage stats --last 7d", "tollgate usage verify"},
		.subcommand = command_at,
	};

	return &command;
}
