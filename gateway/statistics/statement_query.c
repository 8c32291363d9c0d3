/* Runs a statement by its name. */
#include "gateway/statistics/statement_query.h"

#include <stdio.h>

#include "common/check.h"
#include "gateway/statistics/statement.h"

#define SQL_MAX (64u << 10)

PGresult *statement_query(struct pg_sync *s, const char *name, const char *const *values,
			  int n, struct sbuf *error)
{
	struct sbuf sql;
	PGresult *r;

	sbuf_init(&sql, SQL_MAX);
	statement_put(&sql, name, NULL);
	sbuf_add(&sql, "", 1);
	CHECK(!sql.overflow);
	r = pg_sync_query(s, sql.p, values, n, error);
	sbuf_fini(&sql);
	return r;
}

bool statement_value(struct pg_sync *s, const char *name, const char *const *values,
		     int n, char out[STATEMENT_VALUE_MAX], struct sbuf *error)
{
	PGresult *r = statement_query(s, name, values, n, error);

	if (r == NULL)
		return false;
	snprintf(out, STATEMENT_VALUE_MAX, "%s", PQgetvalue(r, 0, 0));
	PQclear(r);
	return true;
}
