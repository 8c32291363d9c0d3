/* `tollgate manual`: manual pages, for `make install` and whoever has none installed. */
#include <string.h>

#include "gateway/cli/cli.h"
#include "gateway/cli/man_pages.h"

static int run(const struct cli_call *c)
{
	if (strcmp(c->operands[0], "commands") == 0)
		man_print_commands(stdout, c->group);
	else if (strcmp(c->operands[0], "configuration") == 0)
		man_print_settings(stdout);
	else
		return cli_usage_error(c, "there is no such page: commands or "
					  "configuration");
	return 0;
}

const struct cli_command *cli_manual(void)
{
	static const struct cli_command command = {
		.name = "manual",
		.summary = "print a manual page",
		.arguments = "commands|configuration",
		.least = 1,
		.most = 1,
		.text = "Prints tollgate(1) or tollgate.json(5), as `man` reads it. `make "
			"install` puts both where `man` looks for them; elsewhere:\n"
			"  tollgate manual commands | man -l -",
		.examples = {"tollgate manual commands", "tollgate manual configuration"},
		.run = run,
	};

	return &command;
}
