/* `tollgate serve`: runs the gateway and the manager. */
#include <stdio.h>

#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/run/serve.h"

static const char help[] =
	"usage: tollgate serve --config FILE [--env NAME] [--env-file FILE]\n\n"
	"Runs the gateway and the manager until SIGTERM. SIGHUP reads all files again: routes,\n"
	"limits, timeouts and secrets.\n\n"
	"  --config FILE    the configuration (docs/configuration.md)\n"
	"  --env NAME       apply the overlay of that name\n"
	"  --env-file FILE  variables, NAME=value a line; those of the environment win. May be\n"
	"                   given again, the later wins\n" CLI_FILES_HELP;

static int usage(FILE *out, int status)
{
	fputs(help, out);
	return status;
}

int cli_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"env", required_argument, NULL, 'e'},
		{"env-file", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	struct serve_options o = {0};
	int opt;

	while ((opt = cli_next_option(argc, argv, options)) != -1) {
		if (opt == 'h')
			return usage(stdout, 0);
		if (opt == '?')
			return usage(stderr, 2);
		if (opt == 'f')
			env_file_list_add(&o.env_files, optarg);
		else
			*(opt == 'c' ? &o.config : &o.env) = optarg;
	}
	cli_take_files(&o.config, &o.env_files);
	if (o.config == NULL || optind != argc)
		return usage(stderr, 2);
	return serve(&o);
}
