/* Where a connection string leads, for logs. */
#ifndef COMMON_PG_WHERE_H
#define COMMON_PG_WHERE_H

#include "common/str.h"

/* Appends hosts, ports and the database ("db.example:5432/tollgate", "/run/postgresql"),
 * as far as the string or libpq's environment (PGHOST, PGPORT, PGDATABASE) name them;
 * nothing else of it, so no user and no password. "***" where pg_conninfo_check refuses
 * it. */
void pg_where(const char *conninfo, struct sbuf *out);

#endif
