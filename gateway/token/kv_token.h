/* An entry of a key-value store as a token: {"name", "scopes", ...} under the key's hash.
 *
 * Names of fields are read in any manner of writing (expiresAt, expires_at). What is not
 * known is left out and counted by name: it may have been a bound. Pure: any thread. */
#ifndef GATEWAY_TOKEN_KV_TOKEN_H
#define GATEWAY_TOKEN_KV_TOKEN_H

#include <cjson/cJSON.h>

#include "common/str.h"
#include "gateway/token/key.h"
#include "gateway/token/kv_dump.h"

#define KV_FAULT_MAX 512
#define KV_IGNORED_MAX 20 /* names of fields that are counted */

struct kv_token {
	unsigned line;
	char hash[KEY_HASH_HEX + 1]; /* lower-case; empty: it has none that is right */
	/* What token_import takes: token_create's spec, and disabled. NULL: see below. */
	cJSON *spec;
	bool is_ended;            /* it was revoked or deleted there */
	char fault[KV_FAULT_MAX]; /* why it cannot be taken, and what to do; empty */
};

/* prefix: what stands before the hashes in the store's keys. ignored: an object, name ->
 * how often. kv_token_fini in any case. */
void kv_token_read(struct kv_token *t, const struct kv_entry *e, struct str prefix,
		   cJSON *ignored);
void kv_token_fini(struct kv_token *t);

#endif
