/* The options of `tollgate dev`. */
#ifndef GATEWAY_CLI_DEV_OPTIONS_H
#define GATEWAY_CLI_DEV_OPTIONS_H

#include "gateway/cli/command.h"
#include "gateway/dev/dev.h"

/* Fills *o, whose strings are the call's. False: it complained. */
bool dev_options_of(struct dev_options *o, const struct cli_call *c);

#endif
