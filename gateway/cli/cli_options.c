/* What commands take from their line. */
#include "gateway/cli/cli_options.h"

#include <stdlib.h>

#include "gateway/cli/service_files.h"

void cli_env_files_of(const struct cli_call *c, struct env_file_list *list)
{
	size_t n;
	const char **names = cli_list(c, "env-file", &n);

	for (size_t i = 0; i < n; i++)
		env_file_list_add(list, names[i]);
	free(names);
}

struct cli_config cli_config_of(const struct cli_call *c)
{
	struct cli_config config = {.config = cli_text(c, "config"),
				    .env = cli_text(c, "env")};

	cli_env_files_of(c, &config.env_files);
	cli_take_files(&config.config, &config.env_files);
	return config;
}

int cli_no_config(const struct cli_call *c)
{
	return cli_usage_error(c, "--config is missing: which configuration?");
}
