/* A provider's public keys, and signatures checked with them. */
#include "gateway/sign_in/jwks.h"

#include <cjose/cjose.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"
#include "gateway/sign_in/base64url.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define ES256_TEXT 86 /* 64 bytes in base64url, RFC 7518 3.4 */

struct key {
	struct key *next;
	char *kid; /* NULL: none */
	enum jwt_algorithm algorithm;
	cjose_jwk_t *jwk;
};

struct jwks {
	struct key *keys;
	size_t n;
};

bool jwt_algorithm_named(struct str name, enum jwt_algorithm *algorithm)
{
	if (str_eq(name, STR("RS256")))
		*algorithm = JWT_RS256;
	else if (str_eq(name, STR("ES256")))
		*algorithm = JWT_ES256;
	else
		return false;
	return true;
}

/* --- reading --- */

/* The member's text; "" where it is missing, NULL where it is no string. */
static const char *text_of(const struct jsonc_node *object, const char *name)
{
	const struct jsonc_node *node = jsonc_get(object, name);

	if (node == NULL)
		return "";
	return node->type == JSONC_STRING ? node->text : NULL;
}

static bool is_or_missing(const struct jsonc_node *object, const char *name,
			  const char *value)
{
	const char *text = text_of(object, name);

	return text != NULL && (*text == '\0' || strcmp(text, value) == 0);
}

/* RFC 7517 4.3. */
static bool may_verify(const struct jsonc_node *object)
{
	const struct jsonc_node *ops = jsonc_get(object, "key_ops");

	if (ops == NULL)
		return true;
	if (ops->type != JSONC_ARRAY)
		return false;
	for (const struct jsonc_node *op = ops->first; op != NULL; op = op->next)
		if (op->type == JSONC_STRING && strcmp(op->text, "verify") == 0)
			return true;
	return false;
}

static bool find_algorithm(const struct jsonc_node *object, enum jwt_algorithm *algorithm)
{
	const char *kty = text_of(object, "kty"), *crv = text_of(object, "crv");

	if (kty != NULL && strcmp(kty, "RSA") == 0) {
		*algorithm = JWT_RS256;
		return is_or_missing(object, "alg", "RS256");
	}
	*algorithm = JWT_ES256;
	return kty != NULL && crv != NULL && strcmp(kty, "EC") == 0 &&
	       strcmp(crv, "P-256") == 0 && is_or_missing(object, "alg", "ES256");
}

/* ,"name":"value"; false: what is there is no number in base64url. */
static bool put_number(struct sbuf *json, const struct jsonc_node *object,
		       const char *name)
{
	const char *text = text_of(object, name);

	if (text == NULL || !base64url_is_strict(str_of(text)))
		return false;
	sbuf_printf(json, ",\"%s\":\"%s\"", name, text);
	return true;
}

/* Only what the public half of a key consists of. NULL: it is none. */
static cjose_jwk_t *import(const struct jsonc_node *object, enum jwt_algorithm algorithm)
{
	bool is_rsa = algorithm == JWT_RS256;
	cjose_jwk_t *jwk = NULL;
	struct sbuf json;
	cjose_err err;

	sbuf_init(&json, 2 * JWKS_TEXT_MAX);
	sbuf_printf(&json, "{\"kty\":\"%s\"", is_rsa ? "RSA" : "EC\",\"crv\":\"P-256");
	if (put_number(&json, object, is_rsa ? "n" : "x") &&
	    put_number(&json, object, is_rsa ? "e" : "y")) {
		sbuf_lit(&json, "}");
		CHECK(!json.overflow);
		jwk = cjose_jwk_import(json.p, json.n, &err);
	}
	sbuf_fini(&json);
	return jwk;
}

static bool is_strong(const cjose_jwk_t *jwk, enum jwt_algorithm algorithm)
{
	cjose_err err;
	size_t bits = cjose_jwk_get_keysize(jwk, &err);

	return algorithm != JWT_RS256 || (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX);
}

/* NULL: it is not for us. */
static struct key *read_key(const struct jsonc_node *object)
{
	const char *kid = text_of(object, "kid");
	enum jwt_algorithm algorithm;
	struct key *key;
	cjose_jwk_t *jwk;

