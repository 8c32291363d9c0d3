/* Reading command lines. Main thread. */
#ifndef GATEWAY_CLI_CLI_OPTIONS_H
#define GATEWAY_CLI_CLI_OPTIONS_H

#include <getopt.h>

/* Like getopt_long(3), but its messages tell the option's name only: the value behind it
 * may be a secret (--databse=postgresql://...). '?' after a message. */
int cli_next_option(int argc, char **argv, const struct option *options);
/* What a message may quote of an argument: itself, unless it may hold a secret. */
const char *cli_shown(const char *argument);

#endif
