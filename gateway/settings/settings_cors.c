/* CORS of routes: origins as browsers send them, and what does not go together. */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings_priv.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* host [ ":" port ], or "[" address "]" [ ":" port ]; no upper-case letters are left. */
static bool is_host_port(const char *s)
{
	size_t n = strspn(s, *s == '[' ? "[" DIGITS "abcdef:." : LOWER DIGITS "-._~");

	if (*s == '[' && s[n++] != ']')
		return false;
	if (n == 0 || (s[n] != '\0' && s[n] != ':'))
		return false;
	return s[n] == '\0' || (strspn(s + n + 1, DIGITS) == strlen(s + n + 1) &&
				strlen(s + n + 1) >= 1 && strlen(s + n + 1) <= 5);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool has_own_port(const char *s)
{
	return (strncmp(s, "http://", 7) == 0 && ends_with(s, ":80")) ||
	       (strncmp(s, "https://", 8) == 0 && ends_with(s, ":443"));
}

/* RFC 6454 6.2, URL standard 4.5. A page in a sandbox sends "null", whoever wrote it. */
const char *settings_origin_fault(const char *s)
{
	const char *colon = strstr(s, "://");
	size_t scheme = strspn(s, LOWER DIGITS "+-.");

	if (strcmp(s, "null") == 0)
		return "is sent by pages of anyone; list real origins";
	if (strlen(s) > SETTINGS_ORIGIN_MAX)
		return "is longer than 300 bytes; shorten it";
	if (strchr(s, '*') != NULL)
		return "holds *; list each origin, or \"*\" alone for all";
	for (const char *p = s; *p != '\0'; p++)
		if (is_upper(*p))
			return "has upper-case letters; browsers send lower case";
	if (colon == NULL || scheme == 0 || s + scheme != colon)
		return "has no scheme; write https://app.example";
	if (strpbrk(colon + 3, "/?#@") != NULL)
		return "holds more than scheme, host and port; write https://app.example";
	if (!is_host_port(colon + 3))
		return "has no valid host; write https://app.example or "
		       "http://localhost:5173";
	return has_own_port(s)
		       ? "names the scheme's own port, which browsers leave out; remove it"
		       : NULL;
}

static bool holds(const struct settings_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

static void add_origin(const struct settings_slot *slot, const struct jsonc_node *item)
{
	struct settings_names *to =
		settings_key_field(slot->key, slot->place, slot->base);
	struct settings_text t;
	const char *why = NULL;

	if (!slot_text(slot, item, 0, &t))
		return;
	if (slot->place == IN_ROUTE && strcmp(t.text, "*") == 0)
		((struct settings_route *)slot->base)->cors.any_origin = true;
	else
		why = settings_origin_fault(t.text);
	if (why == NULL && holds(to, t.text))
		why = "is listed twice; remove one";
	if (why != NULL) {
		slot_error(slot, item, "\"%.60s\" %s", slot_shown(item, &t), why);
	} else {
		to->items = xrealloc(to->items, (to->n + 1) * sizeof(char *));
		to->items[to->n++] = t.text;
		t.text = NULL;
	}
	settings_text_fini(&t);
}

void slot_set_origins(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (!slot_expect(slot, node, JSONC_ARRAY))
		return;
	if (node->n == 0 && slot->place == IN_ROUTE)
		slot_error(
			slot, node,
			"is empty; list origins, or leave cors out to leave CORS to the upstream");
	if (node->n > SETTINGS_LIST_MAX) {
		slot_error(slot, node, "has more than %d elements; leave some out",
			   SETTINGS_LIST_MAX);
		return;
	}
	for (const struct jsonc_node *c = node->first; c != NULL; c = c->next)
		add_origin(slot, c);
}

/* --- what does not go together --- */

static void cors_error(struct settings_loader *l, const struct jsonc_node *node,
		       const char *text)
{
	faults_error(&l->faults, node->pos, "%s%s", l->where, text);
}

static void check_list(struct settings_loader *l, const struct jsonc_node *cors,
		       const char *key, const struct settings_names *names)
{
	size_t bytes = 0;

	for (size_t i = 0; i < names->n; i++)
		bytes += strlen(names->items[i]) + 2;
	if (bytes > SETTINGS_CORS_BYTES)
		faults_error(&l->faults, jsonc_get(cors, key)->pos,
			     "%scors.%s: has more than %d bytes; list fewer", l->where,
			     key, SETTINGS_CORS_BYTES);
}

static void check_methods(struct settings_loader *l, const struct jsonc_node *cors,
			  const struct settings_route *r)
{
	uint32_t beyond = r->methods ? r->cors.methods & ~r->methods : 0;

	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
		if ((beyond & HTTP_METHOD_BIT(m)) != 0)
			faults_error(
				&l->faults, jsonc_get(cors, "methods")->pos,
				"%scors.methods: %s is not among the route's methods; "
				"remove it here or add it there",
				l->where, http_method_name((enum http_method)m));
}

/* A name that cors writes itself, among those that the route sets or removes. */
static bool is_ours(const char *name)
{
	struct str prefix = STR("access-control-");

	return strlen(name) > prefix.n && str_ieq((struct str){name, prefix.n}, prefix);
}

static void check_response_headers(struct settings_loader *l,
				   const struct jsonc_node *route,
				   const struct settings_route *r)
{
	bool twice = false;

	for (size_t i = 0; i < r->response_set.n; i++)
		twice |= is_ours(r->response_set.items[i].name);
	for (size_t i = 0; i < r->response_remove.n; i++)
		twice |= is_ours(r->response_remove.items[i]);
	if (twice)
		cors_error(
			l, jsonc_get(route, "response_headers"),
			"response_headers: Access-Control-* headers are written by cors; "
			"remove them here");
}

void settings_check_cors(struct settings_loader *l, const struct jsonc_node *node,
			 const struct settings_route *r)
{
	const struct jsonc_node *cors = jsonc_get(node, "cors"), *origins, *headers;

	if (cors == NULL || cors->type != JSONC_OBJECT)
		return; /* reported already, if there is something */
	origins = jsonc_get(cors, "origins");
	headers = jsonc_get(cors, "headers");
	if (origins == NULL)
		cors_error(l, cors,
			   "cors.origins: is missing; list the origins whose pages may "
			   "call, or [\"*\"] for all");
	if (r->cors.any_origin && r->cors.origins.n > 1)
		cors_error(l, origins,
			   "cors.origins: \"*\" stands for all; remove it or the others");
	if (r->cors.any_origin && r->cors.credentials)
		cors_error(
			l, jsonc_get(cors, "credentials"),
			"cors.credentials: cannot be true for the pages of anyone; list "
			"the origins instead of \"*\"");
	if (headers != NULL && headers->type == JSONC_ARRAY && headers->n == 0)
		cors_error(l, headers,
			   "cors.headers: is empty, so no page could send a key; list "
			   "headers, or leave the key out for all");
	if (holds(&r->cors.headers, "*"))
		cors_error(
			l, headers,
			"cors.headers: \"*\" does not stand for Authorization; leave the "
			"key out for all");
	if (holds(&r->cors.expose_headers, "*") && r->cors.credentials)
		cors_error(
			l, jsonc_get(cors, "expose_headers"),
			"cors.expose_headers: \"*\" means nothing with credentials; list headers");
	check_list(l, cors, "headers", &r->cors.headers);
	check_list(l, cors, "expose_headers", &r->cors.expose_headers);
	check_methods(l, cors, r);
	check_response_headers(l, node, r);
}

void settings_cors_fini(struct settings_cors *cors)
{
	settings_names_fini(&cors->origins);
	settings_names_fini(&cors->headers);
	settings_names_fini(&cors->expose_headers);
}
