/* `tollgate token list`. Main thread. */
#ifndef GATEWAY_CLI_TOKEN_LIST_H
#define GATEWAY_CLI_TOKEN_LIST_H

#include "gateway/cli/command.h"

const struct cli_command *cli_token_list(void);

#endif
