/* What is answered without an upstream: health pages, preflights, OPTIONS that ends
 * here. */
#include "gateway/proxy/local.h"

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/event.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/exchange_end.h"

bool local_page(struct exchange_env *env, struct http_conn *c)
{
	const struct request_head *h = http_conn_head(c);
	enum token_state state;
	const char *body;

	if (h->method != HTTP_GET && h->method != HTTP_HEAD)
		return false;
	if (str_eq(h->path, STR("/health"))) {
		http_conn_reply(c, 200, "application/json", STR("{\"status\":\"ok\"}\n"));
		return true;
	}
	if (!str_eq(h->path, STR("/ready")))
		return false;
	state = token_sync_state(env->tokens, clock_mono_us());
	if (env->draining)
		body = "{\"status\":\"draining\"}\n";
	else if (state == TOKENS_NONE || state == TOKENS_TOO_STALE)
		body = "{\"status\":\"not ready\",\"reason\":\"no current key table\"}\n";
	else
		body = state == TOKENS_FRESH
			       ? "{\"status\":\"ready\",\"keys\":\"fresh\"}\n"
			       : "{\"status\":\"ready\",\"keys\":\"stale\"}\n";
	http_conn_reply(c, strncmp(body, "{\"status\":\"ready\"", 17) == 0 ? 200 : 503,
			"application/json", str_of(body));
	return true;
}

/* 204 and fields alone. Ends the exchange. */
static void answer(struct exchange *x, const struct sbuf *fields)
{
	struct sbuf head;

	CHECK(!fields->overflow);
	sbuf_init(&head, HTTP_ANSWER_HEAD_MAX);
	http_conn_put_no_content(x->c, sbuf_view(fields), &head);
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

	sbuf_init(&allow, 256);
	sbuf_lit(&allow, "Allow: ");
	for (unsigned m = 0, n = 0; m < HTTP_METHOD_COUNT; m++)
		if (x->admission.route->methods & HTTP_METHOD_BIT(m))
			sbuf_printf(&allow, "%s%s", n++ ? ", " : "", http_method_name(m));
	sbuf_lit(&allow, "\r\n");
	answer(x, &allow);
	sbuf_fini(&allow);
}

bool local_preflight(struct exchange *x)
{
	const struct request_head *h = http_conn_head(x->c);
	const struct settings_route *route = x->admission.route;
	struct sbuf fields;

	if (!cors_is_preflight(h) || route == NULL || !cors_enabled(route))
		return false;
	sbuf_init(&fields, CORS_FIELDS_MAX);
	cors_add_preflight(&fields, route, h);
	answer(x, &fields);
	sbuf_fini(&fields);
	return true;
}
