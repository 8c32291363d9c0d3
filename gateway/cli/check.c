/* `tollgate check`: prints every fault of a configuration file. */
#include <stdio.h>
#include <string.h>

#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/env_file.h"
#include "gateway/settings/settings.h"

#define REPORT_MAX (1u << 20)
#define DUMP_MAX (16u << 20)

struct check_arguments {
	const char *config, *env;
	struct env_file_list env_files;
	bool dump, allow_unset;
};

static const char help[] =
	"usage: tollgate check --config FILE [--env NAME] [--env-file FILE] [--allow-unset]\n"
	"                      [--dump]\n\n"
	"Prints every error and warning of a configuration file with its place; exit status 1\n"
	"if there is an error. Variables come from the environment, then from --env-file,\n"
	"then from .dev.vars and .env beside the file if --env is dev.\n\n"
	"  --config FILE   the configuration (docs/configuration.md)\n"
	"  --env NAME      apply the overlay of that name\n"
	"  --env-file FILE variables, NAME=value a line; may be given again, the later wins\n"
	"  --allow-unset   unset secrets and database are no errors; so it is with --env dev\n"
	"  --dump          print the effective configuration as JSON, secrets as ***\n" CLI_FILES_HELP;

static void print_dump(const struct settings *s)
{
	struct sbuf out;

	sbuf_init(&out, DUMP_MAX);
	settings_dump(s, &out);
	printf(STR_FMT, STR_ARG(sbuf_view(&out)));
	sbuf_fini(&out);
}

static int check(const struct check_arguments *a)
{
	bool dev = a->env != NULL && strcmp(a->env, "dev") == 0, ok = true;
	struct env_file *vars = env_file_new();
	struct settings_options o = {
		.env = a->env,
		.allow_missing_secrets = dev || a->allow_unset,
		.database_optional = dev || a->allow_unset,
		.database_unused = dev,
		.env_optional = dev,
		.variable = env_file_variable,
		.variable_ctx = vars,
	};
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, REPORT_MAX);
	if (dev) {
		env_files_note_unread(a->config, &a->env_files, &report);
		ok = env_files_read_beside(vars, a->config, &report);
	}
	ok = env_file_list_read(&a->env_files, vars, &report) && ok;
	s = settings_load(a->config, &o, &report);
	fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	ok &= s != NULL;
	if (ok && a->dump)
		print_dump(s);
	else if (ok)
		printf("%s: fine, %zu route%s%s%s\n", a->config, s->n_routes,
		       s->n_routes == 1 ? "" : "s", a->env ? ", environment " : "",
		       a->env ? a->env : "");
	settings_unref(&s);
	env_file_free(&vars);
	sbuf_fini(&report);
	return ok ? 0 : 1;
}

static int usage(FILE *out, int status)
{
	fputs(help, out);
	return status;
}

int cli_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"env", required_argument, NULL, 'e'},
		{"env-file", required_argument, NULL, 'f'},
		{"allow-unset", no_argument, NULL, 'u'},
		{"dump", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	struct check_arguments a = {0};
	int opt;

	while ((opt = cli_next_option(argc, argv, options)) != -1) {
		switch (opt) {
		case 'c':
			a.config = optarg;
			break;
		case 'e':
			a.env = optarg;
			break;
		case 'f':
			env_file_list_add(&a.env_files, optarg);
			break;
		case 'u':
			a.allow_unset = true;
			break;
		case 'd':
			a.dump = true;
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	cli_take_files(&a.config, &a.env_files);
	if (a.config == NULL || optind != argc)
		return usage(stderr, 2);
	return check(&a);
}
