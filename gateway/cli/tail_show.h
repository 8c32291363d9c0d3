/* Calls as `tollgate tail` prints them: a line each, aligned on a terminal, JSON for
 * programs. Main thread. */
#ifndef GATEWAY_CLI_TAIL_SHOW_H
#define GATEWAY_CLI_TAIL_SHOW_H

#include <stdbool.h>

#include "common/str.h"
#include "gateway/cli/screen.h"

struct tail_show {
	struct screen screen;
	bool is_json; /* else lines for people */
};

/* json: a row of GET /api/usage/logs. It is on its way when this returns. */
void tail_show_row(const struct tail_show *show, const char *json);
/* On standard error: "tollgate tail: ...". */
void tail_show_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
