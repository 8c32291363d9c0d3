/* `tollgate dev`: everything on this machine, for people who try and develop. */
#ifndef GATEWAY_DEV_DEV_H
#define GATEWAY_DEV_DEV_H

#include "gateway/dev/dev_listen.h"
#include "gateway/settings/env_file.h"

struct dev_options {
	const char *config;
	const char *state;    /* the state folder, as its user names it */
	const char *database; /* NULL: a private PostgreSQL */
	struct env_file_list env_files;
	bool fresh, live, yes;
	struct dev_listeners listen, manager_listen;
};

/* Runs until SIGTERM or Ctrl-C, and ends all that it started; returns the exit status.
 * Main thread, before any other. */
int dev_run(const struct dev_options *o);

#endif
