/* Has marked intervals counted again. */
#include "gateway/statistics/recount.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_US 200000

/* Its first value as text in `out`. */
static bool ask(struct pg_sync *s, const char *sql, const char *const *values, int n,
		char out[64], struct sbuf *error)
{
	PGresult *r = pg_sync_query(s, sql, values, n, error);

	if (r == NULL)
		return false;
	snprintf(out, 64, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return true;
}

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
	char began[64], left[64], done[64];
	const char *const values[] = {began};
	int patience = RECOUNT_PATIENCE;

	if (!ask(s, "SELECT clock_timestamp()", NULL, 0, began, error))
		return false;
	for (;;) {
		if (!ask(s, "SELECT count(*) FROM usage_dirty WHERE noted_at <= $1",
			 values, 1, left, error))
			return false;
		if (strcmp(left, "0") == 0)
			return true;
		if (!ask(s, "SELECT usage_recount_dirty(32)", NULL, 0, done, error))
			return false;
		if (strcmp(done, "-1") != 0)
			patience = RECOUNT_PATIENCE;
		else if (!usage_recount_wait(&patience, error))
			return false;
	}
}
