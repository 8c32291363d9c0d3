/* What would become of a request: each step judged by what judges requests. */
#include "gateway/api/explanation.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/check.h"
#include "common/near.h"
#include "common/utf8.h"
#include "gateway/api/explained_headers.h"
#include "gateway/api/explained_upstreams.h"
#include "gateway/api/route_facts.h"
#include "gateway/http/advice.h"
#include "gateway/http/client_addr.h"
#include "gateway/journal/outcome.h"
#include "gateway/proxy/admit.h"
#include "gateway/proxy/local.h"
#include "gateway/proxy/tunnel.h"

#define TEXT_MAX 320
#define TIME_MAX 32
#define NOTHING PROBLEM_COUNT

struct explaining {
	const struct explanation_question *q;
	cJSON *answer, *steps;
	struct sbuf text; /* the head */
	struct request_head head;
	struct route_table *routes;
	struct net_ip client;
	struct admit_context context;
	struct admission a;
	struct token_view token; /* where a.token_known */
	const char *local; /* why the gateway answers it itself; NULL: it does not */
	int local_status;
	enum problem_id first; /* the first failure */
	char why[TEXT_MAX];    /* its text */
};

static cJSON *put(cJSON *object, const char *name, cJSON *item)
{
	CHECK(item != NULL && cJSON_AddItemToObject(object, name, item));
	return item;
}

static cJSON *text_or_null(const char *text)
{
	return text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull();
}

