/* What a request brings to say who calls. */
#include "gateway/manager/bearer.h"

#include <string.h>

#include "common/check.h"
#include "gateway/http/request_head.h"
#include "gateway/sign_in/jwt.h"
#include "gateway/token/key.h"

static struct bearer bad(const char *why)
{
	return (struct bearer){.kind = BEARER_BAD, .why = why};
}

static bool is_ours(struct str text, struct str prefix)
{
	if (text.n != KEY_LENGTH || !str_has_prefix(text, prefix))
		return false;
	for (size_t i = prefix.n; i < text.n; i++) {
		char c = text.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		      (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

bool bearer_is_key(struct str text)
{
	return is_ours(text, STR(KEY_USER_PREFIX));
}

/* --- Authorization --- */

static struct bearer read_token(struct str token)
{
	if (str_has_prefix(token, STR(KEY_PREFIX)))
		return bad("a key of the gateway does not sign in to the manager; send a "
			   "personal key (" KEY_USER_PREFIX "...)");
	if (str_has_prefix(token, STR(KEY_USER_PREFIX)))
		return bearer_is_key(token)
			       ? (struct bearer){.kind = BEARER_KEY, .text = token}
			       : bad("the personal key is mistyped");
	if (token.n > JWT_MAX)
		return bad("the token has more than 8 KB");
	if (memchr(token.p, '.', token.n) == NULL)
		return bad("Authorization has neither a personal key (" KEY_USER_PREFIX
			   "...) nor a JWT");
	return (struct bearer){.kind = BEARER_JWT, .text = token};
}

static struct bearer read_authorization(struct str value)
{
	const struct str scheme = STR("bearer ");
	struct str token;

	if (value.n <= scheme.n || !str_ieq((struct str){value.p, scheme.n}, scheme))
		return bad("Authorization must be Bearer, with a personal key "
			   "(" KEY_USER_PREFIX "...) or a JWT");
	token = str_trim((struct str){value.p + scheme.n, value.n - scheme.n});
	return token.n > 0 ? read_token(token) : bad("Authorization is empty");
}

/* --- cookies --- */

static bool take_pair(struct str *list, struct str *pair)
{
	const char *end;

	if (list->n == 0)
		return false;
	end = memchr(list->p, ';', list->n);
	*pair = str_trim((struct str){list->p, end ? (size_t)(end - list->p) : list->n});
	*list = end ? (struct str){end + 1, (size_t)(list->p + list->n - end - 1)}
		    : (struct str){NULL, 0};
	return true;
}

unsigned bearer_cookies(const struct request_head *h, struct str name, struct str *value)
{
	unsigned n = 0;

	for (unsigned i = 0; i < h->n_fields; i++) {
		struct str list = h->fields[i].value, pair;

		while (h->fields[i].id == HTTP_H_COOKIE && take_pair(&list, &pair)) {
			if (pair.n <= name.n || pair.p[name.n] != '=' ||
			    !str_has_prefix(pair, name))
				continue;
			*value = (struct str){pair.p + name.n + 1, pair.n - name.n - 1};
			n++;
		}
	}
	return n;
}

static struct bearer read_cookies(const struct request_head *h, bool secure)
{
	struct str value = {NULL, 0};
	unsigned n = bearer_cookies(
		h, secure ? STR(BEARER_COOKIE_SECURE) : STR(BEARER_COOKIE), &value);

	if (n == 0)
		return (struct bearer){.kind = BEARER_NONE};
	if (n > 1)
		return bad("there is more than one session's cookie");
	if (!is_ours(value, STR(KEY_SESSION_PREFIX)))
		return bad("the session's cookie is none of ours; sign in again");
	return (struct bearer){.kind = BEARER_SESSION, .text = value};
}

struct bearer bearer_find(const struct request_head *h, bool secure)
{
	unsigned count = 0;
	const struct http_field *f = request_head_field(h, HTTP_H_AUTHORIZATION, &count);

	if (count == 0)
		return read_cookies(h, secure);
	if (count > 1 || f == NULL)
		return bad("there is more than one Authorization");
	return read_authorization(f->value);
}

bool bearer_is_cookie(const struct request_head *h)
{
	struct str value;

	return !request_head_has(h, HTTP_H_AUTHORIZATION) &&
	       (bearer_cookies(h, STR(BEARER_COOKIE), &value) > 0 ||
		bearer_cookies(h, STR(BEARER_COOKIE_SECURE), &value) > 0);
}
