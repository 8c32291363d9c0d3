/* What a cell of a result holds. */
#include "common/pg_value.h"

#include <stdlib.h>

int64_t pg_value_int_or(const PGresult *r, int row, int column, int64_t if_null)
{
	if (PQgetisnull(r, row, column))
		return if_null;
	return strtoll(PQgetvalue(r, row, column), NULL, 10);
}

int64_t pg_value_int(const PGresult *r, int row, int column)
{
	return pg_value_int_or(r, row, column, 0);
}

bool pg_value_bool(const PGresult *r, int row, int column)
{
	return *PQgetvalue(r, row, column) == 't';
}

struct str pg_value_text(const PGresult *r, int row, int column)
{
	if (PQgetisnull(r, row, column))
		return (struct str){0};
	return (struct str){PQgetvalue(r, row, column),
			    (size_t)PQgetlength(r, row, column)};
}

uint64_t pg_value_rows(const PGresult *r)
{
	/* PQcmdTuples takes no const, and changes nothing. */
	return strtoull(PQcmdTuples((PGresult *)r), NULL, 10);
}
