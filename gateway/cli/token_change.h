/* `tollgate token show`, `change`, `disable`, `enable`, `rotate`, `delete` and `lookup`.
 * Main thread. */
#ifndef GATEWAY_CLI_TOKEN_CHANGE_H
#define GATEWAY_CLI_TOKEN_CHANGE_H

#include "gateway/cli/command.h"

/* The i-th of them, from 0; NULL: there are no more. */
const struct cli_command *cli_token_change_at(size_t i);

#endif
