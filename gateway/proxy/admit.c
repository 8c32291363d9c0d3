/* Whether a request may pass: its key, where it comes from, its route, the route's scope
 * and methods. */
#include "gateway/proxy/admit.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/check.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/key_mistake.h"
#include "gateway/proxy/shown_path.h"
#include "gateway/token/key_text.h"

static void refuse(struct admission *a, enum problem_id id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct admission *a, enum problem_id id, const char *format, ...)
{
	va_list ap;

	a->admitted = false;
	a->problem = id;
	va_start(ap, format);
	vsnprintf(a->detail, sizeof a->detail, format, ap);
	va_end(ap);
}

/* The table has no such key. The checksum only chooses the reason; whether it is the
 * key's fault at all depends on how well we know the keys. */
static void refuse_miss(struct admission *a, const struct credential *c,
			enum token_state state)
{
	enum key_shape shape = key_shape_of(c->value);
	bool meant = c->place == CREDENTIAL_X_API_KEY || credential_is_ours(c->value);
	char mistake[KEY_MISTAKE_MAX];

	if (state != TOKENS_FRESH && shape != KEY_SHAPE_IMPOSSIBLE)
		refuse(a, PROBLEM_KEYS_UNAVAILABLE, "the key table is stale; try again");
	else if (shape == KEY_SHAPE_MISTYPED)
		refuse(a, PROBLEM_MALFORMED_KEY,
		       "the key's checksum is wrong: a character is missing or mistyped");
	else if (key_mistake_of(c, mistake))
		refuse(a, meant ? PROBLEM_UNKNOWN_KEY : PROBLEM_MISSING_KEY, "%s",
		       mistake);
	else if (!meant)
		refuse(a, PROBLEM_MISSING_KEY,
		       "send the key as X-API-Key or as Authorization: Bearer; the value "
		       "sent in %s is not a key of this gateway",
		       credential_place_name(c->place));
	else
		refuse(a, PROBLEM_UNKNOWN_KEY, "no such key; ask for a new one");
}

/* A known key: does it still count? */
static bool judge_token(struct admission *a, struct token_view *t,
			const struct request_head *h, const struct admit_context *ctx)
{
	int64_t wall_us = ctx->wall_us;

	(void)h;
	if (t->flags & TOKEN_REVOKED)
		refuse(a, PROBLEM_REVOKED_KEY, "the key was revoked; ask for a new one");
	else if (t->expires_at_us <= wall_us)
		refuse(a, PROBLEM_EXPIRED_KEY, "the key has expired; ask for a new one");
	else if (t->key_until_us <= wall_us)
		refuse(a, PROBLEM_EXPIRED_KEY,
		       "the key was replaced and its grace period is over; use the new one");
	else if (t->flags & TOKEN_DISABLED)
		refuse(a, PROBLEM_DISABLED_KEY,
		       "the key is disabled until someone enables it again");
	else if (t->flags & TOKEN_TEAM_DISABLED)
		refuse(a, PROBLEM_DISABLED_KEY,
		       "the key's team is disabled until someone enables it again");
	else
		return true;
	return false;
}

static bool judge_address(struct admission *a, struct token_view *t,
			  const struct request_head *h, const struct admit_context *ctx)
{
	char text[NET_ADDR_TEXT_MAX];

	(void)h;
	if (token_allows_address(t, ctx->client))
		return true;
	net_ip_text(ctx->client, text);
	refuse(a, PROBLEM_ADDRESS_FORBIDDEN, "the key may not be used from %s",
	       ctx->client->family == 0 ? "a Unix socket without the client's address"
					: text);
	return false;
}

static void refuse_no_key(struct admission *a, const struct request_head *h,
			  const struct credentials *c)
{
	char mistake[KEY_MISTAKE_MAX];

	if (key_mistake_of_none(h, c, mistake))
		refuse(a, PROBLEM_MISSING_KEY, "%s", mistake);
	else if (cors_is_preflight(h) && a->route != NULL && !cors_enabled(a->route))
		refuse(a, PROBLEM_MISSING_KEY,
		       "this is a browser's preflight (CORS), which never has a key: "
		       "pages may call where the route has cors.origins");
	else
		refuse(a, PROBLEM_MISSING_KEY,
		       "send the key as X-API-Key or as Authorization: Bearer");
}

