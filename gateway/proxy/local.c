/* What is answered without an upstream: health pages, preflights, OPTIONS that ends
 * here. */
#include "gateway/proxy/local.h"

#include <stdio.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/event.h"
#include "gateway/journal/recording.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/exchange_end.h"

#define ALLOW_MAX 128 /* bytes of its line, with all methods */

#define PAGE_METHODS                                                                     \
	(HTTP_METHOD_BIT(HTTP_GET) | HTTP_METHOD_BIT(HTTP_HEAD) |                        \
	 HTTP_METHOD_BIT(HTTP_OPTIONS))

static void reply(struct http_conn *c, int status, struct str body)
{
	http_conn_reply(c, status, "application/json", PAGE_METHODS, body);
}

/* Strangers may ask: not why recording stands, which the manager tells. */
static void reply_is_ready(const struct exchange_env *env, struct http_conn *c,
			   const char *keys)
{
	char text[192], since[RECORDING_TIME_MAX], age[32] = "null", stands[128] = "";
	int64_t since_us, oldest_us = 0;
	bool stands_now = recording_peek(env->recording, &since_us, &oldest_us);
	int n;

	if (oldest_us != 0)
		snprintf(age, sizeof age, "%lld",
			 (long long)((clock_wall_us() - oldest_us) / 1000000));
	if (stands_now)
		snprintf(stands, sizeof stands,
			 ",\"recording\":\"stands\",\"since\":\"%s\","
			 "\"oldest_waits_s\":%s",
			 recording_time(since, since_us), age);
	n = snprintf(text, sizeof text, "{\"status\":\"ready\",\"keys\":\"%s\"%s}\n",
		     keys, stands);
	CHECK(n > 0 && (size_t)n < sizeof text);
	reply(c, 200, (struct str){text, (size_t)n});
}

static void reply_ready(struct exchange_env *env, struct http_conn *c)
{
	enum token_state state = token_sync_state(env->tokens, clock_mono_us());

	if (env->draining)
		reply(c, 503, STR("{\"status\":\"draining\"}\n"));
	else if (state == TOKENS_NONE || state == TOKENS_TOO_STALE)
		reply(c, 503,
		      STR("{\"status\":\"not ready\",\"reason\":\"no current key table\"}\n"));
	else
		reply_is_ready(env, c, state == TOKENS_FRESH ? "fresh" : "stale");
}

/* OPTIONS of the server as a whole (RFC 9110 9.3.7), and of "/" where that is nobody's:
 * what load balancers ask for where they are told nothing else. */
static bool asks_for_server(const struct route_table *routes,
			    const struct request_head *h)
{
	const struct settings_route *route;

	if (h->method != HTTP_OPTIONS)
		return false;
	return str_eq(h->path, STR("*")) ||
	       (str_eq(h->path, STR("/")) &&
		route_match(routes, h->path, &route, NULL) == ROUTE_NONE);
}

enum local_page_kind local_page_of(const struct request_head *h,
				   const struct route_table *routes)
{
	if (!(HTTP_METHOD_BIT(h->method) & PAGE_METHODS))
		return LOCAL_NO_PAGE;
	if (str_eq(h->path, STR("/health")))
		return LOCAL_HEALTH;
	if (str_eq(h->path, STR("/ready")))
		return LOCAL_READY;
	return asks_for_server(routes, h) ? LOCAL_SERVER : LOCAL_NO_PAGE;
}

bool local_page(struct exchange_env *env, struct http_conn *c)
{
	switch (local_page_of(http_conn_head(c), env->sites.current->routes)) {
	case LOCAL_NO_PAGE:
		return false;
	case LOCAL_HEALTH:
		reply(c, 200, STR("{\"status\":\"ok\"}\n"));
		return true;
	case LOCAL_READY:
		reply_ready(env, c);
		return true;
	case LOCAL_SERVER:
		http_conn_reply(c, 200, "application/json", HTTP_METHODS_ALL,
				STR("{\"status\":\"ok\"}\n"));
		return true;
	}
	return false;
}

/* 204 and fields alone. Ends the exchange. */
static void answer(struct exchange *x, const struct sbuf *fields)
{
	struct sbuf head;

	CHECK(!fields->overflow);
	sbuf_init(&head, HTTP_ANSWER_HEAD_MAX);
	http_conn_put_no_content(x->c, str_of(x->ids.request_id), sbuf_view(fields),
				 &head);
	x->record.status = 204;
	x->record.first_out_us = clock_mono_us();
	exchange_end(x, &(struct exchange_end){
				.outcome = USAGE_OUTCOME_COMPLETE,
				.last = &(struct iovec){head.p, head.n},
				.n_last = 1,
			});
	sbuf_fini(&head);
}

void local_options(struct exchange *x)
{
	struct sbuf allow;

	sbuf_init(&allow, ALLOW_MAX);
	http_add_allow(&allow, x->admission.route->methods);
	answer(x, &allow);
	sbuf_fini(&allow);
}

bool local_is_preflight(const struct request_head *h, const struct settings_route *route)
{
	return cors_is_preflight(h) && route != NULL && cors_enabled(route);
}

bool local_preflight(struct exchange *x)
{
	const struct request_head *h = http_conn_head(x->c);
	const struct settings_route *route = x->admission.route;
	struct sbuf fields;

	if (!local_is_preflight(h, route))
		return false;
	sbuf_init(&fields, CORS_FIELDS_MAX);
	cors_add_preflight(&fields, route, h);
	answer(x, &fields);
	sbuf_fini(&fields);
	return true;
}
