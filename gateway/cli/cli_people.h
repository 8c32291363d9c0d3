/* What `tollgate user`, `team` and `audit` share: options, asking, printing. Main
 * thread. */
#ifndef GATEWAY_CLI_CLI_PEOPLE_H
#define GATEWAY_CLI_CLI_PEOPLE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/cli/cli_db.h"
#include "gateway/people/people.h"

#define CLI_PEOPLE_OPERANDS 3
#define CLI_PEOPLE_LIST 64 /* values of an option that may be given again */

struct cli_people {
	const char *command; /* "tollgate user", for messages */
	struct cli_db db;
	struct pg_sync *session;
	const char *operands[CLI_PEOPLE_OPERANDS];
	int n_operands;
	const char *name, *role, *email;
	const char *teams[CLI_PEOPLE_LIST];
	const char *scopes[CLI_PEOPLE_LIST];
	const char *ranges[CLI_PEOPLE_LIST];
	int n_teams, n_scopes, n_ranges;
	int64_t expires_s; /* 0: not given */
	int64_t limit;     /* 0: not given */
	bool service, json, disable, enable, no_bounds;
};

struct cli_people_verb {
	const char *name;           /* "": the command is the verb */
	int min, max;               /* operands */
	const char *const *options; /* those it takes beside the database's and --json */
	int (*run)(struct cli_people *a);
};

/* Reads the arguments behind the verb, connects, runs. Returns the exit status. */
int cli_people_main(const char *command, const char *help,
		    const struct cli_people_verb *verbs, size_t n, int argc, char **argv);
/* Asks, and parses the answer, which the caller deletes. NULL: the reason is on
 * stderr. */
cJSON *cli_people_ask(struct cli_people *a, enum people_call call,
		      const char *const *values, int n);
/* Prints and deletes it. */
void cli_people_print(cJSON *json);
/* A field's text, or "-". */
const char *cli_people_text(const cJSON *json, const char *name);
/* Says why on stderr; 2. */
int cli_people_usage(const struct cli_people *a, const char *why);
/* A list as a field of json, unless n is 0. */
void cli_people_add_list(cJSON *json, const char *name, const char *const *list, int n);
/* All pages of a list, as one array. NULL: the reason is on stderr. */
cJSON *cli_people_all(struct cli_people *a, enum people_call call);

#endif
