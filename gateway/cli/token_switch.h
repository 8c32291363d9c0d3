/* `tollgate token revoke`, `disable`, `enable` and `delete`. Main thread. */
#ifndef GATEWAY_CLI_TOKEN_SWITCH_H
#define GATEWAY_CLI_TOKEN_SWITCH_H

#include "gateway/cli/command.h"

/* The i-th of them, or NULL. */
const struct cli_command *cli_token_switch_at(size_t i);

#endif
