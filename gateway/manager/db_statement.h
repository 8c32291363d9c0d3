/* One statement of the manager's, and those who wait for its answer. */
#ifndef GATEWAY_MANAGER_DB_STATEMENT_H
#define GATEWAY_MANAGER_DB_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/pg.h"

struct db_slot;
struct db_pool;

enum db_statement_state { STATEMENT_QUEUED, STATEMENT_RUNNING, STATEMENT_ANSWERED };

struct manager_ask {
	TAILQ_ENTRY(manager_ask) link;
	struct db_statement *statement;
	void (*done)(void *ctx, const struct pg_reply *reply);
	void *ctx;
};

struct db_statement {
	TAILQ_ENTRY(db_statement) link; /* while it is queued */
	TAILQ_HEAD(, manager_ask) askers;
	enum db_statement_state state;
	struct db_pool *pool;
	struct db_slot *slot;    /* while it runs */
	const char *sql;         /* the askers' */
	struct pg_params params; /* ours */
	size_t bytes;            /* of the parameters */
	uint64_t since_us;
	/* Another that is equal is asked anew: this one has been cancelled, or may be
	 * older than a change. */
	bool sealed;
};

size_t db_params_bytes(struct pg_params params);
/* Copies the parameters. */
struct db_statement *db_statement_new(const char *sql, struct pg_params params);
bool db_statement_is(const struct db_statement *s, const char *sql,
		     struct pg_params params);
struct manager_ask *
db_statement_join(struct db_statement *s,
		  void (*done)(void *ctx, const struct pg_reply *reply), void *ctx);
/* Tells all askers, and frees it. */
void db_statement_answer(struct db_statement *s, const struct pg_reply *reply);
/* Nobody may wait for it any more. */
void db_statement_free(struct db_statement *s);

#endif
