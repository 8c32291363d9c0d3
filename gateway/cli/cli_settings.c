/* The configuration, for what commands look up in it. */
#include "gateway/cli/cli_settings.h"

#include <stdlib.h>

#include "gateway/cli/dev_env_file.h"

#define REPORT_MAX (1u << 20)

struct settings *cli_settings(const struct cli_config *files, struct sbuf *report)
{
	struct env_file *variables = env_file_new();
	struct settings_options options = {
		.env = files->env,
		.allow_missing_secrets = true,
		.database_optional = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};
	struct settings *s = NULL;

	if (env_file_list_read(&files->env_files, variables, report))
		s = settings_load(files->config, &options, report);
	env_file_free(&variables);
	return s;
}

struct settings *cli_dev_settings(void)
{
	char *config = cli_dev_config();
	struct env_file *variables = env_file_new();
	struct settings_options options = {
		.env = "dev",
		.env_optional = true,
		.allow_missing_secrets = true,
		.database_optional = true,
		.database_unused = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};
	struct settings *s = NULL;
	struct sbuf report;

	sbuf_init(&report, REPORT_MAX);
	if (config != NULL && env_files_read_beside(variables, config, &report))
		s = settings_load(config, &options, &report);
	sbuf_fini(&report);
	env_file_free(&variables);
	free(config);
	return s;
}
