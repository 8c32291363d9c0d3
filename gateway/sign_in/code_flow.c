/* One sign-in at a provider by the authorization code flow. */
#include "gateway/sign_in/code_flow.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"
#include "gateway/sign_in/base64url.h"
#include "gateway/sign_in/seal.h"

#define VERSION "1" /* of what is sealed */
#define FIELDS 7u

bool code_flow_is_local(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > CODE_FLOW_RETURN_MAX || s[0] != '/' || s[1] == '/')
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("\\\"<>^`{|}", s[i]) != NULL)
			return false;
	return true;
}

static void put_secret(char to[CODE_FLOW_SECRET + 1])
{
	unsigned char bytes[32];
	struct sbuf text;

	CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
	sbuf_init(&text, 64);
	base64url_encode(&text, (struct str){(const char *)bytes, sizeof bytes});
	CHECK(str_copy(to, CODE_FLOW_SECRET + 1, sbuf_view(&text)));
	OPENSSL_cleanse(bytes, sizeof bytes);
	sbuf_fini(&text);
}

void code_flow_begin(struct code_flow *f, const char *provider, const char *return_to,
		     int64_t now_s)
{
	*f = (struct code_flow){.until_s = now_s + CODE_FLOW_S};
	CHECK(code_flow_is_local(return_to));
	CHECK(str_copy(f->provider, sizeof f->provider, str_of(provider)));
	CHECK(str_copy(f->return_to, sizeof f->return_to, str_of(return_to)));
	put_secret(f->state);
	put_secret(f->nonce);
	put_secret(f->verifier);
}

/* --- what the browser keeps --- */

void code_flow_seal(const struct code_flow *f, const unsigned char *key, struct sbuf *out)
{
	struct sbuf plain;

	sbuf_init(&plain, 4096);
	sbuf_printf(&plain, VERSION "\n%s\n%s\n%s\n%" PRId64 "\n%s\n%s", f->state,
		    f->nonce, f->verifier, f->until_s, f->provider, f->return_to);
	CHECK(!plain.overflow);
	seal_make(out, key, sbuf_view(&plain));
	OPENSSL_cleanse(plain.p, plain.n);
	sbuf_fini(&plain);
}

static bool read_fields(struct code_flow *f, struct str plain)
{
	struct str fields[FIELDS];
	uint64_t until;

	for (size_t i = 0; i < FIELDS; i++) {
		const char *end = memchr(plain.p, '\n', plain.n);
		size_t n =
			i + 1 < FIELDS && end != NULL ? (size_t)(end - plain.p) : plain.n;

		if (i + 1 < FIELDS && end == NULL)
			return false;
		fields[i] = (struct str){plain.p, n};
		plain = (struct str){plain.p + n + 1, plain.n - n - (i + 1 < FIELDS)};
	}
	if (!str_eq(fields[0], STR(VERSION)) || !str_to_u64(fields[4], &until))
		return false;
	f->until_s = (int64_t)until;
	return str_copy(f->state, sizeof f->state, fields[1]) &&
	       str_copy(f->nonce, sizeof f->nonce, fields[2]) &&
	       str_copy(f->verifier, sizeof f->verifier, fields[3]) &&
	       str_copy(f->provider, sizeof f->provider, fields[5]) &&
	       str_copy(f->return_to, sizeof f->return_to, fields[6]);
}

bool code_flow_open(struct code_flow *f, const unsigned char *key, struct str sealed)
{
	struct sbuf plain;
	bool is_ours;

	*f = (struct code_flow){0};
	sbuf_init(&plain, 8192);
	is_ours = seal_open(&plain, key, sealed) && read_fields(f, sbuf_view(&plain)) &&
		  strlen(f->state) == CODE_FLOW_SECRET;
	if (plain.p != NULL)
		OPENSSL_cleanse(plain.p, plain.n);
	sbuf_fini(&plain);
	return is_ours;
}

