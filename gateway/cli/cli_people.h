/* What `tollgate user`, `team` and `audit` share: options, asking, printing. Main
 * thread. */
#ifndef GATEWAY_CLI_CLI_PEOPLE_H
#define GATEWAY_CLI_CLI_PEOPLE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/cli/cli_db.h"
#include "gateway/cli/lines.h"
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
void cli_people_add_text(const struct cli_call *c, cJSON *json, const char *name,
			 const char *option);
/* All pages of a list, as one array; of: whose it is, or NULL; filter: NULL, or what it
 * is asked for with. NULL: the reason is on stderr. */
cJSON *cli_people_all(struct cli_people *a, enum people_call call, const char *of,
		      const cJSON *filter);
/* Prints all of it, of nobody, as lines, where --format was given (lines.h). Returns the
 * exit status. */
int cli_people_lines(struct cli_people *a, enum people_call call, enum list_kind kind,
		     const cJSON *filter);
/* Prints and deletes a list (NULL: 1): JSON, or a table whose columns are these
 * fields. */
int cli_people_list(struct cli_people *a, cJSON *all, const struct table_column *columns,
		    const char *const *fields, size_t n);
/* The same with a table of the caller's. */
int cli_people_print(struct cli_people *a, cJSON *all,
		     void (*print_table)(const cJSON *));
/* Prints what a filter finds, which is deleted: lines, where --format was given, or a
 * list as above. Returns the exit status. */
int cli_people_found(struct cli_people *a, enum people_call call, enum list_kind kind,
		     cJSON *filter, void (*print_table)(const cJSON *));
/* Prints and deletes an object (NULL: 1): JSON, or its fields, a line each; times on a
 * terminal with how long ago they were. */
int cli_people_show(struct cli_people *a, cJSON *json);
/* Prints and deletes a user (NULL: 1): JSON, or "user 'ada' is changed". */
int cli_people_told(struct cli_people *a, cJSON *user, const char *what);
/* An id of something that has no name. */
bool cli_people_is_id(const char *text);
int cli_people_no_id(const struct cli_call *c, const char *text); /* says so; 2 */

#endif
