/* The upstream of a route: its URLs as endpoints. */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"
#include "gateway/settings/upstream_url.h"

static void add_endpoint(struct settings_route *route, const struct upstream_url *url)
{
	struct settings_endpoint *e;
	const char *open = url->ipv6 ? "[" : "", *close = url->ipv6 ? "]" : "";

	route->endpoints =
		xrealloc(route->endpoints, (route->n_endpoints + 1) * sizeof *e);
	e = &route->endpoints[route->n_endpoints++];
	*e = (struct settings_endpoint){.host = xstrdup(url->host), .port = url->port};
	if (url->port == (url->tls ? 443 : 80))
		e->authority = xasprintf("%s%s%s", open, url->host, close);
	else
		e->authority = xasprintf("%s%s%s:%u", open, url->host, close,
					 (unsigned)url->port);
}

static bool is_known_endpoint(const struct settings_route *route,
			      const struct upstream_url *url)
{
	for (size_t i = 0; i < route->n_endpoints; i++)
		if (strcmp(route->endpoints[i].host, url->host) == 0 &&
		    route->endpoints[i].port == url->port)
			return true;
	return false;
}

/* The URL is never quoted: it may hold a password in a place where none belongs. */
static void add_url(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_route *route = slot->base;
	struct upstream_url url;
	struct settings_text t;
	const char *why;

	if (!slot_text(slot, node, 0, &t))
		return;
	if (!upstream_url_parse(&url, str_of(t.text), &why)) {
		slot_error(slot, node, "the URL %s", why);
	} else if (route->n_endpoints == 0) {
		route->tls = url.tls;
		route->base_path = xstrdup(url.path);
		add_endpoint(route, &url);
	} else if (route->tls != url.tls || strcmp(route->base_path, url.path) != 0) {
		slot_error(slot, node,
			   "the URL differs from the first one in scheme or path; make "
			   "them the same, or make it a route of its own");
	} else if (is_known_endpoint(route, &url)) {
		slot_error(slot, node, "%s is listed twice; remove one", url.host);
	} else {
		add_endpoint(route, &url);
	}
	settings_text_fini(&t);
}

void slot_set_upstream(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (node->type != JSONC_ARRAY) {
		if (node->type == JSONC_STRING)
			add_url(slot, node);
		else
			slot_type_error(slot, node, JSONC_STRING,
					"a URL or an array of URLs");
		return;
	}
	if (node->n == 0 || node->n > SETTINGS_ENDPOINTS_MAX) {
		slot_error(slot, node, "has %zu URLs; give 1 to %d, as in [\"%s\"]",
			   node->n, SETTINGS_ENDPOINTS_MAX, slot->key->example);
		return;
	}
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		add_url(slot, c);
}

void settings_endpoints_fini(struct settings_route *route)
{
	for (size_t i = 0; i < route->n_endpoints; i++) {
		free(route->endpoints[i].host);
		free(route->endpoints[i].authority);
	}
	free(route->endpoints);
	free(route->base_path);
	route->endpoints = NULL;
	route->base_path = NULL;
	route->n_endpoints = 0;
}

void settings_route_replace_upstream(struct settings_route *route, const char *text)
{
	struct upstream_url url;
	const char *why;

	CHECK(upstream_url_parse(&url, str_of(text), &why));
	CHECK(route->n_endpoints > 0 && route->replaced_url == NULL);
	route->replaced_url = xasprintf("%s://%s%s", route->tls ? "https" : "http",
					route->endpoints[0].authority, route->base_path);
	settings_endpoints_fini(route);
	route->tls = url.tls;
	route->base_path = xstrdup(url.path);
	add_endpoint(route, &url);
	free(route->ca_file);
	route->ca_file = NULL;
	settings_headers_drop_secrets(&route->set_headers);
	route->upstream_replaced = true;
}

static bool is_loopback_host(const char *host)
{
	struct net_ip ip;

	if (net_ip_parse(&ip, str_of(host)))
		return net_ip_is_loopback(&ip);
	return strcmp(host, "localhost") == 0;
}

bool settings_route_is_loopback(const struct settings_route *route)
{
	for (size_t i = 0; i < route->n_endpoints; i++)
		if (!is_loopback_host(route->endpoints[i].host))
			return false;
	return route->n_endpoints != 0;
}
