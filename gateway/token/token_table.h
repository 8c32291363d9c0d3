/* The table that a worker asks: key hash -> token. Immutable once published.
 *
 * An array of small shards (about 256 keys each); a change replaces one shard and the
 * array of pointers is published anew. Pure: no libevent, no libpq. Readers hold what
 * they get only until their callback returns (common/epoch.h). */
#ifndef GATEWAY_TOKEN_TOKEN_TABLE_H
#define GATEWAY_TOKEN_TOKEN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/token/token_view.h"

struct token_table;

/* Any thread. NULL table: never loaded, nothing is found. */
bool token_table_find(const struct token_table *t,
		      const unsigned char hash[KEY_HASH_BYTES], struct token_view *out);
/* Keys, which may be more than tokens. */
size_t token_table_count(const struct token_table *t);
bool token_has_scope(const struct token_view *v, struct str scope);
/* Whether a caller from there may use it; one without an address (family 0) only where
 * any may. */
bool token_allows_address(const struct token_view *v, const struct net_ip *ip);

/* --- for the one thread that makes tables --- */

/* Gathers rows, in any order. Of two rows with one hash the later counts. */
struct token_builder;
struct token_builder *token_builder_new(void);
void token_builder_add(struct token_builder *b, const struct token_row *row);
/* Makes the table and frees the builder; clears *b. */
struct token_table *token_builder_finish(struct token_builder **b);
void token_builder_free(struct token_builder **b);

/* Frees a table with all its shards. For epoch_retire. */
void token_table_free(void *table);

struct token_change {
	const int64_t *ids; /* all keys of these tokens go; ascending, each once */
	size_t n_ids;
	const struct token_row *rows; /* then these keys come */
	size_t n_rows;
};

/* A new table that shares all shards without a change with the old one. *garbage is what
 * the old one has besides: to be freed by token_garbage_free (epoch_retire) in place of
 * the old table, once nobody reads that. */
struct token_table *token_table_change(struct token_table *old,
				       const struct token_change *change, void **garbage);
void token_garbage_free(void *garbage);

/* Calls fn for each key until it returns false; returns whether all were visited. */
bool token_table_each(const struct token_table *t,
		      bool (*fn)(void *ctx, const struct token_row *row), void *ctx);

#endif
