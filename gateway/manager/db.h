/* The manager's connections to PostgreSQL, and the short queues before them.
 *
 * Changes have one connection of their own, who somebody is two, questions a few and
 * exports two, so that none of them stands in another's way. Equal questions at one
 * moment are asked once. A statement whose last reader has left is cancelled. All on the
 * manager's thread. */
#ifndef GATEWAY_MANAGER_DB_H
#define GATEWAY_MANAGER_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pg.h"

struct event_base;
struct manager_db;
struct manager_ask;
struct resolver;

enum manager_pool {
	/* One connection: changes; in order, each its own, each within 5 s. */
	DB_CHANGES,
	/* Two: who somebody is; statements that change nothing, each within 5 s. */
	DB_LOOKUPS,
	/* A few: statements that change nothing, each within 10 s. */
	DB_QUESTIONS,
	/* Two: pages of exports, each within 30 s. */
	DB_EXPORTS,
};

/* Connects when the first statement comes. */
struct manager_db *manager_db_new(struct event_base *base, const char *conninfo,
				  struct resolver *resolver);
/* Every statement that has no answer yet gets PG_LOST. */
void manager_db_free(struct manager_db **db);

/* sql outlives the statement, the parameters are copied. `done` is called once, from the
 * loop: with PG_LOST where no connection becomes free within 5 s, or the connection is
 * lost. NULL: the database is away, or the queue is full; nothing happens.
 *
 * A question is equal to another where sql is the same pointer and the parameters are the
 * same. What is answered is never older than a change that this manager had the answer of
 * before it was asked. */
struct manager_ask *manager_db_ask(struct manager_db *db, enum manager_pool pool,
				   const char *sql, struct pg_params params,
				   void (*done)(void *ctx, const struct pg_reply *reply),
				   void *ctx);
/* Nobody waits for the answer any more: `done` will not be called. A question that nobody
 * else asked is cancelled, a change runs to its end. Clears *ask, which may be NULL; not
 * for one that has been answered. */
void manager_db_leave(struct manager_ask **ask);

/* There is no connection, and the latest attempt to make one failed. False while there is
 * one, however slow its server and however full the queue. */
bool manager_db_is_away(const struct manager_db *db, enum manager_pool pool);

#endif
