/* What is asked of the database about tokens, and the keys that are made for them. */
#include "gateway/token/token_calls.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"

const char *token_sql(enum token_call call)
{
	static const char *const statements[] = {
		[TOKEN_LIST] = "SELECT public.token_list($1::jsonb, $2::jsonb)",
		[TOKEN_GET] = "SELECT public.token_get($1::jsonb, $2::bigint)",
		[TOKEN_BY_HASH] = "SELECT public.token_by_hash($1::jsonb, $2)",
		[TOKEN_ADDRESSES] =
			"SELECT public.token_addresses($1::jsonb, $2::bigint)",
		[TOKEN_CREATE] =
			"SELECT public.token_create($1::jsonb, $2::jsonb, $3::jsonb)",
		[TOKEN_CHANGE] =
			"SELECT public.token_change($1::jsonb, $2::bigint, $3::jsonb)",
		[TOKEN_ROTATE] = "SELECT public.token_rotate($1::jsonb, $2::bigint, "
				 "$3::jsonb, $4::jsonb)",
		[TOKEN_SWITCH] = "SELECT public.token_switch($1::jsonb, $2::bigint, $3)",
	};

	CHECK((size_t)call < ARRAY_LEN(statements));
	return statements[call];
}

struct str token_refusal(struct str error)
{
	const char *end = error.n > 0 ? memchr(error.p, '\n', error.n) : NULL;

	if (!str_has_prefix(error, STR("TG"))) /* "TG409 the sentence" */
		return error;
	if (end != NULL)
		error.n = (size_t)(end - error.p);
	return (struct str){error.p + 6, error.n - 6};
}

void token_hash_hex(struct str text, char hex[KEY_HASH_HEX + 1])
{
	struct key_hasher *h = key_hasher_new();
	unsigned char hash[KEY_HASH_BYTES];

	key_hash(h, text, hash);
	hex_encode(hex, hash, sizeof hash);
	key_hasher_free(&h);
}

bool token_secret_make(struct token_secret *s)
{
	if (!key_make(s->key))
		return false;
	token_hash_hex((struct str){s->key, KEY_LENGTH}, s->hash);
	snprintf(s->start, sizeof s->start, "%.*s", KEY_START_LENGTH, s->key);
	return true;
}

void token_secret_wipe(struct token_secret *s)
{
	OPENSSL_cleanse(s, sizeof *s);
}
