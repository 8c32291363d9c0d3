/* Help, from the tables of commands. Main thread. */
#ifndef GATEWAY_CLI_COMMAND_HELP_H
#define GATEWAY_CLI_COMMAND_HELP_H

#include <stdio.h>

#include "gateway/cli/command_table.h"

#define CLI_HELP_COLUMNS 80

/* All that `--help` tells of a command: usage, text, its options or its subcommands,
 * examples, exit statuses. `path` is how it is called: "tollgate token create". */
void cli_print_help(FILE *out, const struct cli_command *command, const char *path);
/* The usage line alone: what must be given, and how the rest is called. */
void cli_print_usage(FILE *out, const struct cli_command *command, const char *path);

#endif
