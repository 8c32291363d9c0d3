/* `tollgate`: all commands. */
#include "common/check.h"
#include "gateway/cli/cli.h"

static const struct cli_command *command_at(size_t i)
{
	static const struct cli_command *(*const all[])(void) = {
		cli_serve,   cli_dev,    cli_demo,   cli_check,      cli_migrate,
		cli_token,   cli_import, cli_user,   cli_team,       cli_audit,
		cli_routes,  cli_nodes,  cli_health, cli_journal,    cli_usage,
		cli_explain, cli_doctor, cli_tail,   cli_completion, cli_manual,
	};

	return i < ARRAY_LEN(all) ? all[i]() : NULL;
}

const struct cli_command *cli_root(void)
{
	static const struct cli_command root = {
		.name = "tollgate",
		.summary = "an API-key gateway with usage records",
		.examples = {"tollgate dev", "tollgate help token create"},
		.subcommand = command_at,
	};

	return &root;
}
