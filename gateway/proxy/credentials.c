/* Where a request may have its key. */
#include "gateway/proxy/credentials.h"

#include "common/check.h"
#include "gateway/token/key.h"
#include "gateway/token/key_text.h"

/* What browsers put before the key in Sec-WebSocket-Protocol (OpenAI). */
#define SUBPROTOCOL_KEY STR("openai-insecure-api-key.")

#define PLACES                                                                           \
	(HTTP_H_BIT(HTTP_H_X_API_KEY) | HTTP_H_BIT(HTTP_H_AUTHORIZATION) |               \
	 HTTP_H_BIT(HTTP_H_API_KEY) | HTTP_H_BIT(HTTP_H_X_GOOG_API_KEY) |                \
	 HTTP_H_BIT(HTTP_H_SEC_WEBSOCKET_PROTOCOL))

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

bool credential_is_ours(struct str value)
{
	return str_has_prefix(value, STR(KEY_PREFIX));
}

const char *credential_place_name(enum credential_place place)
{
	static const char *const names[] = {
		[CREDENTIAL_X_API_KEY] = "X-API-Key",
		[CREDENTIAL_BEARER] = "Authorization",
		[CREDENTIAL_API_KEY] = "api-key",
		[CREDENTIAL_GOOG_API_KEY] = "x-goog-api-key",
		[CREDENTIAL_SUBPROTOCOL] = "Sec-WebSocket-Protocol",
		[CREDENTIAL_OTHER] = "Authorization",
		[CREDENTIAL_BARE] = "Authorization",
	};

	return names[place];
}

/* False: too many. */
static bool add(struct credentials *c, enum credential_place place, struct str value)
{
	if (value.n == 0)
		return true;
	if (c->n == CREDENTIALS_MAX)
		return false;
	c->items[c->n++] = (struct credential){value, place};
	return true;
}

static bool add_authorization(struct credentials *c, struct str value)
{
	struct str token;

	if (value.n == 0)
		return true;
	if (bearer_value(value, &token))
		return add(c, CREDENTIAL_BEARER, token);
	if (memchr(value.p, ' ', value.n) == NULL)
		return add(c, CREDENTIAL_BARE, value);
	return add(c, CREDENTIAL_OTHER, after_scheme(value));
}

static bool add_subprotocols(struct credentials *c, struct str list)
{
	struct str item, prefix = SUBPROTOCOL_KEY;

	while (str_list_next(&list, &item))
		if (item.n > prefix.n &&
		    str_ieq((struct str){item.p, prefix.n}, prefix) &&
		    !add(c, CREDENTIAL_SUBPROTOCOL,
			 (struct str){item.p + prefix.n, item.n - prefix.n}))
			return false;
	return true;
}

static bool add_value(struct credentials *c, enum http_field_id id, struct str value)
{
	if (id == HTTP_H_X_API_KEY)
		return add(c, CREDENTIAL_X_API_KEY, value);
	if (id == HTTP_H_AUTHORIZATION)
		return add_authorization(c, value);
	if (id == HTTP_H_API_KEY)
		return add(c, CREDENTIAL_API_KEY, value);
	if (id == HTTP_H_X_GOOG_API_KEY)
		return add(c, CREDENTIAL_GOOG_API_KEY, value);
	return add_subprotocols(c, value);
}

/* Values that look like keys of ours are one and the same; where X-API-Key is not one of
 * them, none is. */
static bool contradict(const struct credentials *c)
{
	const struct credential *first = NULL;

	for (unsigned i = 0; i < c->n; i++) {
		const struct credential *one = &c->items[i];

		if (one->place != CREDENTIAL_X_API_KEY && !credential_is_ours(one->value))
			continue;
		if (first != NULL && !str_eq(first->value, one->value))
			return true;
		first = first ? first : one;
	}
	return false;
}

static void sort(struct credentials *c)
{
	for (unsigned i = 1; i < c->n; i++) {
		struct credential one = c->items[i];
		unsigned at = i;

		for (; at > 0 && c->items[at - 1].place > one.place; at--)
			c->items[at] = c->items[at - 1];
		c->items[at] = one;
	}
}

/* False: more of a kind than there may be. */
static bool collect(const struct request_head *h, struct credentials *c)
{
	uint64_t once = 0, twice = 0;

	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];
		uint64_t bit = HTTP_H_BIT(f->id) & PLACES;

		if (bit == 0)
			continue;
		twice |= once & bit;
		once |= bit;
		if (!add_value(c, f->id, f->value))
			return false;
	}
	if (c->n > 1)
		sort(c);
	if (twice == 0)
		return true;
	/* A second one could be meant instead of the first. */
	return (twice & HTTP_H_BIT(HTTP_H_X_API_KEY)) == 0 &&
	       ((twice & HTTP_H_BIT(HTTP_H_AUTHORIZATION)) == 0 ||
		(c->n && c->items[0].place == CREDENTIAL_X_API_KEY));
}

enum credential_verdict credentials_find(const struct request_head *h,
					 struct credentials *c)
{
	c->n = 0;
	if (key_in_url(h->target, (struct str){NULL, 0}))
		return CREDENTIALS_IN_URL;
	if (!collect(h, c) || (c->n > 1 && contradict(c)))
		return CREDENTIALS_AMBIGUOUS;
	for (unsigned i = 0; i < c->n; i++)
		if (credential_may_count(c->items[i].place))
			return CREDENTIALS_FOUND;
	return CREDENTIALS_NONE;
}
