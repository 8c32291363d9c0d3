/* The files of the service on this machine. */
#include "gateway/cli/service_files.h"

#include <stdio.h>
#include <unistd.h>

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
