/* What is known of a key and its token: as tables hold it, and as a look-up yields it. */
#ifndef GATEWAY_TOKEN_TOKEN_VIEW_H
#define GATEWAY_TOKEN_TOKEN_VIEW_H

#include <stdint.h>

#include "common/str.h"
#include "gateway/token/key.h"

/* Bytes of one token's scopes; where they are longer, none of them counts. */
#define TOKEN_SCOPES_MAX 4096
/* Bytes of its name, which is for the log; what is longer is cut. */
#define TOKEN_NAME_SHOWN_MAX 64

enum token_flags {
	TOKEN_REVOKED = 1u << 0, /* deleted or disabled */
	TOKEN_ALL_SCOPES = 1u << 1,
};

/* What a look-up yields. Slices point into the table. */
struct token_view {
	int64_t token_id;
	int64_t expires_at_us; /* of the token; INT64_MAX: never */
	int64_t key_until_us; /* of this key (grace after rotation); INT64_MAX: current */
	uint32_t flags;
	struct str scopes; /* names separated by one space */
	struct str name;   /* may be empty: it is not known */
};

/* One key, for those that make tables. TOKEN_ALL_SCOPES is set by the table, from a scope
 * `*`. Scopes may be separated by any white space or commas. Borrowed for the call. */
struct token_row {
	unsigned char hash[KEY_HASH_BYTES];
	struct token_view view;
};

#endif
