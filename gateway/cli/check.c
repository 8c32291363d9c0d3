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
	struct cli_config files;
	bool dump, allow_unset;
};

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
	bool dev = a->files.env != NULL && strcmp(a->files.env, "dev") == 0, ok = true;
	struct env_file *vars = env_file_new();
	struct settings_options o = {
		.env = a->files.env,
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
		env_files_note_unread(a->files.config, &a->files.env_files, &report);
		ok = env_files_read_beside(vars, a->files.config, &report);
	}
	ok = env_file_list_read(&a->files.env_files, vars, &report) && ok;
	s = settings_load(a->files.config, &o, &report);
	fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	ok &= s != NULL;
	if (ok && a->dump)
		print_dump(s);
	else if (ok)
		printf("%s: fine, %zu route%s%s%s\n", a->files.config, s->n_routes,
		       s->n_routes == 1 ? "" : "s", a->files.env ? ", environment " : "",
		       a->files.env ? a->files.env : "");
	settings_unref(&s);
	env_file_free(&vars);
	sbuf_fini(&report);
	return ok ? 0 : 1;
}

static int run(const struct cli_call *c)
{
	struct check_arguments a = {.files = cli_config_of(c),
				    .dump = cli_has(c, "dump"),
				    .allow_unset = cli_has(c, "allow-unset")};

	return a.files.config != NULL ? check(&a) : cli_no_config(c);
}

const struct cli_command *cli_check(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION(
			"allow-unset", CLI_FLAG, NULL,
			"unset secrets and database are no errors; so it is with --env dev"),
		CLI_OPTION("dump", CLI_FLAG, NULL,
			   "print the effective configuration as JSON, secrets as ***"),
		{0},
	};
	static const struct cli_command command = {
		.name = "check",
		.summary = "check a configuration file and print every fault",
		.text = "Prints every error and warning of a configuration file with its "
			"place. Variables come from the environment, then from "
			"--env-file, then from .dev.vars and .env beside the file if "
			"--env is dev.",
		.options = options,
		.shares = CLI_TAKES_CONFIG,
		.examples = {"tollgate check --config tollgate.json",
			     "tollgate check --config tollgate.json --env dev --dump"},
		.fails = "if there is an error in it",
		.run = run,
	};

	return &command;
}
