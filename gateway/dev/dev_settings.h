/* The settings of `tollgate dev`: those of the file with its overlay "dev", and what the
 * command line and this machine change in them. */
#ifndef GATEWAY_DEV_DEV_SETTINGS_H
#define GATEWAY_DEV_DEV_SETTINGS_H

#include "gateway/dev/dev_listen.h"
#include "gateway/dev/dev_routes.h"
#include "gateway/settings/env_file.h"

struct dev_settings {
	const char *config;
	const char *state_dir;
	const char *database;                  /* NULL: the file's, if it has one */
	const struct env_file_list *env_files; /* after those beside the configuration */
	const struct dev_listeners *listen, *manager_listen;
	struct dev_routes routes;
	bool no_ipv6; /* of dev_settings_fit */
};

/* Variables come from the environment, then from env_files, then from the files beside
 * the configuration (env_file_beside). NULL: it complained. */
struct settings *dev_settings_load(struct dev_settings *d);
/* Once, before the settings are shared: takes out what this machine cannot listen on,
 * here and in all that are loaded later. False: an address is taken; it complained. */
bool dev_settings_fit(struct dev_settings *d, struct settings *s);

#endif
