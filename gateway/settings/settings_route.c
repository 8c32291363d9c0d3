/* Routes: one by one, then against each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

static void route_warn(struct settings_loader *l, const struct jsonc_node *node,
		       const char *text)
{
	faults_warn(&l->faults, node->pos, "%s%s", l->where, text);
}

static void enter_route(struct settings_loader *l, const struct jsonc_node *node,
			size_t index)
{
	const struct jsonc_node *name = jsonc_get(node, "name");

	size_t n = strlen(l->where); /* of an overlay */

	if (name != NULL && name->type == JSONC_STRING && strlen(name->text) <= 64)
		snprintf(l->where + n, sizeof l->where - n, "routes.%s.", name->text);
	else
		snprintf(l->where + n, sizeof l->where - n, "routes[%zu].", index);
}

static void leave_route(struct settings_loader *l)
{
	l->where[0] = '\0';
}

static bool is_private_host(const char *host)
{
	struct net_ip ip;

	if (net_ip_parse(&ip, str_of(host)))
		return net_ip_is_private(&ip);
	return strcmp(host, "localhost") == 0;
}

/* Callers' addresses are nobody's business at a public https upstream. */
static bool forwards_client_info(const struct settings_route *r)
{
	if (!r->tls)
		return true;
	for (size_t i = 0; i < r->n_endpoints; i++)
		if (!is_private_host(r->endpoints[i].host))
			return false;
	return true;
}

