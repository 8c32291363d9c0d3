/* `tollgate dev`: runs everything on this machine. */
#include "gateway/dev/dev.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/dev_options.h"

static int run(const struct cli_call *c)
{
	struct dev_options o;

	return dev_options_of(&o, c) ? dev_run(&o) : 2;
}

const struct cli_command *cli_dev(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION(
			"config", CLI_TEXT, "FILE",
			"the configuration (config/tollgate.json), with its overlay \"dev\"; .env "
			"and .dev.vars beside it are read. Routes, timeouts and secrets follow "
			"its changes"),
		CLI_OPTION("env-file", CLI_TEXTS, "FILE",
			   "variables, before .dev.vars and .env; may be given again"),
		CLI_OPTION("state", CLI_TEXT, "DIR",
			   "where data and dev.env are (.tollgate)"),
		CLI_OPTION("fresh", CLI_FLAG, NULL,
			   "start over: a new database, a new key"),
		CLI_OPTION(
			"live", CLI_FLAG, NULL,
			"call real upstreams. Without it, what leaves this machine goes to a "
			"mock; with it, still what has no secret"),
		CLI_OPTION(
			"listen", CLI_TEXTS, "ADDRESS",
			"the gateway's address, or a port (8787) on 127.0.0.1 and ::1; 0 is a "
			"free one. Several, comma-separated or repeated"),
		CLI_OPTION("manager-listen", CLI_TEXTS, "ADDRESS",
			   "the manager's (8000)"),
		CLI_OPTION(
			"database", CLI_TEXT, "URL",
			"use this PostgreSQL instead of a private one. Its tables are brought up "
			"to date; it never gets the demo key and the admin. DATABASE_URL is not looked at"),
		CLI_OPTION("yes", CLI_FLAG, NULL,
			   "allow a --database that is not on this machine"),
		{0},
	};
	static const struct cli_command command = {
		.name = "dev",
		.summary = "run everything on this machine: PostgreSQL, demo upstreams, "
			   "gateway",
		.text = "Runs everything on this machine: a private PostgreSQL, demo "
			"upstreams, the gateway and the manager. Prints a key and calls "
			"that work, then a line per call. Ctrl-C stops all of it; the "
			"data stays.",
		.options = options,
		.examples = {"tollgate dev",
			     "tollgate dev --config other.json --listen 9000 "
			     "--manager-listen 9001"},
		.run = run,
	};

	return &command;
}
