/* The gateway as a service: from a configuration file, which SIGHUP reads again. */
#ifndef GATEWAY_RUN_SERVE_H
#define GATEWAY_RUN_SERVE_H

#include "gateway/settings/env_file.h"

struct serve_options {
	const char *config;
	const char *env;                /* overlay to apply or NULL */
	struct env_file_list env_files; /* variables beside the environment's */
};

/* Runs until SIGTERM; returns the exit status. Faults of the files go to standard error;
 * on a reload, which reads all of them again, the settings before stay in force then.
 * Main thread, before any other. */
int serve(const struct serve_options *o);

#endif
