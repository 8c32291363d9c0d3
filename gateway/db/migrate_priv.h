/* The parts of the migration: roles, and the rows of an older table. */
#ifndef GATEWAY_DB_MIGRATE_PRIV_H
#define GATEWAY_DB_MIGRATE_PRIV_H

#include "common/pg_sync.h"
#include "gateway/db/migrate.h"

/* --- roles.c: tollgate_owner owns, tollgate runs --- */

/* May the session become tollgate_owner, or give itself the right to? */
bool roles_may_own(struct pg_sync *s);
/* Behind what is to be done: who has to. */
void roles_tell_who(struct pg_sync *s, struct sbuf *error);
/* Makes sure of both roles, their rights in schema public, and that the session may
 * become tollgate_owner. False: error tells which statements a superuser has to run
 * first. */
bool roles_ensure(struct pg_sync *s, const struct db_migrate_options *o,
		  struct sbuf *error);
/* Inside a transaction: tables of the older system become tollgate_owner's; who owned
 * them keeps all rights on their rows. */
bool roles_take_tables(struct pg_sync *s, struct sbuf *error);

/* --- legacy_rows.c: the rows of an older, unpartitioned token_usage_logs --- */

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
