/* `tollgate migrate`: creates or updates the database's tables. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/db/migrate.h"

#define ERROR_MAX (64u << 10)

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
	fflush(stdout);
}

static int run(const struct cli_call *c)
{
	struct cli_db db = cli_db_of(c);
	char *conninfo = cli_db_conninfo(&db);
	struct db_migrate_options o = {.conninfo = conninfo,
				       .adopt_time_zone = cli_text(c, "adopt-time-zone"),
				       .adopt_teams = cli_text(c, "adopt-teams"),
				       .report = print_line};
	struct sbuf error;
	bool ok;

	if (conninfo == NULL)
		return 1;
	sbuf_init(&error, ERROR_MAX);
	ok = db_migrate(&o, &error);
	if (!ok)
		cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	free(conninfo);
	return ok ? 0 : 1;
}

const struct cli_command *cli_migrate(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION(
			"adopt-time-zone", CLI_TEXT, "ZONE",
			"the zone of the times in an older token_usage_logs, whose rows are then "
			"copied (Asia/Taipei, UTC, ...)"),
		CLI_OPTION(
			"adopt-teams", CLI_TEXT, "COLUMN",
			"makes teams of the values of this column of tokens (integer, uuid or "
			"text), named by an older table `teams` if there is one"),
		{0},
	};
	static const struct cli_command command = {
		.name = "migrate",
		.summary = "create or update the database's tables",
		.text = "Creates or updates the tables, once each, and does nothing where "
			"nothing is to do. Connect as a superuser, or as a member of "
			"tollgate_owner.",
		.options = options,
		.shares = CLI_TAKES_DATABASE,
		.examples = {"tollgate migrate --config tollgate.json",
			     "tollgate migrate --database postgresql:///tollgate"},
		.run = run,
	};

	return &command;
}
