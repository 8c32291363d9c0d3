/* `tollgate user keys`, `revoke`, `sessions` and `sign-out`: what somebody signs in with.
 * Each returns the exit status. */
#ifndef GATEWAY_CLI_USER_ACCESS_H
#define GATEWAY_CLI_USER_ACCESS_H

#include "gateway/cli/command.h"

int cli_user_keys(const struct cli_call *c);
int cli_user_revoke(const struct cli_call *c);
int cli_user_sessions(const struct cli_call *c);
int cli_user_sign_out(const struct cli_call *c);

#endif
