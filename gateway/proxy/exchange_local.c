/* What is answered without an upstream: health pages, preflights, OPTIONS that ends
 * here. */
#include "common/check.h"
#include "common/clock.h"
#include "gateway/proxy/cors.h"
#include "gateway/proxy/exchange.h"
#include "gateway/journal/event.h"

bool local_page(struct worker *w, struct http_conn *c)
{
	const struct request_head *h = http_conn_head(c);
	enum token_state state;
	const char *body;

	if (h->method != HTTP_GET && h->method != HTTP_HEAD)
		return false;
	if (str_eq(h->path, STR("/health"))) {
		http_conn_reply(c, 200, "application/json", NULL,
				STR("{\"status\":\"ok\"}\n"));
		return true;
	}
	if (!str_eq(h->path, STR("/ready")))
		return false;
	state = token_sync_state(w->options.tokens, clock_mono_us());
	if (w->draining)
		body = "{\"status\":\"draining\"}\n";
	else if (state == TOKENS_NONE || state == TOKENS_TOO_STALE)
		body = "{\"status\":\"not ready\",\"reason\":\"no current key table\"}\n";
	else
		body = state == TOKENS_FRESH
			       ? "{\"status\":\"ready\",\"keys\":\"fresh\"}\n"
			       : "{\"status\":\"ready\",\"keys\":\"stale\"}\n";
	http_conn_reply(c, strncmp(body, "{\"status\":\"ready\"", 17) == 0 ? 200 : 503,
			"application/json", NULL, str_of(body));
	return true;
}

/* status and fields alone. Ends the exchange. */
static void answer(struct exchange *x, int status, const char *fields)
{
	struct http_conn *c = x->c;

	x->status = status;
	x->first_out_us = clock_mono_us();
	exchange_record(x, USAGE_OUTCOME_COMPLETE);
	x->c = NULL;
	exchange_free(x);
	http_conn_reply(c, status, NULL, fields, STR(""));
}

void local_options(struct exchange *x)
{
	struct sbuf allow;

	sbuf_init(&allow, 256);
	sbuf_lit(&allow, "Allow: ");
	for (unsigned m = 0, n = 0; m < HTTP_METHOD_COUNT; m++)
		if (x->admission.route->methods & HTTP_METHOD_BIT(m))
			sbuf_printf(&allow, "%s%s", n++ ? ", " : "", http_method_name(m));
	sbuf_add(&allow, "\r\n", 3);
	answer(x, 204, allow.p);
	sbuf_fini(&allow);
}

const struct settings_route *local_route_of(const struct exchange *x)
{
	const struct settings_route *route = x->admission.route;
	const char *fault;

	if (route == NULL && route_match(x->site->routes, http_conn_head(x->c)->path,
					 &route, &fault) != ROUTE_FOUND)
		return NULL;
	return route;
}

bool local_preflight(struct exchange *x)
{
	const struct request_head *h = http_conn_head(x->c);
	const struct settings_route *route;
	struct sbuf fields;

	if (!cors_is_preflight(h) || (route = local_route_of(x)) == NULL ||
	    !cors_enabled(route))
		return false;
	x->admission.route = route;
	sbuf_init(&fields, CORS_FIELDS_MAX);
	cors_add_preflight(&fields, route, h);
	sbuf_add(&fields, "", 1);
	CHECK(!fields.overflow);
	answer(x, 204, fields.p);
	sbuf_fini(&fields);
	return true;
}

void local_cors_fields(const struct exchange *x, struct sbuf *out)
{
	const struct request_head *h = http_conn_head(x->c);
	const struct settings_route *route;

	if (!request_head_has(h, HTTP_H_ORIGIN) || (route = local_route_of(x)) == NULL)
		return;
	cors_add_fields(out, route, h);
	CHECK(!out->overflow);
}
