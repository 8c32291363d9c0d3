/* What is asked of the database about tokens, for whoever runs it (the command line by
 * common/pg_sync.h, the manager by async libpq).
 *
 * Each call is one statement with text parameters, and answers with one JSON text; none,
 * or NULL: there is no such token, or not for this actor. The functions are in
 * migrations/functions/28_token_facts.sql and beside it; they refuse as people's do
 * (gateway/people/people.h), and TG422: an Idempotency-Key that came with another body.
 * Pure: any thread. */
#ifndef GATEWAY_TOKEN_TOKEN_CALLS_H
#define GATEWAY_TOKEN_TOKEN_CALLS_H

#include <stdbool.h>

#include "common/str.h"
#include "gateway/token/key.h"

/* $1 is who acts, as JSON (NULL: whoever has the database); ids are numbers. */
enum token_call {
	TOKEN_LIST,      /* filter */
	TOKEN_GET,       /* id */
	TOKEN_BY_HASH,   /* a key's hash */
	TOKEN_ADDRESSES, /* id */
	TOKEN_CREATE,    /* spec, once */
	TOKEN_CHANGE,    /* id, patch */
	TOKEN_ROTATE,    /* id, spec, once */
	TOKEN_SWITCH,    /* id, one of: disable, enable, revoke, delete */
};
const char *token_sql(enum token_call call);

/* Of what pg_sync has told of a failure: the sentence of a refusal of ours, else all of
 * it. */
struct str token_refusal(struct str error);

/* A key and what the database gets of it: the rest. Wipe it after use. */
struct token_secret {
	char key[KEY_LENGTH + 1];
	char hash[KEY_HASH_HEX + 1];
	char start[KEY_START_LENGTH + 1];
};
/* A new one. False: OpenSSL has no randomness. */
bool token_secret_make(struct token_secret *s);
void token_secret_wipe(struct token_secret *s);

/* SHA-256 in lower-case hex. */
void token_hash_hex(struct str text, char hex[KEY_HASH_HEX + 1]);

#endif
