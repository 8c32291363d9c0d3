/* What commands take from their line: the configuration. Main thread. */
#ifndef GATEWAY_CLI_CLI_OPTIONS_H
#define GATEWAY_CLI_CLI_OPTIONS_H

#include "gateway/cli/command.h"
#include "gateway/settings/env_file.h"

/* --config, --env and --env-file of CLI_TAKES_CONFIG. */
struct cli_config {
	const char *config; /* NULL: none is given, and the service has none here */
	const char *env;
	struct env_file_list env_files;
};

/* As given; where no configuration is, the service's (cli_take_files). */
struct cli_config cli_config_of(const struct cli_call *c);
/* Says that one is needed; 2. */
int cli_no_config(const struct cli_call *c);

/* The option's values as a list of files. */
void cli_env_files_of(const struct cli_call *c, struct env_file_list *list);

#endif