/* RFC 3339, of whole seconds. */
static const char *time_text(char out[TIME_MAX], int64_t us)
{
	time_t seconds = us / 1000000;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

/* The table cuts long ones, maybe inside a character. */
static const char *name_text(char out[TOKEN_NAME_SHOWN_MAX + 1], struct str name)
{
	const unsigned char *p = (const unsigned char *)name.p;
	size_t n = 0, length;

	while (n < name.n && (length = utf8_length(p + n, name.n - n)) > 0)
		n += length;
	str_copy(out, TOKEN_NAME_SHOWN_MAX + 1, (struct str){name.p, n});
	return out;
}

/* --- steps --- */

static void add_step(struct explaining *e, const char *name, const char *result,
		     enum problem_id id, const char *text)
{
	const struct advice *advice = id != NOTHING ? advice_of(problem_code(id)) : NULL;
	cJSON *step = cJSON_CreateObject();

	put(step, "step", cJSON_CreateString(name));
	put(step, "result", cJSON_CreateString(result));
	put(step, "text", cJSON_CreateString(text));
	put(step, "code", text_or_null(id != NOTHING ? problem_code(id) : NULL));
	put(step, "advice", text_or_null(advice != NULL ? advice->todo : NULL));
	CHECK(cJSON_AddItemToArray(e->steps, step));
}

static void fails(struct explaining *e, const char *name, enum problem_id id,
		  const char *text)
{
	if (*text == '\0')
		text = problem_title(id);
	if (e->first == NOTHING) {
		e->first = id;
		snprintf(e->why, sizeof e->why, "%s", text);
	}
	add_step(e, name, "fails", id, text);
}

static void is_fine(struct explaining *e, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void is_fine(struct explaining *e, const char *name, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	add_step(e, name, "ok", NOTHING, text);
}

static void is_unknown(struct explaining *e, const char *name, const char *text)
{
	add_step(e, name, "unknown", NOTHING, text);
}

static bool judge(struct explaining *e, enum admit_step step, const char *name)
{
	e->a.detail[0] = '\0';
	if (admit_step(&e->a, step, &e->token, &e->head, &e->context))
		return true;
	fails(e, name, e->a.problem, e->a.detail);
	return false;
}

static void tell_request(struct explaining *e)
{
	if (judge(e, ADMIT_KNOWN_METHOD, "request"))
		is_fine(e, "request", "it is well-formed");
}

static void tell_key(struct explaining *e)
{
	char name[TOKEN_NAME_SHOWN_MAX + 1];

	if (judge(e, ADMIT_KEY, "key"))
		is_fine(e, "key", "it is token %" PRId64 "'s%s%s", e->token.token_id,
			e->token.name.n > 0 ? ", " : "", name_text(name, e->token.name));
}

static void tell_token(struct explaining *e)
{
	const struct token_view *t = &e->token;
	char until[TIME_MAX];

	if (!e->a.token_known)
		is_unknown(e, "token", "which token it would be is not known");
	else if (!judge(e, ADMIT_TOKEN, "token"))
		return;
	else if (t->key_until_us != INT64_MAX)
		is_fine(e, "token",
			"it is active; the key was replaced, and counts until %s",
			time_text(until, t->key_until_us));
	else if (t->expires_at_us != INT64_MAX)
		is_fine(e, "token", "it is active until %s",
			time_text(until, t->expires_at_us));
	else
		is_fine(e, "token", "it is active");
}

static void tell_address(struct explaining *e)
{
	char text[NET_ADDR_TEXT_MAX];

	net_ip_text(&e->client, text);
	if (!e->a.token_known)
		is_unknown(e, "address", "which addresses may use it is not known");
	else if (!(e->token.flags & TOKEN_RANGED))
		is_fine(e, "address", "any may use it");
	else if (e->q->peer == NULL)
		is_unknown(e, "address", "only some may use it: ask with the caller's");
	else if (judge(e, ADMIT_ADDRESS, "address"))
		is_fine(e, "address", "%s may use it", text);
}

static void tell_url(struct explaining *e)
{
	if (judge(e, ADMIT_URL, "url"))
		is_fine(e, "url", "no key stands in it");
}

static void tell_route(struct explaining *e)
{
	if (judge(e, ADMIT_ROUTE, "route"))
		is_fine(e, "route", "%s, at %s", e->a.route->name, e->a.route->path);
}

static void tell_scope(struct explaining *e)
{
	const struct settings_route *r = e->a.route;
	char text[TEXT_MAX];

	if (r == NULL) {
		is_unknown(e, "scope", "there is no route that asks for one");
	} else if (r->scope == NULL) {
		is_fine(e, "scope", "the route asks for none");
	} else if (!e->a.token_known) {
		snprintf(text, sizeof text, "the route asks for %s", r->scope);
		is_unknown(e, "scope", text);
	} else if (judge(e, ADMIT_SCOPE, "scope")) {
		is_fine(e, "scope", "the token has %s", r->scope);
	}
}

static void tell_method(struct explaining *e)
{
	if (e->a.route == NULL)
		is_unknown(e, "method", "there is no route that would take it");
	else if (e->head.method == HTTP_OTHER)
		is_unknown(e, "method", "it is none that the gateway knows");
	else if (judge(e, ADMIT_METHOD, "method"))
		is_fine(e, "method", "the route takes it");
}

static void tell_body(struct explaining *e)
{
	const struct settings_route *r = e->a.route;

	if (r == NULL)
		is_unknown(e, "body", "there is no route that would take it");
	else if (!judge(e, ADMIT_BODY, "body"))
		return;
	else if (r->limits.body_bytes == 0)
		is_fine(e, "body", "the route takes any length");
	else
		is_fine(e, "body", "the route takes up to %" PRIu64 " bytes",
			r->limits.body_bytes);
}

static void tell_loop(struct explaining *e)
{
	if (forward_is_loop(&e->head))
		fails(e, "loop", PROBLEM_PROXY_LOOP, "Via names this gateway already");
	else
		is_fine(e, "loop", "it has not been here before");
}

static void tell_upstream(struct explaining *e)
{
	struct explained_upstreams u;

	if (e->a.route == NULL) {
		put(e->answer, "upstreams", cJSON_CreateArray());
		is_unknown(e, "upstream", "there is no route that leads to one");
		return;
	}
	explained_upstreams(&u, e->a.route, e->q->resolver);
	put(e->answer, "upstreams", u.list);
	if (u.state == UPSTREAM_WORKS)
		is_fine(e, "upstream", "%s", u.text);
	else if (u.state == UPSTREAM_NOT_KNOWN)
		is_unknown(e, "upstream", u.text);
	else
		fails(e, "upstream", u.problem, u.text);
}

/* --- the answer --- */

static void tell_steps(struct explaining *e)
{
	static void (*const all[])(struct explaining *) = {
		tell_request, tell_key,   tell_token,    tell_address,
		tell_url,     tell_route, tell_scope,    tell_method,
		tell_body,    tell_loop,  tell_upstream,
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i](e);
}

/* None is judged: the head is refused, or the gateway answers for itself. */
static void tell_no_steps(struct explaining *e, const char *why)
{
	static const char *const names[] = {"key",   "token",   "address", "url",
					    "route", "scope",   "method",  "body",
					    "loop",  "upstream"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		is_unknown(e, names[i], why);
	put(e->answer, "upstreams", cJSON_CreateArray());
}

static void put_scopes(cJSON *token, const struct token_view *t)
{
	cJSON *list = put(token, "scopes", cJSON_CreateArray());
	struct str rest = t->scopes;

	while (rest.n > 0) {
		const char *blank = memchr(rest.p, ' ', rest.n);
		size_t n = blank != NULL ? (size_t)(blank - rest.p) : rest.n;
		char *scope = xstrndup(rest.p, n);

		CHECK(cJSON_AddItemToArray(list, cJSON_CreateString(scope)));
		free(scope);
		n += blank != NULL;
		rest = (struct str){rest.p + n, rest.n - n};
	}
}

static void put_time(cJSON *object, const char *name, int64_t us)
{
	char text[TIME_MAX];

	put(object, name, text_or_null(us != INT64_MAX ? time_text(text, us) : NULL));
}

static void put_token(struct explaining *e)
{
	const struct token_view *t = &e->token;
	cJSON *token = cJSON_CreateNull();
	char id[24], name[TOKEN_NAME_SHOWN_MAX + 1];

	if (e->a.token_known) {
		cJSON_Delete(token);
		token = cJSON_CreateObject();
		snprintf(id, sizeof id, "%" PRId64, t->token_id);
		put(token, "id", cJSON_CreateRaw(id));
		put(token, "name", cJSON_CreateString(name_text(name, t->name)));
		put_scopes(token, t);
		put_time(token, "expires_at", t->expires_at_us);
		put_time(token, "old_key_until", t->key_until_us);
	}
	put(e->answer, "token", token);
}

/* The route whose path the first segments of the one asked for are most like. */
static const char *nearest_route(const struct explaining *e)
{
	const char *best = NULL;
	unsigned least = NEAR_WORD_MAX;

	for (size_t i = 0; i < e->q->settings->n_routes; i++) {
		const char *path = e->q->settings->routes[i].path;
		struct near near = {.distance = NEAR_WORD_MAX};
		char start[NEAR_WORD_MAX + 1];
		size_t n = 0, slashes = 0;

		for (const char *p = path; *p != '\0'; p++)
			slashes += *p == '/';
		for (; n < e->head.path.n && n < NEAR_WORD_MAX; n++)
			if (e->head.path.p[n] == '/' && slashes-- == 0)
				break;
		if (!str_copy(start, sizeof start, (struct str){e->head.path.p, n}))
			continue;
		near.given = start;
		near_try(&near, path);
		if (near.best != NULL && near.distance < least) {
			best = path;
			least = near.distance;
		}
	}
	return best;
}

static void put_route(struct explaining *e, bool is_parsed)
{
	const struct settings_route *r = e->a.route;
	bool is_none = is_parsed && r == NULL && e->a.routed == ROUTE_NONE;

	put(e->answer, "route", r != NULL ? route_facts(r) : cJSON_CreateNull());
	put(e->answer, "nearest_route",
	    text_or_null(is_none && e->local == NULL ? nearest_route(e) : NULL));
}

static void put_headers(struct explaining *e)
{
	const struct settings_route *r = e->a.route;
	const struct net_ip *peer = e->q->peer;
	char client[NET_ADDR_TEXT_MAX], own[NET_ADDR_TEXT_MAX] = "";

	if (r == NULL || e->local != NULL) {
		put(e->answer, "headers", cJSON_CreateNull());
		return;
	}
	net_ip_text(&e->client, client);
	if (peer != NULL)
		net_ip_text(peer, own);
	if (!e->a.token_known)
		key_filter_init(&e->a.keys, &e->head, (struct str){NULL, 0});
	put(e->answer, "headers",
	    explained_headers(&(struct forward_request){
		    .head = &e->head,
		    .route = r,
		    .endpoint = &r->endpoints[0],
		    .client_ip = str_of(client),
		    .peer_ip = str_of(own),
		    .keys = &e->a.keys,
		    .peer_trusted =
			    peer != NULL && client_peer_is_trusted(peer, e->q->settings),
		    .upgrade = tunnel_wanted(&e->head, r),
	    }));
}

static bool is_upstreams(enum problem_id id)
{
	return usage_outcome_fault(str_of(problem_proxy_error(id))) ==
	       USAGE_FAULT_UPSTREAM;
}

static void put_status(struct explaining *e)
{
	int status = e->local != NULL      ? e->local_status
		     : e->first != NOTHING ? problem_status(e->first)
					   : 0;

	put(e->answer, "status",
	    status > 0 ? cJSON_CreateNumber(status) : cJSON_CreateNull());
}

static void put_outcome(struct explaining *e)
{
	const struct advice *advice =
		e->first != NOTHING ? advice_of(problem_code(e->first)) : NULL;
	bool is_refused = e->first != NOTHING && !is_upstreams(e->first);
	const char *outcome = e->local != NULL      ? "answered"
			      : is_refused          ? "refused"
			      : e->first != NOTHING ? "upstream_fails"
						    : "passes";
	const char *text = e->local != NULL      ? e->local
			   : e->first != NOTHING ? e->why
						 : "it goes to the upstream";

	put(e->answer, "outcome", cJSON_CreateString(outcome));
	put_status(e);
	put(e->answer, "code",
	    text_or_null(e->first != NOTHING ? problem_code(e->first) : NULL));
	put(e->answer, "text", cJSON_CreateString(text));
	put(e->answer, "advice", text_or_null(advice != NULL ? advice->todo : NULL));
}

/* --- the request --- */

static bool parse_head(struct explaining *e)
{
	const struct settings_limits *l = &e->q->settings->limits;
	struct head_limits limits = {l->head_bytes, l->headers};
	struct head_refusal why;

	if (request_head_parse(&e->head, e->text.p, e->text.n, &limits, &why))
		return true;
	fails(e, "request", problem_of_status(why.status), why.detail);
	return false;
}

/* Why the gateway answers the request itself. */
static void find_local(struct explaining *e)
{
	switch (local_page_of(&e->head, e->routes)) {
	case LOCAL_NO_PAGE:
		break;
	case LOCAL_HEALTH:
	case LOCAL_READY:
	case LOCAL_SERVER:
		e->local = "the gateway answers this itself, without a key";
		e->local_status = 200;
		return;
	}
	if (!local_is_preflight(&e->head, e->a.route))
		return;
	e->local = "the gateway answers a browser's preflight itself, without a key";
	e->local_status = 204;
}

static void find_client(struct explaining *e)
{
	if (e->q->peer != NULL)
		e->client = client_addr_of(&e->head, e->q->peer, e->q->settings);
	e->context = (struct admit_context){
		.tokens = e->q->tokens,
		.state = e->q->state,
		.hasher = key_hasher_new(),
		.client = &e->client,
		.wall_us = e->q->wall_us,
	};
}

static bool explain(struct explaining *e)
{
	if (!parse_head(e)) {
		tell_no_steps(e, "not judged: the request is refused before");
		return false;
	}
	find_client(e);
	admit_route(&e->a, &e->head, e->routes);
	find_local(e);
	if (e->local != NULL) {
		is_fine(e, "request", "it is well-formed");
		tell_no_steps(e, "not judged: the gateway answers this itself");
		return true;
	}
	tell_steps(e);
	if (e->first == NOTHING && forward_ends_here(&e->head)) {
		e->local = "Max-Forwards ends it here: the gateway tells the route's "
			   "methods";
		e->local_status = 204;
	}
	return true;
}

cJSON *explanation_of_request(const struct explanation_question *q)
{
	struct explaining *e = xcalloc(1, sizeof *e);
	cJSON *answer = cJSON_CreateObject();
	bool is_parsed;

	CHECK(answer != NULL);
	*e = (struct explaining){.q = q,
				 .answer = answer,
				 .steps = cJSON_CreateArray(),
				 .first = NOTHING,
				 .routes = route_table_new(q->settings)};
	explained_head_write(&e->text, &q->request);
	is_parsed = explain(e);
	put_outcome(e);
	put(answer, "steps", e->steps);
	put_token(e);
	put_route(e, is_parsed);
	put_headers(e);
	route_table_free(&e->routes);
	key_hasher_free(&e->context.hasher);
	explained_head_wipe(&e->text);
	free(e);
	return answer;
}
