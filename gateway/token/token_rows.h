/* What PostgreSQL says about tokens: the queries, and their results as rows of the table.
 *
 * Knows libpq's results, no connection. */
#ifndef GATEWAY_TOKEN_TOKEN_ROWS_H
#define GATEWAY_TOKEN_TOKEN_ROWS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/token/token_snapshot.h"
#include "gateway/token/token_table.h"

/* More changed tokens than this are loaded faster as a whole. */
#define TOKEN_CHANGES_MAX 10000

/* $1: the generation that is known, or the largest bigint. */
#define TOKEN_POLL_SQL                                                                   \
	"SELECT replace(g.instance::text, '-', ''), g.generation, "                      \
	"coalesce((SELECT min(generation) FROM token_changes), 0), "                     \
	"(SELECT string_agg(token_id::text, ',' ORDER BY token_id) FROM "                \
	"(SELECT DISTINCT token_id FROM token_changes WHERE generation > $1 "            \
	"LIMIT 10001) AS c) "                                                            \
	"FROM token_generation AS g"

/* A database not yet migrated may lack what came later: names, teams, and all by which
 * a key can be disabled or bound to addresses. */
#define TOKEN_COLUMNS_FIRST                                                              \
	"token_hash, token_id, key_until_us, expires_at_us, revoked, scopes"
#define TOKEN_COLUMNS                                                                    \
	TOKEN_COLUMNS_FIRST ", name, disabled, team_disabled, address_ranges, team_id"

/* $1: an array of ids. */
#define TOKEN_CHANGED_SQL(columns)                                                       \
	"SELECT " columns " FROM token_lookup WHERE token_id = ANY ($1::bigint[])"

/* All of them, as of one moment, in pieces. Each piece has to come within the time limit
 * of a statement: along the indexes, not by a plan that reads everything before its first
 * row. */
#define TOKEN_LOAD_SQL(columns)                                                          \
	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "                              \
	"SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; "              \
	"SET LOCAL enable_sort = off; SET LOCAL jit = off; "                             \
	"DECLARE tokens_load NO SCROLL CURSOR FOR SELECT " columns                       \
	" FROM token_lookup; "                                                           \
	"SELECT replace(instance::text, '-', ''), generation FROM token_generation"
#define TOKEN_LOAD_NEXT_SQL "FETCH 10000 FROM tokens_load"

struct token_poll {
	struct token_snapshot at; /* right_at_us is not set */
	uint64_t oldest_change;   /* the first generation that token_changes still has */
	int64_t *ids;             /* ascending; token_poll_fini frees */
	size_t n_ids;
	char *ids_array; /* the same as PostgreSQL's array */
};

/* Reads the one row of TOKEN_POLL_SQL, or of TOKEN_LOAD_SQL (then without changes).
 * False: it is not as it must be. */
bool token_poll_read(struct token_poll *p, const PGresult *r);
void token_poll_fini(struct token_poll *p);

/* Row i of TOKEN_COLUMNS or TOKEN_COLUMNS_FIRST; its text points into r. False: not a
 * hash; such a row is skipped. */
bool token_row_read(struct token_row *out, const PGresult *r, int i);

#endif
