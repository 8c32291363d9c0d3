/* What `tollgate user`, `team` and `audit` share: options, asking, printing. Main
 * thread. */
#ifndef GATEWAY_CLI_CLI_PEOPLE_H
#define GATEWAY_CLI_CLI_PEOPLE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/cli/cli_db.h"
#include "gateway/people/people.h"

/* A subcommand at work. */
struct cli_people {
	const struct cli_call *call;
	struct pg_sync *session;
};

/* Connects, acts, disconnects. Returns the exit status. */
int cli_people_run(const struct cli_call *c, int (*act)(struct cli_people *a));
/* Asks, and parses the answer, which the caller deletes. NULL: the reason is on
 * stderr. */
cJSON *cli_people_ask(struct cli_people *a, enum people_call call,
		      const char *const *values, int n);
/* Prints and deletes it. */
void cli_people_print(cJSON *json);
/* A field's text, or "-". */
const char *cli_people_text(const cJSON *json, const char *name);
/* What was given for a list's option as a field of json, unless nothing was. */
void cli_people_add_list(const struct cli_call *c, cJSON *json, const char *name,
			 const char *option);
/* All pages of a list, as one array. NULL: the reason is on stderr. */
cJSON *cli_people_all(struct cli_people *a, enum people_call call);

#endif
