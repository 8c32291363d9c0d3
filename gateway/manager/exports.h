/* Lists that go out whole, as CSV or as lines of JSON: page after page is asked for by
 * the list's own statement, while the reader takes them.
 *
 * Two at a time, on two connections of their own. A page waits in memory at most, and
 * while the reader is slow nothing is asked. A reader who leaves cancels what is asked;
 * an answer that cannot go on is cut, so that nobody takes it for whole. The audit has
 * each, when it begins and how it ended. The manager's thread. */
#ifndef GATEWAY_MANAGER_EXPORTS_H
#define GATEWAY_MANAGER_EXPORTS_H

#include "gateway/manager/call.h"

#define EXPORTS_MAX 2           /* at a time; further ones are to come again */
#define EXPORTS_LATER_S 5       /* Retry-After of those */
#define EXPORT_PAGE_ROWS "1000" /* of calls, a statement */
#define EXPORT_LIST_ROWS "200"  /* of what lists have */

/* What a list has as parameters beside its own. */
#define EXPORT_PARAMETERS "format", "bom"

struct exports;

struct exports *exports_new(void);
/* No call is left, nor any stream. */
void exports_free(struct exports **x);

enum export_paging {
	/* values[place] is a filter, an object, that gets "after" */
	EXPORT_BY_FILTER,
	/* "2026-11-29T12:00:00.5/17": values[place] gets the time, the next one the id */
	EXPORT_BY_PLACE,
};

struct export_plan {
	const char *name;           /* "tokens"; static, as columns */
	const char *const *columns; /* json_rows_csv's */
	const char *sql; /* static; answers {"items" or "rows": [...], "next"} */
	const char *values[CALL_VALUES_MAX];
	int n_values;
	enum export_paging paging;
	int place;
};

/* Whether the query asks for one. Faults are noted: pages' parameters beside it, words
 * that it does not know. */
bool export_is_wanted(struct call *c, const struct query *query);
/* Ends the caller's hold on the call: the answer is the list's, its refusals are as
 * call_ask has them. */
void export_begin(struct call *c, const struct export_plan *plan,
		  const struct query *query);

#endif
