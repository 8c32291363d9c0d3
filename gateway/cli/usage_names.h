/* Tokens, teams and routes by name or id. Main thread. */
#ifndef GATEWAY_CLI_USAGE_NAMES_H
#define GATEWAY_CLI_USAGE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/cli/command.h"
#include "gateway/settings/settings.h"

/* The ids of what the option ("tokens" or "teams") was given: ids, or names that the
 * database knows. A token's name is the living one's, else that of the one that had it. A
 * name that several have is refused. False: it said why. The caller frees *ids. */
bool usage_names_ids(const struct cli_call *c, const char *conninfo, const char *option,
		     int64_t **ids, size_t *n);
/* The paths of what --routes was given: paths, or names of the configuration's routes (s
 * may be NULL). False: it said why. The caller frees *paths, not what it holds. */
bool usage_names_routes(const struct cli_call *c, const struct settings *s,
			const char ***paths, size_t *n);

#endif
