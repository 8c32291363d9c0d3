/* What is known of a key and its token: as tables hold it, and as a look-up yields it. */
#ifndef GATEWAY_TOKEN_TOKEN_VIEW_H
#define GATEWAY_TOKEN_TOKEN_VIEW_H

#include <stdint.h>

#include "common/net.h"
#include "common/str.h"
#include "gateway/token/key.h"

/* Bytes of one token's scopes; where they are longer, none of them counts. */
#define TOKEN_SCOPES_MAX 4096
/* Bytes of its name, which is for the log; what is longer is cut. */
#define TOKEN_NAME_SHOWN_MAX 64
/* Address ranges of one token; where there are more, no address is in them. */
#define TOKEN_RANGES_MAX 1000

enum token_flags {
	TOKEN_REVOKED = 1u << 0, /* deleted, or switched off by an older system */
	TOKEN_ALL_SCOPES = 1u << 1,
	TOKEN_DISABLED = 1u << 2,
	TOKEN_TEAM_DISABLED = 1u << 3,
	TOKEN_RANGED = 1u << 4, /* only callers in its ranges may use it */
};

/* What a look-up yields. Slices point into the table. */
struct token_view {
	int64_t token_id;
	int64_t team_id;       /* 0: of none, or not known */
	int64_t expires_at_us; /* of the token; INT64_MAX: never */
	int64_t key_until_us; /* of this key (grace after rotation); INT64_MAX: current */
	uint32_t flags;
	struct str scopes;       /* names separated by one space */
	struct str name;         /* may be empty: it is not known */
	struct net_cidrs ranges; /* of TOKEN_RANGED; never changed */
};

/* One key, for those that make tables. TOKEN_ALL_SCOPES is set by the table, from a scope
 * `*`. Scopes may be separated by any white space or commas. Borrowed for the call. */
struct token_row {
	unsigned char hash[KEY_HASH_BYTES];
	struct token_view view;
	/* CIDRs, spaces between: where it is not NULL the table makes view.ranges and
	 * TOKEN_RANGED of it. What is no CIDR holds no address. */
	struct str ranges_text;
};

#endif
