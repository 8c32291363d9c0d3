/* Runs a statement of this folder's .sql files and waits for its result. */
#ifndef GATEWAY_STATISTICS_STATEMENT_QUERY_H
#define GATEWAY_STATISTICS_STATEMENT_QUERY_H

#include "common/pg_sync.h"

#define STATEMENT_VALUE_MAX 64

/* As pg_sync_query, of the part `name`. */
PGresult *statement_query(struct pg_sync *s, const char *name, const char *const *values,
			  int n, struct sbuf *error);
/* Its first value, which is short, as text in `out`. False: error says why. */
bool statement_value(struct pg_sync *s, const char *name, const char *const *values,
		     int n, char out[STATEMENT_VALUE_MAX], struct sbuf *error);

#endif
