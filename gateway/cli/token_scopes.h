/* Warns of scopes that no route asks for. Main thread. */
#ifndef GATEWAY_CLI_TOKEN_SCOPES_H
#define GATEWAY_CLI_TOKEN_SCOPES_H

#include <stddef.h>

#include "gateway/cli/cli_db.h"

/* Says of each, where a configuration is at hand, whether no route of it asks for it: it
 * may be mistyped, or that of a route to come. */
void token_scopes_warn(const struct cli_call *c, const struct cli_db *db,
		       const char *const *scopes, size_t n);

#endif
