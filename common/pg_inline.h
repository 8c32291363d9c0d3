/* Parameters put into the text of a statement: for poolers, where several statements must
 * go as one message. */
#ifndef COMMON_PG_INLINE_H
#define COMMON_PG_INLINE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "common/str.h"

/* Appends sql with each $1 to $n as a literal, NULL for a value that is NULL. sql has no
 * dollar quotes, and no $1 within its own literals. False: a value is not valid in the
 * session's encoding. */
bool pg_inline(PGconn *pg, const char *sql, const char *const *values, int n,
	       struct sbuf *out);

#endif
