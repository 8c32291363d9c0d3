/* The gateway as a service: from a configuration file, which SIGHUP reads again. */
#ifndef GATEWAY_RUN_SERVE_H
#define GATEWAY_RUN_SERVE_H

struct serve_options {
	const char *config;
	const char *env; /* overlay to apply or NULL */
};

/* Runs until SIGTERM; returns the exit status. Faults of the file go to standard error;
 * on a reload the settings before stay in force then. Main thread, before any other. */
int serve(const struct serve_options *o);

#endif
