/* `tollgate user show`, `change`, and those about identities and requests for access.
 * Main thread. */
#ifndef GATEWAY_CLI_USER_CHANGE_H
#define GATEWAY_CLI_USER_CHANGE_H

#include "gateway/cli/command.h"

/* The i-th of them, or NULL. */
const struct cli_command *cli_user_change_at(size_t i);
const struct cli_command *cli_user_identity_at(size_t i);

#endif
