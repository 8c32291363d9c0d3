/* What `tollgate user`, `team` and `audit` share: options, asking, printing. Main
 * thread. */
#ifndef GATEWAY_CLI_CLI_PEOPLE_H
#define GATEWAY_CLI_CLI_PEOPLE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/cli/cli_db.h"
#include "gateway/cli/table.h"
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
/* A field's text, or "-". */
const char *cli_people_text(const cJSON *json, const char *name);
/* The field as a table's next cell; a number as it is printed for ids. */
void cli_people_cell(struct table *t, const cJSON *json, const char *name);
/* "name:role name:role", of a list of such; `first` before them, where it is not NULL. */
void cli_people_roles_cell(struct table *t, const cJSON *list, const char *first);
enum table_paint cli_people_state_paint(const char *state);
/* What was given for a list's option as a field of json, unless nothing was. */
void cli_people_add_list(const struct cli_call *c, cJSON *json, const char *name,
			 const char *option);
/* All pages of a list, as one array; of: whose it is, or NULL. NULL: the reason is on
 * stderr. */
cJSON *cli_people_all(struct cli_people *a, enum people_call call, const char *of);

#endif
