/* Reading command lines. */
#include "gateway/cli/cli_options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The argument that getopt_long has just refused, up to its value. */
static void tell_unknown(const char *argument)
{
	int n = (int)strcspn(argument, "=");

	if (argument[0] == '-' && argument[1] == '-')
		fprintf(stderr, "tollgate: there is no option %.*s here; ", n, argument);
	else
		fprintf(stderr, "tollgate: there is no option -%c here; ", optopt);
	fputs("--help lists them\n", stderr);
}

static const char *name_of(const struct option *options, int value)
{
	for (; options->name != NULL; options++)
		if (options->val == value)
			return options->name;
	return "";
}

int cli_next_option(int argc, char **argv, const struct option *options)
{
	int before, found;

	if (optind == 0) /* getopt(3): start anew */
		optind = 1;
	before = optind;
	opterr = 0;
	found = getopt_long(argc, argv, ":", options, NULL);
	if (found == ':')
		fprintf(stderr, "tollgate: --%s needs a value\n",
			name_of(options, optopt));
	else if (found == '?' && optopt != 0 && *name_of(options, optopt) != '\0')
		fprintf(stderr, "tollgate: --%s takes no value\n",
			name_of(options, optopt));
	else if (found == '?')
		tell_unknown(argv[optind > before ? optind - 1 : before]);
	return found == ':' ? '?' : found;
}

const char *cli_shown(const char *argument)
{
	static const char *const marks[] = {"://", "password", "ntk_", "tgu_", "@"};

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (strcasestr(argument, marks[i]) != NULL)
			return "***";
	return argument;
}

void cli_take_files(const char **config, struct env_file_list *env_files)
{
	if (*config != NULL || access(CLI_CONFIG, F_OK) != 0)
		return;
	*config = CLI_CONFIG;
	if (env_files->n != 0 || access(CLI_ENV_FILE, F_OK) != 0)
		return;
	env_file_list_add(env_files, CLI_ENV_FILE);
	if (access(CLI_ENV_FILE, R_OK) != 0)
		fprintf(stderr,
			"tollgate: " CLI_ENV_FILE
			" is the service's: run this as its user (sudo -u tollgate)\n");
}
