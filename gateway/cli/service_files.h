/* The files of the service on this machine, as docs/deploying.md has them. Main
 * thread. */
#ifndef GATEWAY_CLI_SERVICE_FILES_H
#define GATEWAY_CLI_SERVICE_FILES_H

#include "gateway/settings/env_file.h"

#define CLI_CONFIG "/etc/tollgate/tollgate.json"
#define CLI_ENV_FILE "/etc/tollgate/tollgate.env"

/* Where no configuration is given, takes those that are there; without --env-file also
 * its variables. Says so where they belong to another user. */
void cli_take_files(const char **config, struct env_file_list *env_files);

#endif
