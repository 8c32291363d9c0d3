/* Brings a database's tables to this program's version: roles, migrations, the older
 * rows. */
#ifndef GATEWAY_DB_MIGRATE_H
#define GATEWAY_DB_MIGRATE_H

#include <stdbool.h>

#include "common/pg_sync.h"
#include "common/str.h"

struct db_migrate_options {
	const char *conninfo;
	/* The zone whose local time an existing, unpartitioned token_usage_logs holds, as
	 * PostgreSQL names it (Asia/Taipei, UTC). NULL: refuse if there are such rows. */
	const char *adopt_time_zone;
	/* The column of tokens whose values become teams; NULL: none. */
	const char *adopt_teams;
	/* Hears what was done, a line at a time without newline. May be NULL. */
	void (*report)(void *ctx, const char *line);
	void *report_ctx;
};

/* Waits; may take minutes where older rows are copied. Safe to run again, at any time,
 * from several places at once. False: error holds what is wrong and how to go on; every
 * step that was not reported is undone. The calling thread must not serve requests. */
bool db_migrate(const struct db_migrate_options *o, struct sbuf *error);

/* Was the database made by a build before 0.1.0, whose tables no release knows?
 * db_migrate refuses it. False: error says why that cannot be told. */
bool db_is_prerelease(struct pg_sync *s, bool *is, struct sbuf *error);

#endif
