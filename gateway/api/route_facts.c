/* What may be told of configured routes. */
#include "gateway/api/route_facts.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"

/* The item, which the object owns from then on. */
static cJSON *put(cJSON *object, const char *name, cJSON *item)
{
	CHECK(item != NULL && cJSON_AddItemToObject(object, name, item));
	return item;
}

static void append(cJSON *array, cJSON *item)
{
	CHECK(item != NULL && cJSON_AddItemToArray(array, item));
}

static cJSON *text_or_null(const char *text)
{
	return text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull();
}

static void put_seconds(cJSON *object, const char *name, uint32_t ms)
{
	put(object, name, cJSON_CreateNumber(ms / 1000.0));
}

static void put_upstreams(cJSON *route, const struct settings_route *r)
{
	cJSON *list = put(route, "upstreams", cJSON_CreateArray());

	for (size_t i = 0; i < r->n_endpoints; i++) {
		char *text = xasprintf("%s://%s", r->tls ? "https" : "http",
				       r->endpoints[i].authority);

		append(list, cJSON_CreateString(text));
		free(text);
	}
}

static void put_methods(cJSON *route, uint32_t mask)
{
	cJSON *list = put(route, "methods", cJSON_CreateArray());

	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
		if (mask & HTTP_METHOD_BIT(m))
			append(list,
			       cJSON_CreateString(http_method_name((enum http_method)m)));
}

static void put_timeouts(cJSON *route, const struct settings_timeouts *t)
{
	cJSON *object = put(route, "timeouts", cJSON_CreateObject());

	put_seconds(object, "body_s", t->body_ms);
	put_seconds(object, "connect_s", t->connect_ms);
	put_seconds(object, "first_byte_s", t->first_byte_ms);
	put_seconds(object, "idle_s", t->idle_ms);
	put_seconds(object, "total_s", t->total_ms);
}

const struct settings_route *route_facts_find(const struct settings *s, const char *path)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (strcmp(s->routes[i].path, path) == 0)
			return &s->routes[i];
	return NULL;
}

cJSON *route_facts(const struct settings_route *r)
{
	cJSON *route = cJSON_CreateObject();

	CHECK(route != NULL);
	put(route, "name", cJSON_CreateString(r->name));
	put(route, "path", cJSON_CreateString(r->path));
	put(route, "scope", text_or_null(r->scope));
	put_upstreams(route, r);
	put(route, "replaced", cJSON_CreateBool(r->upstream_replaced));
	put(route, "strip_prefix", cJSON_CreateBool(r->strip_prefix));
	put_methods(route, r->methods);
	put_timeouts(route, &r->timeouts);
	put(route, "body_bytes", cJSON_CreateNumber((double)r->limits.body_bytes));
	put(route, "price_per_call",
	    r->price_micro != 0 ? cJSON_CreateNumber((double)r->price_micro / 1e6)
				: cJSON_CreateNull());
	return route;
}

cJSON *route_facts_routes(const struct settings *s)
{
	cJSON *list = cJSON_CreateArray();

	CHECK(list != NULL);
	for (size_t i = 0; i < s->n_routes; i++)
		append(list, route_facts(&s->routes[i]));
	return list;
}

static bool is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Whether no route before this one asks for its scope. */
static bool is_first(const struct settings *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_same(s->routes[i].scope, s->routes[n].scope))
			return false;
	return true;
}

cJSON *route_facts_scopes(const struct settings *s)
{
	cJSON *list = cJSON_CreateArray();

	CHECK(list != NULL);
	for (size_t n = 0; n < s->n_routes; n++) {
		cJSON *scope, *routes;

		if (!is_first(s, n))
			continue;
		scope = cJSON_CreateObject();
		append(list, scope);
		put(scope, "scope", text_or_null(s->routes[n].scope));
		routes = put(scope, "routes", cJSON_CreateArray());
		for (size_t i = n; i < s->n_routes; i++)
			if (is_same(s->routes[i].scope, s->routes[n].scope))
				append(routes, cJSON_CreateString(s->routes[i].name));
	}
	return list;
}

static bool has_number(const cJSON *array, uint16_t n)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
	{
		if (item->valueint == n)
			return true;
	}
	return false;
}

static void put_ports(cJSON *object, const char *name, const struct settings_listeners *l)
{
	cJSON *ports = put(object, name, cJSON_CreateArray());

	for (size_t i = 0; i < l->n; i++) {
		uint16_t port = net_listen_port(&l->items[i]);

		if (port != 0 && !has_number(ports, port))
			append(ports, cJSON_CreateNumber(port));
	}
}

cJSON *route_facts_gateway(const struct settings *s)
{
	cJSON *gateway = cJSON_CreateObject();

	put_ports(gateway, "ports", &s->listen);
	put_ports(gateway, "tls_ports", &s->tls_listen);
	return gateway;
}
