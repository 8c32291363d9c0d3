/* The database of `tollgate dev`: tables, the gateway's role, the demo token. */
#ifndef GATEWAY_DEV_DEV_DATABASE_H
#define GATEWAY_DEV_DEV_DATABASE_H

#include <stdbool.h>

#include "gateway/token/key.h"

/* Whether a connection string leads to this machine: a socket, a loopback address,
 * localhost. What it does not say comes from PG* variables of the environment, as libpq
 * does it; a service file counts as elsewhere. */
bool dev_database_is_local(const char *conninfo);

/* Is it a database that db_migrate refuses, since no release has made it? False as well
 * where that cannot be told: dev_database_migrate then complains. */
bool dev_database_is_prerelease(const char *conninfo);
/* Brings the tables up to date; says what was done. False: it complained. */
bool dev_database_migrate(const char *conninfo);
/* Lets the role `tollgate`, which a migration made, log in with that password (letters
 * and digits): the gateway runs with its rights, as it does in production. */
bool dev_database_enable_role(const char *conninfo, const char *password);
/* The demo token's key: the one kept in key_file if the database knows it, else a new
 * one, for all scopes. Wipe it after use. False: it complained. */
bool dev_database_demo_key(const char *conninfo, const char *key_file,
			   char key[KEY_LENGTH + 1]);

#endif
