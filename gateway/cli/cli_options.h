/* Reading command lines. Main thread. */
#ifndef GATEWAY_CLI_CLI_OPTIONS_H
#define GATEWAY_CLI_CLI_OPTIONS_H

#include <getopt.h>

#include "gateway/settings/env_file.h"

/* Like getopt_long(3), but its messages tell the option's name only: the value behind it
 * may be a secret (--databse=postgresql://...). '?' after a message. */
int cli_next_option(int argc, char **argv, const struct option *options);
/* What a message may quote of an argument: itself, unless it may hold a secret. */
const char *cli_shown(const char *argument);

/* The files of the service on this machine, as docs/deploying.md has them. */
#define CLI_CONFIG "/etc/tollgate/tollgate.json"
#define CLI_ENV_FILE "/etc/tollgate/tollgate.env"
#define CLI_FILES_HELP "\nWithout --config: " CLI_CONFIG " with tollgate.env.\n"
/* Where no configuration is given, takes those that are there; without --env-file also
 * its variables. Says so where they belong to another user. */
void cli_take_files(const char **config, struct env_file_list *env_files);

#endif
