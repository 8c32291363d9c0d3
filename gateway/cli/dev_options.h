/* The command line of `tollgate dev`. */
#ifndef GATEWAY_CLI_DEV_OPTIONS_H
#define GATEWAY_CLI_DEV_OPTIONS_H

#include "gateway/dev/dev_listen.h"

struct dev_options {
	const char *config;
	const char *state;
	const char *database; /* NULL: a private PostgreSQL */
	bool fresh, live, yes;
	struct dev_listeners listen, manager_listen;
};

enum dev_verdict { DEV_RUN, DEV_HELP, DEV_USAGE };

/* Fills *o, whose strings point into argv. DEV_HELP: help was printed; DEV_USAGE: it
 * complained. */
enum dev_verdict dev_options_parse(struct dev_options *o, int argc, char **argv);

#endif
