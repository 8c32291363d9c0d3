/* `tollgate usage verify`: are the statistics what the rows say? */
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/statistics/verify.h"

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
	struct usage_verify_options o = {.conninfo = conninfo,
					 .from = cli_text(c, "from"),
					 .to = cli_text(c, "to"),
					 .repair = cli_has(c, "repair"),
					 .report = print_line};
	struct sbuf error;
	enum usage_verdict verdict;

	if (conninfo == NULL)
		return 1;
	sbuf_init(&error, ERROR_MAX);
	verdict = usage_verify(&o, &error);
	if (verdict == VERIFY_FAILED) {
		cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&error)));
		cli_db_explain(conninfo, c->path);
	}
	sbuf_fini(&error);
	free(conninfo);
	return verdict == VERIFY_EQUAL ? 0 : 1;
}

const struct cli_command *cli_usage_verify(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION(
			"from", CLI_TEXT, "TIME",
			"not before this (UTC: 2026-11-24, \"2026-11-24 06:45\"; or with an "
			"offset: 2026-11-24T12:15+05:30)"),
		CLI_OPTION("to", CLI_TEXT, "TIME", "nor from this on"),
		CLI_OPTION("repair", CLI_FLAG, NULL,
			   "count again what differs, then compare once more"),
		{0},
	};
	static const struct cli_command command = {
		.name = "verify",
		.summary = "count rows again and compare with the statistics",
		.text = "Counts the rows of the usage log again and compares with the "
			"cells that statistics are answered from, all of them; right "
			"while calls come in.",
		.options = options,
		.shares = CLI_TAKES_DATABASE,
		.examples = {"tollgate usage verify --config tollgate.json",
			     "tollgate usage verify --from 2026-11-24 --repair"},
		.fails = "if any differs",
		.run = run,
	};

	return &command;
}
