/* The two database roles: tollgate_owner owns, tollgate runs. Part of the migration. */
#ifndef GATEWAY_DB_ROLES_H
#define GATEWAY_DB_ROLES_H

#include <stdbool.h>

#include "common/pg_sync.h"
#include "gateway/db/migrate.h"

/* Makes sure of both roles, their rights in schema public, and that the session may
 * become tollgate_owner. False: error tells which statements a superuser has to run
 * first. */
bool roles_ensure(struct pg_sync *s, const struct db_migrate_options *o,
		  struct sbuf *error);

/* Inside a transaction: tables of the older system become tollgate_owner's; who owned
 * them keeps all rights on their rows. */
bool roles_take_tables(struct pg_sync *s, struct sbuf *error);

#endif