/* Is `path` made of whole segments that `prefix` begins (or is)? */
static bool on_segments(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return n != 0 && strncmp(path, prefix, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

static bool doubles_prefix(const struct settings_route *r)
{
	size_t base = strlen(r->base_path);

	if (r->strip_prefix || base == 0 || strcmp(r->path, "/") == 0)
		return false;
	return on_segments(r->path, r->base_path) ||
	       (base >= r->path_len &&
		strcmp(r->base_path + base - r->path_len, r->path) == 0);
}

static const struct jsonc_node *member_or(const struct jsonc_node *node, const char *key)
{
	const struct jsonc_node *m = jsonc_get(node, key);

	return m != NULL ? m : node;
}

static void warn_oddities(struct settings_loader *l, const struct jsonc_node *node,
			  const struct settings_route *r)
{
	if (doubles_prefix(r))
		faults_warn(&l->faults, member_or(node, "upstream")->pos,
			    "%supstream: calls to %s go to %s%s, the prefix twice; drop "
			    "it from the URL, or leave strip_prefix true",
			    l->where, r->path, r->base_path, r->path);
	if (r->ca_file != NULL && !r->tls && !r->upstream_replaced)
		route_warn(
			l, member_or(node, "tls"),
			"tls: has no effect on an http:// upstream; write https:// or remove it");
	if (strcmp(r->path, "/health") == 0 || strcmp(r->path, "/ready") == 0)
		route_warn(l, member_or(node, "path"),
			   "path: /health and /ready are answered by the gateway itself; "
			   "only paths below reach this route");
}

static const char *host_header(const struct settings_route *r)
{
	for (size_t i = 0; i < r->set_headers.n; i++)
		if (strcasecmp(r->set_headers.items[i].name, "Host") == 0)
			return r->set_headers.items[i].value;
	return NULL;
}

static bool is_host_of(const char *header, const struct settings_endpoint *e)
{
	size_t n = strlen(e->host);
	bool bracketed = *header == '[';

	header += bracketed;
	return strncasecmp(header, e->host, n) == 0 &&
	       (header[n] == '\0' || header[n] == (bracketed ? ']' : ':'));
}

/* The certificate is verified against the URL's host, and nothing else. */
static void warn_unverified_host(struct settings_loader *l, const struct jsonc_node *node,
				 const struct settings_route *r)
{
	const char *host = host_header(r);
	struct net_ip ip;

	for (size_t i = 0; i < r->n_endpoints && r->tls && host != NULL; i++)
		if (net_ip_parse(&ip, str_of(r->endpoints[i].host)) &&
		    !is_host_of(host, &r->endpoints[i])) {
			route_warn(l, member_or(node, "upstream"),
				   "upstream: its certificate has to name the address, "
				   "and SNI is not sent, although set_headers says "
				   "another Host; write the name in the URL");
			return;
		}
}

static bool port_listens(const struct settings *s, uint16_t port)
{
	for (size_t i = 0; i < s->listen.n; i++)
		if (net_listen_port(&s->listen.items[i]) == port)
			return true;
	return false;
}

static void warn_loop(struct settings_loader *l, const struct jsonc_node *node,
		      const struct settings_route *r, const struct settings *s)
{
	for (size_t i = 0; i < r->n_endpoints; i++)
		if (settings_route_is_loopback(r) &&
		    port_listens(s, r->endpoints[i].port))
			route_warn(l, member_or(node, "upstream"),
				   "upstream: is the gateway itself, calls would go "
				   "round; give the service's own port");
}

static void replace_upstream(struct settings_loader *l, struct settings_route *r)
{
	const struct settings_options *o = l->options;
	const char *url = NULL;

	if (o->override_upstream != NULL)
		url = o->override_upstream(o->override_ctx, r);
	if (url != NULL)
		settings_route_replace_upstream(r, url);
}

static void read_route(struct settings_loader *l, const struct jsonc_node *node,
		       struct settings_route *r, const struct settings *s)
{
	size_t errors = l->faults.errors;

	settings_check_names(l, node, IN_ROUTE, false);
	settings_read_keys(l, node, IN_ROUTE, r, s);
	settings_check_cors(l, node, r);
	if (l->faults.errors != errors)
		return;
	replace_upstream(l, r);
	if (jsonc_get(node, "forward_client_info") == NULL)
		r->forward_client_info = forwards_client_info(r);
	warn_oddities(l, node, r);
	warn_unverified_host(l, node, r);
	warn_loop(l, node, r, s);
}

static void check_twins(struct settings_loader *l, const struct jsonc_node *node,
			const struct settings *s, size_t i)
{
	const struct settings_route *r = &s->routes[i];

	for (size_t j = 0; j < i; j++) {
		const struct settings_route *o = &s->routes[j];

		if (r->name != NULL && o->name != NULL && strcmp(r->name, o->name) == 0)
			faults_error(&l->faults, member_or(node, "name")->pos,
				     "%sname: another route has this name; rename one",
				     l->where);
		if (r->path != NULL && o->path != NULL && strcmp(r->path, o->path) == 0)
			faults_error(&l->faults, member_or(node, "path")->pos,
				     "%spath: route %s has this path already, so nothing "
				     "reaches this one; change one",
				     l->where, o->name ? o->name : "");
	}
}

void settings_read_routes(struct settings_loader *l, const struct jsonc_node *root,
			  struct settings *s)
{
	const struct jsonc_node *list = jsonc_get(root, "routes"), *node;

	if (list == NULL || list->type != JSONC_ARRAY)
		return; /* reported already */
	if (list->n == 0)
		faults_warn(&l->faults, list->pos,
			    "routes: is empty, every call gets 404; add a route");
	if (list->n > SETTINGS_ROUTES_MAX) {
		faults_error(&l->faults, list->pos,
			     "routes: %zu are more than %d; leave some out", list->n,
			     SETTINGS_ROUTES_MAX);
		return;
	}
	s->routes = xcalloc(list->n, sizeof *s->routes);
	for (node = list->first; node != NULL; node = node->next) {
		struct settings_route *r = &s->routes[s->n_routes];

		r->index = (unsigned)s->n_routes;
		r->cookies_told = xcalloc(1, sizeof *r->cookies_told);
		if (node->type != JSONC_OBJECT) {
			faults_error(
				&l->faults, node->pos,
				"routes[%zu]: must be an object, is %s; write " EXAMPLE_ROUTE,
				s->n_routes, jsonc_type_name(node->type));
		} else {
			enter_route(l, node, s->n_routes);
			read_route(l, node, r, s);
			check_twins(l, node, s, s->n_routes);
			leave_route(l);
		}
		s->n_routes++;
	}
}

void settings_check_route(struct settings_loader *l, const struct jsonc_node *node,
			  size_t index, bool is_new)
{
	struct settings_route scratch = {0};
	char outer[sizeof l->where];

	memcpy(outer, l->where, sizeof outer);
	enter_route(l, node, index);
	settings_check_names(l, node, IN_ROUTE, !is_new);
	if (l->dry)
		settings_read_keys(l, node, IN_ROUTE, &scratch, NULL);
	memcpy(l->where, outer, sizeof outer);
	settings_route_fini(&scratch);
}

void settings_route_fini(struct settings_route *r)
{
	free(r->name);
	free(r->path);
	free((void *)r->cookies_told);
	free(r->replaced_url);
	settings_endpoints_fini(r);
	free(r->ca_file);
	free(r->scope);
	settings_headers_fini(&r->set_headers);
	settings_names_fini(&r->remove_headers);
	settings_headers_fini(&r->response_set);
	settings_names_fini(&r->response_remove);
	settings_names_fini(&r->upgrade_protocols);
	settings_cors_fini(&r->cors);
}
