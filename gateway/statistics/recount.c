/* Has marked intervals counted again. */
#include "gateway/statistics/recount.h"

#include <string.h>
#include <unistd.h>

#include "gateway/statistics/statement_query.h"

#define PAUSE_US 200000

bool usage_recount_wait(int *patience, struct sbuf *error)
{
	if ((*patience)-- == 0) {
		sbuf_lit(error, "the gateways' upkeep holds its lock all the time; try "
				"again later");
		return false;
	}
	usleep(PAUSE_US);
	return true;
}

bool usage_recount_marked(struct pg_sync *s, struct sbuf *error)
{
	char began[STATEMENT_VALUE_MAX], left[STATEMENT_VALUE_MAX];
	char done[STATEMENT_VALUE_MAX];
	const char *const values[] = {began};
	int patience = RECOUNT_PATIENCE;

	if (!statement_value(s, "recount_clock", NULL, 0, began, error))
		return false;
	for (;;) {
		if (!statement_value(s, "recount_left", values, 1, left, error))
			return false;
		if (strcmp(left, "0") == 0)
			return true;
		if (!statement_value(s, "recount_some", NULL, 0, done, error))
			return false;
		if (strcmp(done, "-1") != 0)
			patience = RECOUNT_PATIENCE;
		else if (!usage_recount_wait(&patience, error))
			return false;
	}
}
