/* The table that a worker asks: key hash -> token. Immutable once published.
 *
 * An array of small shards (about 256 tokens each); a change replaces one shard and the array
 * of pointers is published anew. Pure: no libevent, no libpq. Readers hold what they get only
 * until their callback returns (common/epoch.h). */
#ifndef GATEWAY_TOKEN_TOKEN_TABLE_H
#define GATEWAY_TOKEN_TOKEN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/token/key.h"

enum token_flags {
	TOKEN_REVOKED = 1u << 0,  /* deleted or disabled */
	TOKEN_ALL_SCOPES = 1u << 1,
};

/* What a look-up yields. Slices point into the table. */
struct token_view {
	int64_t token_id;
	int64_t expires_at_us;   /* of the token; INT64_MAX: never */
	int64_t key_until_us;    /* of this key (grace after rotation); INT64_MAX: current */
	uint32_t flags;
	struct str scopes;       /* names separated by one space */
};

struct token_table;

/* One load, acquire. NULL table: never loaded. */
bool token_table_find(const struct token_table *t, const unsigned char hash[KEY_HASH_BYTES],
		      struct token_view *out);
size_t token_table_count(const struct token_table *t);
bool token_has_scope(const struct token_view *v, struct str scope);

#endif