const char *code_flow_fault(const struct code_flow *f, const char *state, int64_t now_s)
{
	if (state == NULL || strlen(state) != CODE_FLOW_SECRET ||
	    CRYPTO_memcmp(state, f->state, CODE_FLOW_SECRET) != 0)
		return "the answer belongs to another sign-in than the latest of this "
		       "browser; begin again";
	return now_s >= f->until_s ? "the sign-in took more than 10 minutes; begin again"
				   : NULL;
}

/* --- what is said to the provider --- */

void code_flow_escape(struct sbuf *out, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			sbuf_add(out, text, 1);
		else
			sbuf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

static void put_field(struct sbuf *out, const char *separator, const char *name,
		      const char *value)
{
	sbuf_printf(out, "%s%s=", separator, name);
	code_flow_escape(out, value);
}

static const char *first_separator(const char *endpoint)
{
	return strchr(endpoint, '?') != NULL ? "&" : "?";
}

/* RFC 7636 4.2. */
static void put_challenge(struct sbuf *out, const struct code_flow *f)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)f->verifier, strlen(f->verifier), digest);
	sbuf_lit(out, "&code_challenge_method=S256&code_challenge=");
	base64url_encode(out, (struct str){(const char *)digest, sizeof digest});
}

void code_flow_authorize_url(const struct code_flow *f, const struct code_client *c,
			     const char *endpoint, struct sbuf *out)
{
	sbuf_printf(out, "%s%sresponse_type=code", endpoint, first_separator(endpoint));
	put_field(out, "&", "client_id", c->client_id);
	put_field(out, "&", "redirect_uri", c->redirect_uri);
	for (size_t i = 0; i < c->n_scopes; i++) {
		sbuf_str(out, i == 0 ? STR("&scope=") : STR("%20"));
		code_flow_escape(out, c->scopes[i]);
	}
	put_field(out, "&", "state", f->state);
	put_field(out, "&", "nonce", f->nonce);
	put_challenge(out, f);
}

void code_flow_token_form(const struct code_flow *f, const struct code_client *c,
			  const char *secret, const char *code, struct sbuf *out)
{
	sbuf_lit(out, "grant_type=authorization_code");
	put_field(out, "&", "code", code);
	put_field(out, "&", "redirect_uri", c->redirect_uri);
	put_field(out, "&", "code_verifier", f->verifier);
	if (secret == NULL)
		return;
	put_field(out, "&", "client_id", c->client_id);
	put_field(out, "&", "client_secret", secret);
}

/* OpenID Connect RP-Initiated Logout 1.0 2. */
void code_flow_sign_out_url(const char *endpoint, const char *client_id, const char *back,
			    struct sbuf *out)
{
	sbuf_str(out, str_of(endpoint));
	put_field(out, first_separator(endpoint), "client_id", client_id);
	put_field(out, "&", "post_logout_redirect_uri", back);
}

/* --- what it answers --- */

char *code_flow_read_tokens(struct str body, struct sbuf *error)
{
	struct jsonc_node *answer = jsonc_parse_object(body);
	const char *token = answer != NULL ? jsonc_text(answer, "id_token") : NULL;
	char *copy = NULL;

	if (answer == NULL)
		sbuf_lit(error, "its answer is no JSON object, or has a member twice");
	else if (token == NULL)
		sbuf_lit(error, "its answer has no ID token (is openid among the "
				"scopes?)");
	else
		copy = xstrdup(token);
	jsonc_free(&answer);
	return copy;
}

bool code_flow_is_error_word(const char *word)
{
	size_t n = strlen(word);

	return n > 0 && n <= 64 && strspn(word, "abcdefghijklmnopqrstuvwxyz_") == n;
}

void code_flow_read_refusal(struct str body, struct sbuf *out)
{
	struct jsonc_node *answer = jsonc_parse_object(body);
	const char *word = answer != NULL ? jsonc_text(answer, "error") : NULL;

	sbuf_str(out, str_of(word != NULL && code_flow_is_error_word(word) ? word : "?"));
	jsonc_free(&answer);
}
