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

static void tell_failed(struct pg_sync *s, struct sbuf *error)
{
	PGresult *r = statement_query(s, "recount_failed", NULL, 0, error);

	if (r != NULL)
		sbuf_printf(error,
			    "intervals can't be counted again; the gateways try again "
			    "in ten minutes: %s",
			    PQntuples(r) ? PQgetvalue(r, 0, 0) : "no reason is known");
	PQclear(r);
}

bool usage_recount_marked(struct pg_sync *s, struct sbuf *error)
{
	char began[STATEMENT_VALUE_MAX], left[STATEMENT_VALUE_MAX];
	char done[STATEMENT_VALUE_MAX] = "";
	const char *const values[] = {began};
	int patience = RECOUNT_PATIENCE;

	if (!statement_value(s, "recount_clock", NULL, 0, began, error))
		return false;
	for (;;) {
		if (!statement_value(s, "recount_left", values, 1, left, error))
			return false;
		if (strcmp(left, "0") == 0)
			return true;
		if (strcmp(done, "0") == 0) {
			tell_failed(s, error);
			return false;
		}
		if (!statement_value(s, "recount_some", NULL, 0, done, error))
			return false;
		if (strcmp(done, "-1") != 0)
			patience = RECOUNT_PATIENCE;
		else if (!usage_recount_wait(&patience, error))
			return false;
	}
}
