/* The command line of `tollgate dev`. */
#ifndef GATEWAY_CLI_DEV_OPTIONS_H
#define GATEWAY_CLI_DEV_OPTIONS_H

#include "gateway/dev/dev.h"

enum dev_verdict { DEV_RUN, DEV_HELP, DEV_USAGE };

/* Fills *o, whose strings point into argv. DEV_HELP: help was printed; DEV_USAGE: it
 * complained. */
enum dev_verdict dev_options_parse(struct dev_options *o, int argc, char **argv);

#endif
