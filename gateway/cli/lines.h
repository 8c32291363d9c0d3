/* A whole list on standard output as lines, CSV or JSON: page after page of the
 * database's own list, so that any number of them takes no memory. Main thread. */
#ifndef GATEWAY_CLI_LINES_H
#define GATEWAY_CLI_LINES_H

#include "common/pg_sync.h"
#include "gateway/cli/command.h"
#include "gateway/people/list_columns.h"

/* Beside it, options that are about pages are refused. */
#define LINES_OPTION                                                                     \
	CLI_OPTION("format", CLI_WORD, "FORMAT",                                         \
		   "all of it as lines for programs: csv, which spreadsheets open "      \
		   "safely, or ndjson",                                                  \
		   .words = "csv ndjson")

#define LINES_VALUES_MAX 16

struct lines_plan {
	enum list_kind kind;
	const char *sql; /* answers {"items" or "rows": [...], "next"} */
	const char *values[LINES_VALUES_MAX];
	int n_values;
	/* values[place] is a filter that gets "after"; or, with is_place, a time, with an
	 * id behind it, where a page begins. */
	int place;
	bool is_place;
};

/* 0: nothing that was given stands in its way; else it is told, and this returned. */
int lines_refused(const struct cli_call *c);
/* Prints all. Returns the exit status. */
int lines_print(const struct cli_call *c, struct pg_sync *db,
		const struct lines_plan *plan);

#endif
