/* What a cell of a result holds. Results come in text format (libpq manual, 34.3.2).
 *
 * The server has said that a cell is what its type says, so none of these fails. */
#ifndef COMMON_PG_VALUE_H
#define COMMON_PG_VALUE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

/* smallint, integer or bigint; NULL: if_null. */
int64_t pg_value_int_or(const PGresult *r, int row, int column, int64_t if_null);
/* The same; NULL: 0. */
int64_t pg_value_int(const PGresult *r, int row, int column);
/* NULL: false. */
bool pg_value_bool(const PGresult *r, int row, int column);
/* The bytes, until PQclear. NULL: empty, with p NULL. */
struct str pg_value_text(const PGresult *r, int row, int column);
/* How many rows the statement inserted, changed, deleted or returned. */
uint64_t pg_value_rows(const PGresult *r);

#endif
