/* `tollgate serve`: runs the gateway and the manager. */
#include <getopt.h>
#include <stdio.h>

#include "gateway/cli/cli.h"
#include "gateway/run/serve.h"

static const char help[] =
	"usage: tollgate serve --config FILE [--env NAME]\n\n"
	"Runs the gateway and the manager until SIGTERM. SIGHUP reloads routes, limits,\n"
	"timeouts and secrets.\n\n"
	"  --config FILE  the configuration (docs/configuration.md)\n"
	"  --env NAME     apply the overlay of that name\n";

static int usage(FILE *out, int status)
{
	fputs(help, out);
	return status;
}

int cli_serve(int argc, char **argv)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"env", required_argument, NULL, 'e'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct serve_options o = {0};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'h')
			return usage(stdout, 0);
		if (opt == '?')
			return usage(stderr, 2);
		*(opt == 'c' ? &o.config : &o.env) = optarg;
	}
	if (o.config == NULL || optind != argc)
		return usage(stderr, 2);
	return serve(&o);
}
