/* Answers to questions about usage as tables, for people on a terminal. Main thread. */
#ifndef GATEWAY_CLI_USAGE_SHOW_H
#define GATEWAY_CLI_USAGE_SHOW_H

#include <cjson/cJSON.h>

#include "gateway/cli/command.h"

/* Any answer of docs/usage-questions.md, on standard output. */
void usage_show(const struct cli_call *c, const cJSON *answer);

#endif
