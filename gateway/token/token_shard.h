/* A shard: some hundreds of keys in one immutable block of memory. Pure; of token_table
 * only. */
#ifndef GATEWAY_TOKEN_TOKEN_SHARD_H
#define GATEWAY_TOKEN_TOKEN_SHARD_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/token/token_view.h"

#define SHARD_KEYS_MAX 60000u

struct token_shard;

/* From n rows, which may share hashes: the later one counts. Scopes as
 * token_scopes_normalize leaves them. n <= SHARD_KEYS_MAX. */
struct token_shard *token_shard_build(const struct token_row *const *rows, size_t n);
void token_shard_free(struct token_shard *s);
/* 0 for NULL, which is an empty shard. */
size_t token_shard_count(const struct token_shard *s);
bool token_shard_find(const struct token_shard *s,
		      const unsigned char hash[KEY_HASH_BYTES], struct token_view *out);
/* Key number i, 0 <= i < count. */
void token_shard_row(const struct token_shard *s, size_t i, struct token_row *out);
int64_t token_shard_id(const struct token_shard *s, size_t i);
/* Is any of these ids, ascending, that of a key here? */
bool token_shard_has_any(const struct token_shard *s, const int64_t *ids, size_t n_ids);
bool token_ids_contain(const int64_t *ids, size_t n_ids, int64_t id);

/* Writes scopes separated by one space; sets *all if `*` is among them. out has room for
 * TOKEN_SCOPES_MAX bytes; returns how many are used: 0 if they would not fit. */
size_t token_scopes_normalize(char *out, struct str scopes, bool *all);

#endif
