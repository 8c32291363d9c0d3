/* The rows of an older, unpartitioned token_usage_logs: copied day by day. Part of the
 * migration. */
#ifndef GATEWAY_DB_LEGACY_ROWS_H
#define GATEWAY_DB_LEGACY_ROWS_H

#include <stdbool.h>

#include "common/pg_sync.h"
#include "gateway/db/migrate.h"

/* Before anything is changed: are there such rows, and is it known which zone's time they
 * are in? False: error says what to do. */
bool legacy_rows_check(struct pg_sync *s, const struct db_migrate_options *o,
		       struct sbuf *error);

/* Copies what is not copied yet, each day in a transaction, so that an interrupted run
 * goes on where it was; reports both counts at the end. The older table stays, for its
 * owner to drop. */
bool legacy_rows_copy(struct pg_sync *s, const struct db_migrate_options *o,
		      struct sbuf *error);

#endif