static void refuse_key_in_url(struct admission *a)
{
	refuse(a, PROBLEM_KEY_IN_URL,
	       "a key in the URL ends up in logs: send it as X-API-Key, and replace "
	       "this one");
}

static bool find_credentials(struct admission *a, const struct request_head *h,
			     struct credentials *c)
{
	switch (credentials_find(h, c)) {
	case CREDENTIALS_FOUND:
		return true;
	case CREDENTIALS_NONE:
		refuse_no_key(a, h, c);
		return false;
	case CREDENTIALS_AMBIGUOUS:
		refuse(a, PROBLEM_AMBIGUOUS_KEY, "send exactly one key, in one place");
		return false;
	case CREDENTIALS_IN_URL:
		refuse_key_in_url(a);
		return false;
	}
	return false;
}

static bool look_up(const struct admit_context *ctx, struct str value,
		    struct token_view *t, unsigned char hash[KEY_HASH_BYTES])
{
	key_hash(ctx->hasher, value, hash);
	return token_table_find(ctx->tokens, hash, t);
}

/* The first that is known. X-API-Key hides the others. NULL: none, which is refused. */
static const struct credential *find_known(struct admission *a, struct token_view *t,
					   const struct credentials *c,
					   const struct admit_context *ctx)
{
	const struct credential *miss = NULL;

	for (unsigned i = 0; i < c->n; i++) {
		const struct credential *one = &c->items[i];

		if (!credential_may_count(one->place))
			continue;
		if (look_up(ctx, one->value, t, a->hash))
			return one;
		if (miss == NULL ||
		    (credential_is_ours(one->value) && !credential_is_ours(miss->value)))
			miss = one;
		if (one->place == CREDENTIAL_X_API_KEY)
			break;
	}
	CHECK(miss != NULL);
	refuse_miss(a, miss, ctx->state);
	return NULL;
}

/* Another place holds another key that is known. */
static bool has_second_key(const struct credential *key, const struct credentials *c,
			   const struct admit_context *ctx)
{
	unsigned char hash[KEY_HASH_BYTES];
	struct token_view t;

	for (unsigned i = 0; i < c->n; i++)
		if (&c->items[i] != key && !str_eq(c->items[i].value, key->value) &&
		    look_up(ctx, c->items[i].value, &t, hash))
			return true;
	return false;
}

static bool judge_key(struct admission *a, struct token_view *t,
		      const struct request_head *h, const struct admit_context *ctx)
{
	struct credentials c;
	const struct credential *key;

	if (!find_credentials(a, h, &c))
		return false;
	if (ctx->state == TOKENS_NONE || ctx->state == TOKENS_TOO_STALE) {
		refuse(a, PROBLEM_KEYS_UNAVAILABLE,
		       "the key table is not loaded; try again");
		return false;
	}
	key = find_known(a, t, &c, ctx);
	if (key == NULL)
		return false;
	if (c.n > 1 && has_second_key(key, &c, ctx)) {
		refuse(a, PROBLEM_AMBIGUOUS_KEY, "send exactly one key, in one place");
		return false;
	}
	a->token_known = true;
	a->token_id = t->token_id;
	CHECK(t->name.n <= sizeof a->token_name);
	a->token_name_n = t->name.n;
	if (t->name.n > 0)
		memcpy(a->token_name, t->name.p, t->name.n);
	key_filter_init(&a->keys, h, key->value);
	return true;
}

/* A key of another shape is only known for one now. */
static bool judge_url(struct admission *a, struct token_view *t,
		      const struct request_head *h, const struct admit_context *ctx)
{
	(void)t;
	(void)ctx;
	if (!a->keys.thorough || !key_in_url(h->target, a->keys.key))
		return true;
	refuse_key_in_url(a);
	return false;
}

