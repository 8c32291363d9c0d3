/* Making and revoking tokens in the database. Waits: for the command line.
 *
 * Every change is seen by all gateways through the table's own triggers. */
#ifndef GATEWAY_TOKEN_TOKEN_ADMIN_H
#define GATEWAY_TOKEN_TOKEN_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pg_sync.h"
#include "common/str.h"
#include "gateway/token/token_calls.h"

#define TOKEN_NAME_MAX 100
#define TOKEN_ID_TEXT_MAX 24

/* What a token is to be. */
struct token_spec {
	/* 1-100 bytes of UTF-8, no controls, not digits alone; no live token has it */
	const char *name;
	/* each up to 64 letters, digits and _ - . : / ; or `*`, which stands for all */
	const char *const *scopes;
	size_t n_scopes;
	int64_t lifetime_s;                /* 0: never expires */
	const char *team;                  /* a name or an id; NULL: none */
	const char *description;           /* NULL: none */
	const char *const *address_ranges; /* from where it is used */
	size_t n_address_ranges;           /* 0: from anywhere */
};

/* "90s", "15m", "12h", "30d", "2w", "1y" (365 days) in seconds; above 0, at most 100
 * years. */
bool token_lifetime_parse(const char *text, int64_t *seconds);

/* Stores a token that a key opens. hash is 64 hex digits, start the key's first
 * characters or NULL. Writes its id. False: error says why (a name or key that is there
 * already, a database without the tables). */
bool token_admin_add(struct pg_sync *db, const struct token_spec *spec, const char *hash,
		     const char *start, char id[TOKEN_ID_TEXT_MAX], struct sbuf *error);

/* Makes a key and stores its token. The caller wipes the secret. */
bool token_admin_create(struct pg_sync *db, const struct token_spec *spec,
			struct token_secret *secret, char id[TOKEN_ID_TEXT_MAX],
			struct sbuf *error);

/* Stores a token for a key that there is already, of any shape; or, where only that is
 * known, for its SHA-256 in hex. Writes its id. False: error says why, also for what
 * cannot be a key (a mistyped one of ours) or a hash. */
bool token_admin_import_key(struct pg_sync *db, const struct token_spec *spec,
			    struct str key, char id[TOKEN_ID_TEXT_MAX],
			    struct sbuf *error);
bool token_admin_import_hash(struct pg_sync *db, const struct token_spec *spec,
			     struct str hash, char id[TOKEN_ID_TEXT_MAX],
			     struct sbuf *error);

/* Which token is meant. */
struct token_choice {
	const char *text;
	enum { TOKEN_BY_EITHER, TOKEN_BY_ID, TOKEN_BY_NAME } by; /* of a live one */
};

/* Writes the id, and the name to an empty buffer. False: as of token_admin_revoke. */
bool token_admin_find(struct pg_sync *db, const struct token_choice *which,
		      char id[TOKEN_ID_TEXT_MAX], struct sbuf *name, struct sbuf *error);

/* Writes the id, and the name to an empty buffer. Revoking again is no error. False:
 * error says that there is none, or that several are meant: tokens of one name, or one's
 * id that is another's name. */
bool token_admin_revoke(struct pg_sync *db, const struct token_choice *which,
			char id[TOKEN_ID_TEXT_MAX], struct sbuf *name,
			struct sbuf *error);

#endif