	if (object->type != JSONC_OBJECT || kid == NULL || strlen(kid) > JWKS_KID_MAX ||
	    !find_algorithm(object, &algorithm) || !is_or_missing(object, "use", "sig") ||
	    !may_verify(object))
		return NULL;
	jwk = import(object, algorithm);
	if (jwk == NULL)
		return NULL;
	if (!is_strong(jwk, algorithm)) {
		cjose_jwk_release(jwk);
		return NULL;
	}
	key = xcalloc(1, sizeof *key);
	key->jwk = jwk;
	key->algorithm = algorithm;
	key->kid = *kid != '\0' ? xstrdup(kid) : NULL;
	return key;
}

static void free_key(struct key *key)
{
	cjose_jwk_release(key->jwk);
	free(key->kid);
	free(key);
}

static const struct key *find(const struct jwks *set, struct str kid)
{
	if (kid.p == NULL)
		return set->n == 1 ? set->keys : NULL;
	for (const struct key *k = set->keys; k != NULL; k = k->next)
		if (k->kid != NULL && str_eq(str_of(k->kid), kid))
			return k;
	return NULL;
}

static bool take_keys(struct jwks *set, const struct jsonc_node *keys, struct sbuf *error)
{
	for (const struct jsonc_node *item = keys->first; item != NULL;
	     item = item->next) {
		struct key *key = read_key(item);

		if (key == NULL)
			continue;
		key->next = set->keys;
		/* Which of the two signs would be a guess. */
		if (key->kid != NULL && find(set, str_of(key->kid)) != NULL) {
			sbuf_printf(error, "two keys have the kid \"%.64s\"", key->kid);
			free_key(key);
			return false;
		}
		set->keys = key;
		set->n++;
	}
	if (set->n == 0)
		sbuf_lit(error, "no key in it can check RS256 or ES256");
	return set->n > 0;
}

static bool read_set(struct jwks *set, const struct jsonc_node *document,
		     struct sbuf *error)
{
	const struct jsonc_node *keys = jsonc_get(document, "keys");

	if (keys == NULL || keys->type != JSONC_ARRAY) {
		sbuf_lit(error, "no JWK set: an object with an array `keys`");
		return false;
	}
	if (keys->n > JWKS_KEYS_MAX) {
		sbuf_printf(error, "more than %d keys", JWKS_KEYS_MAX);
		return false;
	}
	return take_keys(set, keys, error);
}

struct jwks *jwks_parse(struct str text, struct sbuf *error)
{
	const struct jsonc_sink sink = {jsonc_note_first, error};
	struct jsonc_node *document;
	struct jwks *set;
	size_t before = error->n;

	if (text.n > JWKS_TEXT_MAX) {
		sbuf_printf(error, "more than %d bytes", JWKS_TEXT_MAX);
		return NULL;
	}
	document = jsonc_parse_body(text, &sink);
	if (document == NULL || error->n > before) {
		jsonc_free(&document);
		return NULL;
	}
	set = xcalloc(1, sizeof *set);
	if (!read_set(set, document, error))
		jwks_free(&set);
	jsonc_free(&document);
	return set;
}

void jwks_free(struct jwks **set)
{
	struct key *key;

	if (*set == NULL)
		return;
	while ((key = (*set)->keys) != NULL) {
		(*set)->keys = key->next;
		free_key(key);
	}
	free(*set);
	*set = NULL;
}

/* --- signatures --- */

/* One signature, one way to write it: libcjose passes over what it does not know. */
static bool is_possible(struct str token, enum jwt_algorithm algorithm)
{
	const char *dot = memrchr(token.p, '.', token.n);
	struct str text = {0};

	if (dot != NULL)
		text = (struct str){dot + 1, (size_t)(token.p + token.n - dot - 1)};
	return base64url_is_strict(text) &&
	       (algorithm != JWT_ES256 || text.n == ES256_TEXT);
}

enum jwks_verdict jwks_verify(const struct jwks *set, struct str token, struct str kid,
			      enum jwt_algorithm algorithm)
{
	const struct key *key = find(set, kid);
	cjose_jws_t *jws;
	cjose_err err;
	bool right;

	if (key == NULL)
		return JWKS_NO_KEY;
	if (key->algorithm != algorithm || !is_possible(token, algorithm))
		return JWKS_WRONG;
	jws = cjose_jws_import(token.p, token.n, &err);
	if (jws == NULL)
		return JWKS_WRONG;
	right = cjose_jws_verify(jws, key->jwk, &err);
	cjose_jws_release(jws);
	return right ? JWKS_RIGHT : JWKS_WRONG;
}
