/* Environments: overlays that are merged into the tree before it is read.
 *
 * Objects merge, everything else is replaced, routes merge by name. */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

static void merge_routes(struct jsonc_node *base, struct jsonc_node *over);

static bool is_routes(const struct jsonc_node *node)
{
	return strcmp(node->key, "routes") == 0 && node->type == JSONC_ARRAY;
}

/* Moves the members of over into base. top: at the file's top level, where routes are. */
static void merge_objects(struct jsonc_node *base, struct jsonc_node *over, bool top)
{
	struct jsonc_node *m, *old;

	while ((m = over->first) != NULL) {
		jsonc_take(over, m);
		old = jsonc_get(base, m->key);
		if (old != NULL && old->type == JSONC_OBJECT && m->type == JSONC_OBJECT) {
			merge_objects(old, m, false);
			jsonc_free(&m);
		} else if (top && old != NULL && is_routes(old) && is_routes(m)) {
			merge_routes(old, m);
			jsonc_free(&m);
		} else {
			if (old != NULL) {
				jsonc_take(base, old);
				jsonc_free(&old);
			}
			jsonc_append(base, m);
		}
	}
}

static const char *route_name(const struct jsonc_node *route)
{
	const struct jsonc_node *name = jsonc_get(route, "name");

	return name != NULL && name->type == JSONC_STRING ? name->text : NULL;
}

static struct jsonc_node *find_route(const struct jsonc_node *routes, const char *name)
{
	for (struct jsonc_node *r = routes->first; name != NULL && r != NULL; r = r->next)
		if (route_name(r) != NULL && strcmp(route_name(r), name) == 0)
			return r;
	return NULL;
}

static void merge_routes(struct jsonc_node *base, struct jsonc_node *over)
{
	struct jsonc_node *route, *old;

	while ((route = over->first) != NULL) {
		jsonc_take(over, route);
		old = find_route(base, route_name(route));
		if (old != NULL) {
			merge_objects(old, route, false);
			jsonc_free(&route);
		} else {
			jsonc_append(base, route);
		}
	}
}

/* A route that only the overlay has must be whole; else its name is mistyped. */
static void check_new_route(struct settings_loader *l, const struct jsonc_node *route,
			    const struct jsonc_node *base)
{
	const char *name = route_name(route), *names[SETTINGS_ROUTES_MAX], *near;
	struct jsonc_pos pos = jsonc_get(route, "name")->pos;
	size_t n = 0;

	if (jsonc_get(route, "path") != NULL) {
		faults_warn(&l->faults, pos,
			    "%sroutes.%s: exists in this environment only; move it out "
			    "of env if it should be everywhere",
			    l->where, name);
		return;
	}
	for (const struct jsonc_node *r = base->first; r != NULL; r = r->next)
		if (route_name(r) != NULL && n < ARRAY_LEN(names))
			names[n++] = route_name(r);
	near = settings_nearest(name, names, n);
	faults_error(&l->faults, pos,
		     "%sroutes: there is no route \"%s\" to change%s%s%s", l->where, name,
		     near ? "; did you mean " : "; correct the name, or add a path",
		     near ? near : "", near ? "?" : "");
}

static void check_overlay_route(struct settings_loader *l, const struct jsonc_node *route,
				const struct jsonc_node *base, size_t index)
{
	bool is_new;

	if (route->type != JSONC_OBJECT || route_name(route) == NULL) {
		faults_error(&l->faults, route->pos,
			     "%sroutes[%zu]: must be an object with the name of the "
			     "route that it changes; write {\"name\": \"%s\"}",
			     l->where, index,
			     base->first != NULL && route_name(base->first) != NULL
				     ? route_name(base->first)
				     : "test");
		return;
	}
	is_new = find_route(base, route_name(route)) == NULL;
	settings_check_route(l, route, index, is_new);
	if (is_new)
		check_new_route(l, route, base);
}

static void check_overlay(struct settings_loader *l, const struct jsonc_node *overlay,
			  const struct jsonc_node *root)
{
	const struct jsonc_node *routes = jsonc_get(overlay, "routes"),
				*base = jsonc_get(root, "routes");
	struct settings scratch = {0};
	size_t i = 0;

	snprintf(l->where, sizeof l->where, "env.%.60s.", overlay->key);
	settings_check_names(l, overlay, AT_TOP, true);
	if (l->dry)
		settings_read_keys(l, overlay, AT_TOP, &scratch, NULL);
	if (routes != NULL && routes->type == JSONC_ARRAY && base != NULL &&
	    base->type == JSONC_ARRAY)
		for (const struct jsonc_node *r = routes->first; r != NULL; r = r->next)
			check_overlay_route(l, r, base, i++);
	l->where[0] = '\0';
	settings_fini(&scratch);
}

static void report_unknown_env(struct settings_loader *l, const struct jsonc_node *env,
			       struct jsonc_pos pos)
{
	const char *wanted = l->options->env;
	char list[256] = "";
	size_t n = 0;

	for (const struct jsonc_node *e = env ? env->first : NULL; e != NULL;
	     e = e->next) {
		int add = snprintf(list + n, sizeof list - n, "%s%.40s", n ? ", " : "",
				   e->key);

		n += (size_t)add;
		if (n >= sizeof list - 48)
			break;
	}
	faults_error(&l->faults, pos, "env: there is no environment \"%s\"; %s%s", wanted,
		     n ? "the file has " : "add it under env, or leave --env out", list);
}

/* The overlay leaves the tree before it is merged: one that holds an "env" of its own (an
 * error that is reported already) must not replace the object that it stands in. */
static void merge_overlay(struct jsonc_node *root, struct jsonc_node *env,
			  struct jsonc_node *overlay)
{
	struct jsonc_node *nested = jsonc_get(overlay, "env");

	jsonc_take(env, overlay);
	if (nested != NULL) {
		jsonc_take(overlay, nested);
		jsonc_free(&nested);
	}
	merge_objects(root, overlay, true);
	jsonc_free(&overlay);
}

void settings_apply_overlay(struct settings_loader *l, struct jsonc_node *root)
{
	struct jsonc_node *env = jsonc_get(root, "env"), *chosen = NULL;
	const char *wanted = l->options->env;

	if (env != NULL && env->type != JSONC_OBJECT)
		return; /* reported by the key's type */
	for (struct jsonc_node *e = env ? env->first : NULL; e != NULL; e = e->next) {
		bool is_chosen = wanted != NULL && strcmp(e->key, wanted) == 0;

		if (e->type != JSONC_OBJECT) {
			faults_error(&l->faults, e->pos,
				     "env.%.60s: must be an object, is %s; write {}",
				     e->key, jsonc_type_name(e->type));
			continue;
		}
		l->dry = !is_chosen;
		check_overlay(l, e, root);
		l->dry = false;
		if (is_chosen)
			chosen = e;
	}
	if (chosen != NULL)
		merge_overlay(root, env, chosen);
	else if (wanted != NULL && !l->options->env_optional)
		report_unknown_env(l, env, env ? env->pos : root->pos);
}