static bool judge_route(struct admission *a, struct token_view *t,
			const struct request_head *h, const struct admit_context *ctx)
{
	char shown[160];

	(void)t;
	(void)ctx;
	switch (a->routed) {
	case ROUTE_FOUND:
		return true;
	case ROUTE_NONE:
		shown_path(shown, sizeof shown, h->path, a->keys.key);
		refuse(a, PROBLEM_NO_ROUTE, "no route's path is a prefix of %s", shown);
		return false;
	case ROUTE_BAD_PATH:
		refuse(a, PROBLEM_BAD_PATH, "%s", a->path_fault);
		return false;
	}
	return false;
}

static bool judge_scope(struct admission *a, struct token_view *t,
			const struct request_head *h, const struct admit_context *ctx)
{
	const struct settings_route *r = a->route;

	(void)h;
	(void)ctx;
	if (r->scope == NULL || token_has_scope(t, str_of(r->scope)))
		return true;
	refuse(a, PROBLEM_SCOPE_MISSING, "the key lacks the scope '%s' of route '%s'",
	       r->scope, r->name);
	return false;
}

static bool judge_method(struct admission *a, struct token_view *t,
			 const struct request_head *h, const struct admit_context *ctx)
{
	const struct settings_route *r = a->route;

	(void)t;
	(void)ctx;
	if (r->methods & HTTP_METHOD_BIT(h->method))
		return true;
	refuse(a, PROBLEM_METHOD_NOT_ALLOWED, "route '%s' does not take %s", r->name,
	       http_method_name(h->method));
	return false;
}

static bool judge_body(struct admission *a, struct token_view *t,
		       const struct request_head *h, const struct admit_context *ctx)
{
	const struct settings_route *r = a->route;

	(void)t;
	(void)ctx;
	if (r->limits.body_bytes == 0 || h->framing != HTTP_LENGTH ||
	    h->content_length <= r->limits.body_bytes)
		return true;
	refuse(a, PROBLEM_BODY_TOO_LARGE, "route '%s' takes bodies of up to %llu bytes",
	       r->name, (unsigned long long)r->limits.body_bytes);
	return false;
}

static bool judge_known_method(struct admission *a, struct token_view *t,
			       const struct request_head *h,
			       const struct admit_context *ctx)
{
	(void)t;
	(void)ctx;
	if (h->method != HTTP_OTHER)
		return true;
	refuse(a, PROBLEM_NOT_IMPLEMENTED,
	       "methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS");
	return false;
}

bool admit_step(struct admission *a, enum admit_step step, struct token_view *t,
		const struct request_head *h, const struct admit_context *ctx)
{
	static bool (*const judges[ADMIT_STEPS])(struct admission *, struct token_view *,
						 const struct request_head *,
						 const struct admit_context *) = {
		[ADMIT_KNOWN_METHOD] = judge_known_method,
		[ADMIT_KEY] = judge_key,
		[ADMIT_TOKEN] = judge_token,
		[ADMIT_ADDRESS] = judge_address,
		[ADMIT_URL] = judge_url,
		[ADMIT_ROUTE] = judge_route,
		[ADMIT_SCOPE] = judge_scope,
		[ADMIT_METHOD] = judge_method,
		[ADMIT_BODY] = judge_body,
	};

	CHECK((unsigned)step < ADMIT_STEPS);
	return judges[step](a, t, h, ctx);
}

/* From one step to another, which is not judged any more. */
static void judge(struct admission *a, const struct request_head *h,
		  const struct admit_context *ctx, enum admit_step step,
		  enum admit_step end)
{
	struct token_view t;

	while (step < end && admit_step(a, step, &t, h, ctx))
		step++;
	a->admitted = step == end;
}

void admit_holder(struct admission *a, const struct request_head *h,
		  const struct admit_context *ctx)
{
	memset(a, 0, sizeof *a);
	judge(a, h, ctx, ADMIT_KEY, ADMIT_ROUTE);
}

void admit_route(struct admission *a, const struct request_head *h,
		 const struct route_table *routes)
{
	memset(a, 0, sizeof *a);
	a->routed = route_match(routes, h->path, &a->route, &a->path_fault);
}

void admit(struct admission *a, const struct request_head *h,
	   const struct admit_context *ctx)
{
	judge(a, h, ctx, ADMIT_KNOWN_METHOD, ADMIT_STEPS);
}
