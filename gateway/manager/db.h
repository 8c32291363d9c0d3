/* The manager's few connections to PostgreSQL, and the short queue before them.
 *
 * All on the manager's thread. */
#ifndef GATEWAY_MANAGER_DB_H
#define GATEWAY_MANAGER_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pg.h"

struct event_base;
struct resolver;
struct manager_db;

/* Connects when the first query comes. */
struct manager_db *manager_db_new(struct event_base *base, const char *conninfo,
				  struct resolver *resolver);
/* Every query that has no answer yet gets PG_LOST. */
void manager_db_free(struct manager_db **db);

/* sql has no parameters and outlives the query. `done` is called once, from the loop.
 * False: the database is away, or the queue is full; nothing happens. */
bool manager_db_query(struct manager_db *db, const char *sql,
		      void (*done)(void *ctx, const struct pg_reply *reply), void *ctx);

#endif
