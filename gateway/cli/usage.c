/* `tollgate usage`: what is done with usage records from the command line. */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"

static const struct cli_command commands[] = {
	{"ask", "answer a question about usage, as JSON", cli_usage_ask},
	{"generate",
	 "make up calls, to look at pages or to measure; --remove takes them away",
	 cli_usage_generate},
	{"verify",
	 "count rows again and compare with the statistics; --repair mends them",
	 cli_usage_verify},
};

static int help(FILE *out, int status)
{
	fprintf(out, "usage: tollgate usage COMMAND [options]\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`tollgate usage COMMAND --help` tells a command's options.\n");
	return status;
}

int cli_usage(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr, 2);
	if (strcmp(argv[1], "--help") == 0)
		return help(stdout, 0);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr,
		"tollgate usage: no command '%s'; `tollgate usage --help` lists them\n",
		cli_shown(argv[1]));
	return 2;
}
