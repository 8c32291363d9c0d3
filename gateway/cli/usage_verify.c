/* `tollgate usage verify`: are the statistics what the rows say? */
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/statistics/verify.h"

#define ERROR_MAX (64u << 10)

static const char help[] =
	"usage: tollgate usage verify [options]\n\n"
	"Counts the rows of the usage log again and compares with the cells that statistics are\n"
	"answered from, all of them; right while calls come in. Exit status 1 if any differs.\n\n"
	"  --from TIME      not before this (UTC: 2026-11-24, \"2026-11-24 06:45\"; or with an\n"
	"                   offset: 2026-11-24T12:15+05:30)\n"
	"  --to TIME        nor from this on\n"
	"  --repair         count again what differs, then compare once more\n" CLI_DB_HELP;

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
	fflush(stdout);
}

static int run(const struct cli_db *db, struct usage_verify_options *o)
{
	char *conninfo = cli_db_conninfo(db);
	struct sbuf error;
	enum usage_verdict verdict;

	if (conninfo == NULL)
		return 1;
	o->conninfo = conninfo;
	sbuf_init(&error, ERROR_MAX);
	verdict = usage_verify(o, &error);
	if (verdict == VERIFY_FAILED) {
		fprintf(stderr, "tollgate usage verify: " STR_FMT "\n",
			STR_ARG(sbuf_view(&error)));
		cli_db_explain(conninfo, "tollgate usage verify");
	}
	sbuf_fini(&error);
	free(conninfo);
	return verdict == VERIFY_EQUAL ? 0 : 1;
}

int cli_usage_verify(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_DB_OPTIONS,
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"repair", no_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct usage_verify_options o = {.report = print_line};
	struct cli_db db = {0};
	int c;

	while ((c = cli_next_option(argc, argv, options)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		if (c == 'r')
			o.repair = true;
		else if (!cli_db_take(&db, c, optarg))
			*(c == 'f' ? &o.from : &o.to) = optarg;
	}
	if (optind != argc) {
		fputs(help, stderr);
		return 2;
	}
	return run(&db, &o);
}
