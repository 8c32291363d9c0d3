/* The configuration, for what commands look up in it: secrets of routes need not be set,
 * nor a database. Main thread. */
#ifndef GATEWAY_CLI_CLI_SETTINGS_H
#define GATEWAY_CLI_CLI_SETTINGS_H

#include "gateway/cli/cli_options.h"
#include "gateway/settings/settings.h"

/* NULL: *report says why. */
struct settings *cli_settings(const struct cli_config *files, struct sbuf *report);
/* That of the `tollgate dev` that runs in this folder, with its overlay, state folder and
 * variables (but for those of its --env-file): it listens where it does, and routes lead
 * where they do. NULL: there is none. */
struct settings *cli_dev_settings(void);

#endif
