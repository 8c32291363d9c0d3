/* The commands, each with its table in a file of its name; `tollgate` itself is in
 * commands.c. */
#ifndef GATEWAY_CLI_CLI_H
#define GATEWAY_CLI_CLI_H

#include "gateway/cli/command.h"

/* `tollgate`, with all commands below it. */
const struct cli_command *cli_root(void);

const struct cli_command *cli_audit(void);
const struct cli_command *cli_check(void);
const struct cli_command *cli_completion(void);
const struct cli_command *cli_demo(void);
const struct cli_command *cli_dev(void);
const struct cli_command *cli_doctor(void);
const struct cli_command *cli_explain(void);
const struct cli_command *cli_health(void);
const struct cli_command *cli_import(void);
const struct cli_command *cli_journal(void);
const struct cli_command *cli_manual(void);
const struct cli_command *cli_migrate(void);
const struct cli_command *cli_nodes(void);
const struct cli_command *cli_routes(void);
const struct cli_command *cli_serve(void);
const struct cli_command *cli_tail(void);
const struct cli_command *cli_team(void);
const struct cli_command *cli_token(void);
const struct cli_command *cli_usage(void);
const struct cli_command *cli_user(void);

/* Of `tollgate journal`. */
const struct cli_command *cli_journal_hand_over(void);
const struct cli_command *cli_journal_discard(void);
/* Of `tollgate usage`. */
const struct cli_command *cli_usage_ask(void);
const struct cli_command *cli_usage_cost(void);
const struct cli_command *cli_usage_generate(void);
const struct cli_command *cli_usage_logs(void);
const struct cli_command *cli_usage_series(void);
const struct cli_command *cli_usage_stats(void);
const struct cli_command *cli_usage_top(void);
const struct cli_command *cli_usage_verify(void);

#endif
