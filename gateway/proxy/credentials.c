/* Which key of a request counts. */
#include "gateway/proxy/credentials.h"

#include "gateway/token/key.h"

#define KEY_RUN_MIN 8 /* base62 characters behind "ntk_" that make text a key */

/* The value of "Bearer value", scheme case-insensitive (RFC 6750 2.1, RFC 9110 11.1). */
static bool bearer_value(struct str authorization, struct str *token)
{
	struct str scheme = STR("bearer ");

	if (authorization.n <= scheme.n ||
	    !str_ieq((struct str){authorization.p, scheme.n}, scheme))
		return false;
	*token = str_trim(
		(struct str){authorization.p + scheme.n, authorization.n - scheme.n});
	return token->n > 0;
}

/* What stands behind the scheme, whatever that is. */
static struct str after_scheme(struct str authorization)
{
	const char *sp = memchr(authorization.p, ' ', authorization.n);
	size_t skip = sp ? (size_t)(sp - authorization.p) : 0;

	return str_trim((struct str){authorization.p + skip, authorization.n - skip});
}

static bool looks_like_key(struct str s)
{
	return str_has_prefix(s, STR(KEY_PREFIX));
}

/* Some Authorization field holds an ntk_ value that is not this key. */
static bool has_other_key(const struct request_head *h, struct str key)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		struct str value;

		if (h->fields[i].id != HTTP_H_AUTHORIZATION)
			continue;
		value = after_scheme(h->fields[i].value);
		if (looks_like_key(value) && !str_eq(value, key))
			return true;
	}
	return false;
}

static enum credential_verdict find_bearer(const struct request_head *h, struct str *key)
{
	const struct http_field *f;
	unsigned count = 0;

	f = request_head_field(h, HTTP_H_AUTHORIZATION, &count);
	if (f != NULL)
		return bearer_value(f->value, key) ? CREDENTIAL_BEARER : CREDENTIAL_NONE;
	return count > 1 ? CREDENTIAL_AMBIGUOUS : CREDENTIAL_NONE;
}

enum credential_verdict credentials_find(const struct request_head *h, struct str *key)
{
	const struct http_field *f;

	*key = (struct str){NULL, 0};
	if (credentials_in_text(h->target))
		return CREDENTIAL_IN_URL;
	if (!request_head_has(h, HTTP_H_X_API_KEY))
		return find_bearer(h, key);
	f = request_head_field(h, HTTP_H_X_API_KEY, NULL);
	if (f == NULL || f->value.n == 0)
		return CREDENTIAL_AMBIGUOUS;
	if (request_head_has(h, HTTP_H_AUTHORIZATION) && has_other_key(h, f->value))
		return CREDENTIAL_AMBIGUOUS;
	*key = f->value;
	return CREDENTIAL_API_KEY;
}

/* --- keys in text --- */

static bool is_base62(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* What was read of a key: how far into "ntk_" the text is, and the run behind the last
 * one. */
struct key_scan {
	unsigned prefix;
	bool in_run;
	unsigned run;
};

static bool scan_char(struct key_scan *k, unsigned char c)
{
	static const char prefix[] = KEY_PREFIX;

	if (k->in_run && is_base62(c))
		k->run++;
	else
		k->in_run = false;
	/* The prefix's first letter occurs once in it, so a mismatch starts over at most
	 * there. */
	k->prefix = c == (unsigned char)prefix[k->prefix] ? k->prefix + 1
							  : c == (unsigned char)prefix[0];
	if (k->prefix == sizeof prefix - 1)
		*k = (struct key_scan){.in_run = true};
	return k->run == KEY_RUN_MIN;
}

bool credentials_in_text(struct str s)
{
	struct key_scan k = {0};

	/* A key has an underscore, plain or encoded; most text has neither. */
	if (s.n == 0 || (memchr(s.p, '_', s.n) == NULL && memchr(s.p, '%', s.n) == NULL))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], byte;

		if (c == '%' && s.n - i >= 3 &&
		    hex_decode(&byte, 1, (struct str){s.p + i + 1, 2})) {
			c = byte;
			i += 2;
		}
		if (scan_char(&k, c))
			return true;
	}
	return false;
}
