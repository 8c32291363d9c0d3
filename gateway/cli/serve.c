/* `tollgate serve`: runs the gateway and the manager. */
#include "gateway/run/serve.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"

static int run(const struct cli_call *c)
{
	struct cli_config config = cli_config_of(c);
	struct serve_options o = {.config = config.config,
				  .env = config.env,
				  .env_files = config.env_files};

	return o.config != NULL ? serve(&o) : cli_no_config(c);
}

const struct cli_command *cli_serve(void)
{
	static const struct cli_command command = {
		.name = "serve",
		.summary = "run the gateway and the manager",
		.text = "Runs the gateway and the manager until SIGTERM. SIGHUP reads all "
			"files again: routes, limits, timeouts and secrets.",
		.shares = CLI_TAKES_CONFIG,
		.examples = {"tollgate serve --config tollgate.json",
			     "tollgate serve --config tollgate.json --env staging "
			     "--env-file staging.env"},
		.fails = "if it cannot start, or had to stop by itself",
		.run = run,
	};

	return &command;
}
