/* Explanations as lines for people. Main thread. */
#ifndef GATEWAY_CLI_EXPLAIN_SHOW_H
#define GATEWAY_CLI_EXPLAIN_SHOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Of explanation_of_request: it would neither be refused, nor would its upstream fail. */
bool explain_is_good(const cJSON *answer);
void explain_show_request(const cJSON *answer);
/* A row of the usage log with its `explanation` (explained_call). */
void explain_show_call(const cJSON *row);

#endif
