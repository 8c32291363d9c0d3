/* The SQL of this folder: parts of its .sql files, which are built into the program.
 *
 * A line `-- name: NAME` begins a part, the next line that begins with `--` ends it.
 * {other} in it stands for the part of that name. Values are parameters, $1 and so on.
 * Pure. */
#ifndef GATEWAY_STATISTICS_STATEMENT_H
#define GATEWAY_STATISTICS_STATEMENT_H

#include "common/str.h"

/* What {name} stands for where that is no part itself: the part of that name. */
struct statement_choice {
	const char *name, *part;
};

/* Appends the part with others in their places. Choices end with a name of NULL; NULL:
 * none. A part that there is not, or that holds itself, aborts. */
void statement_put(struct sbuf *sql, const char *name,
		   const struct statement_choice *choices);

#endif
