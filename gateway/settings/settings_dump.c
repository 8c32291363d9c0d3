/* The effective configuration as text, secrets as ***; and what a change of it takes. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/settings/settings_keys.h"
#include "gateway/settings/settings.h"

#define VALUE_MAX (1u << 20) /* bytes of one key's value as JSON */

struct dump_place {
	enum settings_place place;
	const void *base;
	unsigned depth;
	bool compared; /* not to be read: secrets as their digests, to tell them apart */
};

static void put_indent(struct sbuf *out, unsigned depth)
{
	sbuf_lit(out, "\n");
	while (depth--)
		sbuf_lit(out, "  ");
}

static void put_string(struct sbuf *out, const char *s)
{
	sbuf_lit(out, "\"");
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			sbuf_printf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			sbuf_printf(out, "\\u%04x", c);
		else if (c == '$' && s[1] == '{')
			sbuf_lit(out, "$$"); /* so that reading it gives the same */
		else
			sbuf_add(out, s, 1);
	}
	sbuf_lit(out, "\"");
}

static void put_or_null(struct sbuf *out, const char *s)
{
	if (s != NULL)
		put_string(out, s);
	else
		sbuf_lit(out, "null");
}

static void put_bool(struct sbuf *out, bool on)
{
	sbuf_str(out, on ? STR("true") : STR("false"));
}

static void put_seconds(struct sbuf *out, uint32_t ms)
{
	sbuf_u64(out, ms / 1000);
	if (ms % 1000 == 0)
		return;
	sbuf_printf(out, ".%03u", ms % 1000);
	while (out->n != 0 && out->p[out->n - 1] == '0')
		out->n--;
}

static void put_price(struct sbuf *out, uint64_t micro)
{
	sbuf_u64(out, micro / 1000000);
	if (micro % 1000000 == 0)
		return;
	sbuf_printf(out, ".%06u", (unsigned)(micro % 1000000));
	while (out->p[out->n - 1] == '0')
		out->n--;
}

static void put_listeners(struct sbuf *out, const struct settings_listeners *l)
{
	sbuf_lit(out, "[");
	for (size_t i = 0; i < l->n; i++) {
		sbuf_str(out, i ? STR(", ") : STR(""));
		put_string(out, l->items[i].text);
	}
	sbuf_lit(out, "]");
}

static void put_cidrs(struct sbuf *out, const struct net_cidrs *l)
{
	char text[NET_ADDR_TEXT_MAX];

	sbuf_lit(out, "[");
	for (size_t i = 0; i < l->n; i++) {
		net_ip_text(&l->items[i].ip, text);
		sbuf_printf(out, "%s\"%s/%u\"", i ? ", " : "", text,
			    (unsigned)l->items[i].bits);
	}
	sbuf_lit(out, "]");
}

static void put_upstream(struct sbuf *out, const struct settings_route *r)
{
	sbuf_str(out, r->n_endpoints > 1 ? STR("[") : STR(""));
	for (size_t i = 0; i < r->n_endpoints; i++)
		sbuf_printf(out, "%s\"%s://%s%s\"", i ? ", " : "",
			    r->tls ? "https" : "http", r->endpoints[i].authority,
			    r->base_path);
	sbuf_str(out, r->n_endpoints > 1 ? STR("]") : STR(""));
}

static void put_methods(struct sbuf *out, uint32_t mask)
{
	const char *comma = "";

	sbuf_lit(out, "[");
	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
		if ((mask & HTTP_METHOD_BIT(m)) == 0)
			continue;
		sbuf_printf(out, "%s\"%s\"", comma,
			    http_method_name((enum http_method)m));
		comma = ", ";
	}
	sbuf_lit(out, "]");
}

static void put_credentials(struct sbuf *out, uint64_t mask)
{
	static const char *const names[] = {SETTINGS_CREDENTIAL_NAMES};
	const char *comma = "";

	if (mask == 0 || mask == SETTINGS_CREDENTIALS) {
		put_bool(out, mask != 0);
		return;
	}
	sbuf_lit(out, "[");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((mask & HTTP_H_BIT(http_field_id(str_of(names[i])))) == 0)
			continue;
		sbuf_printf(out, "%s\"%s\"", comma, names[i]);
		comma = ", ";
	}
	sbuf_lit(out, "]");
}

static void put_secret(struct sbuf *out, const char *secret, bool compared)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	if (!compared || secret == NULL) {
		put_string(out, "***");
		return;
	}
	SHA256((const unsigned char *)secret, strlen(secret), digest);
	hex_encode(hex, digest, sizeof digest);
	put_string(out, hex);
}

static void put_headers(struct sbuf *out, const struct settings_headers *h, bool compared)
{
	sbuf_lit(out, "{");
	for (size_t i = 0; i < h->n; i++) {
		sbuf_str(out, i ? STR(", ") : STR(""));
		put_string(out, h->items[i].name);
		sbuf_lit(out, ": ");
		if (h->items[i].secret)
			put_secret(out, h->items[i].value, compared);
		else
			put_string(out, h->items[i].value);
	}
	sbuf_lit(out, "}");
}

static void put_names(struct sbuf *out, const struct settings_names *names)
{
	sbuf_lit(out, "[");
	for (size_t i = 0; i < names->n; i++) {
		sbuf_str(out, i ? STR(", ") : STR(""));
		put_string(out, names->items[i]);
	}
	sbuf_lit(out, "]");
}

static void put_database(struct sbuf *out, const char *database)
{
	struct sbuf text;

	if (database == NULL) {
		sbuf_lit(out, "null");
		return;
	}
	sbuf_init(&text, VALUE_MAX);
	settings_redact_database(database, &text);
	put_string(out, sbuf_text(&text));
	sbuf_fini(&text);
}

static void put_object(struct sbuf *out, const struct dump_place *p);

/* n structs of `size` bytes, as objects of that place within outer. */
static void put_objects(struct sbuf *out, enum settings_place place,
			const struct dump_place *outer, const void *items, size_t n,
			size_t size)
{
	unsigned depth = outer->depth + 1;

	sbuf_lit(out, "[");
	for (size_t i = 0; i < n; i++) {
		struct dump_place p = {place, (const char *)items + i * size, depth + 1,
				       outer->compared};

		sbuf_str(out, i ? STR(",") : STR(""));
		put_indent(out, depth + 1);
		put_object(out, &p);
	}
	if (n > 0 || place == IN_ROUTE)
		put_indent(out, depth);
	sbuf_lit(out, "]");
}

static void put_list(struct sbuf *out, const struct settings_key *k,
		     const struct dump_place *p)
{
	const struct settings *s = p->base;

	if (k->type == KEY_PROVIDERS)
		put_objects(out, IN_PROVIDER, p, s->sign_in.providers,
			    s->sign_in.n_providers, sizeof *s->sign_in.providers);
	else if (k->type == KEY_ISSUERS)
		put_objects(out, IN_ISSUER, p, s->sign_in.issuers, s->sign_in.n_issuers,
			    sizeof *s->sign_in.issuers);
	else if (k->type == KEY_RULES)
		put_objects(out, IN_RULE, p, s->sign_in.rules, s->sign_in.n_rules,
			    sizeof *s->sign_in.rules);
	else if (k->type == KEY_ROUTES)
		put_objects(out, IN_ROUTE, p, s->routes, s->n_routes, sizeof *s->routes);
}

/* A value that is an enum, or a mask of algorithms. */
static void put_words(struct sbuf *out, enum settings_key_type type, uint32_t value)
{
	static const char *const aborts[] = {"cancel", "drain"};
	static const char *const kinds[] = {"", "oidc", "clerk"};
	static const char *const roles[] = {"", "viewer", "manager", "admin"};
	static const char *const algorithms[] = {"", "[\"RS256\"]", "[\"ES256\"]",
						 "[\"RS256\", \"ES256\"]"};

	static const char *const auths[] = {"", "client_secret_basic",
					    "client_secret_post"};

	if (type == KEY_CLIENT_AUTH)
		put_string(out, auths[value]);
	else if (type == KEY_ALGORITHMS)
		sbuf_str(out, str_of(algorithms[value]));
	else if (type == KEY_ON_ABORT)
		put_string(out, aborts[value]);
	else
		put_string(out, type == KEY_ROLE ? roles[value] : kinds[value]);
}

static void put_number(struct sbuf *out, enum settings_key_type type, const void *f)
{
	sbuf_u64(out, type == KEY_U64 ? *(const uint64_t *)f : *(const uint32_t *)f);
}

/* A value that is a list. */
static void put_values(struct sbuf *out, enum settings_key_type type, const void *f,
		       bool compared)
{
	if (type == KEY_LISTENERS)
		put_listeners(out, f);
	else if (type == KEY_CIDRS)
		put_cidrs(out, f);
	else if (type == KEY_METHODS)
		put_methods(out, *(const uint32_t *)f);
	else if (type == KEY_CREDENTIALS)
		put_credentials(out, *(const uint64_t *)f);
	else if (type == KEY_REQUEST_HEADERS || type == KEY_RESPONSE_HEADERS)
		put_headers(out, f, compared);
	else
		put_names(out, f);
}

static void put_value(struct sbuf *out, const struct settings_key *k,
		      const struct dump_place *p)
{
	const void *f = (const char *)p->base + (p->place == AT_TOP ? k->top : k->inner);

	switch (k->type) {
	case KEY_U32:
	case KEY_WORKERS:
	case KEY_U64:
		put_number(out, k->type, f);
		break;
	case KEY_SECONDS:
		put_seconds(out, *(const uint32_t *)f);
		break;
	case KEY_BOOL:
		put_bool(out, *(const bool *)f);
		break;
	case KEY_MODE:
		sbuf_printf(out, "\"%04o\"", *(const uint32_t *)f);
		break;
	case KEY_NAME:
	case KEY_GROUP:
	case KEY_PATH:
	case KEY_FILE:
	case KEY_PRIVATE_KEY:
	case KEY_DIRECTORY:
	case KEY_OWN_ORIGIN:
	case KEY_TEXT:
	case KEY_KEYS_URL:
	case KEY_KEYS_FILE:
		put_or_null(out, *(char *const *)f);
		break;
	case KEY_DATABASE:
		put_database(out, *(char *const *)f);
		break;
	case KEY_PRICE:
		put_price(out, *(const uint64_t *)f);
		break;
	case KEY_SECRET:
	case KEY_CLIENT_SECRET:
		put_secret(out, *(char *const *)f, p->compared);
		break;
	case KEY_UPSTREAM:
		put_upstream(out, p->base);
		break;
	case KEY_LISTENERS:
	case KEY_CIDRS:
	case KEY_METHODS:
	case KEY_CREDENTIALS:
	case KEY_REQUEST_HEADERS:
	case KEY_RESPONSE_HEADERS:
	case KEY_HEADER_NAMES:
	case KEY_PROTOCOLS:
	case KEY_ORIGINS:
	case KEY_HOSTS:
	case KEY_TEXTS:
		put_values(out, k->type, f, p->compared);
		break;
	case KEY_ON_ABORT:
	case KEY_ISSUER_KIND:
	case KEY_ROLE:
	case KEY_CLIENT_AUTH:
	case KEY_ALGORITHMS:
		put_words(out, k->type, *(const uint32_t *)f);
		break;
	case KEY_ISSUERS:
	case KEY_PROVIDERS:
	case KEY_RULES:
	case KEY_ROUTES:
	case KEY_ENVS:
	case KEY_TYPE_COUNT:
		put_list(out, k, p);
	}
}

/* Optional values that are not there have no text that could be read back. */
static bool is_absent(const struct settings_key *k, const struct dump_place *p)
{
	const char *f = (const char *)p->base + (p->place == AT_TOP ? k->top : k->inner);

	if (k->type == KEY_ENVS)
		return true;
	if ((k->flags & KEY_CORS) != 0 &&
	    ((const struct settings_route *)p->base)->cors.origins.n == 0)
		return true;
	if (k->type == KEY_CREDENTIALS)
		return false;
	if (k->type == KEY_METHODS || k->type == KEY_ROLE)
		return *(const uint32_t *)(const void *)f == 0;
	return (k->flags & KEY_OPTIONAL) != 0 && k->type != KEY_BOOL &&
	       *(char *const *)(const void *)f == NULL;
}

/* The group that a key stands in: "usage.ingest" of "usage.ingest.allow", "" at the
 * top. */
static struct str group_of(struct str name)
{
	while (name.n && name.p[name.n - 1] != '.')
		name.n--;
	name.n -= name.n != 0;
	return name;
}

static bool is_within(struct str group, struct str outer)
{
	return outer.n == 0 || (str_has_prefix(group, outer) &&
				(group.n == outer.n || group.p[outer.n] == '.'));
}

/* Opens the groups that lead from *open to group. */
static void open_groups(struct sbuf *out, struct str *open, struct str group)
{
	while (open->n < group.n) {
		size_t from = open->n ? open->n + 1 : 0, to = from;

		while (to < group.n && group.p[to] != '.')
			to++;
		sbuf_printf(out, "\"%.*s\": { ", (int)(to - from), group.p + from);
		*open = (struct str){group.p, to};
	}
}

static void put_key(struct sbuf *out, const struct settings_key *k,
		    const struct dump_place *p)
{
	const char *dot = strrchr(k->name, '.');

	put_string(out, dot ? dot + 1 : k->name);
	sbuf_lit(out, ": ");
	put_value(out, k, p);
}

/* Keys of a group stand together in the table, so a group is open until the next name. */
static void put_object(struct sbuf *out, const struct dump_place *p)
{
	struct str open = {"", 0};
	bool first = true;
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	sbuf_lit(out, "{");
	for (size_t i = 0; i < n; i++) {
		struct str group = group_of(str_of(keys[i].name));

		if ((keys[i].place & p->place) == 0 || is_absent(&keys[i], p))
			continue;
		for (; !is_within(group, open); open = group_of(open))
			sbuf_lit(out, " }");
		sbuf_str(out, first ? STR("") : STR(","));
		if (open.n != 0)
			sbuf_lit(out, " ");
		else
			put_indent(out, p->depth + 1);
		open_groups(out, &open, group);
		put_key(out, &keys[i], p);
		first = false;
	}
	for (; open.n != 0; open = group_of(open))
		sbuf_lit(out, " }");
	put_indent(out, p->depth);
	sbuf_lit(out, "}");
}

void settings_dump(const struct settings *s, struct sbuf *out)
{
	struct dump_place top = {AT_TOP, s, 0, false};

	put_object(out, &top);
	sbuf_lit(out, "\n");
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* As optional values that are not there have no text, theirs is empty. */
static void put_compared(struct sbuf *out, const struct settings_key *k,
			 const struct dump_place *p)
{
	if (k->type == KEY_SECRET || !is_absent(k, p))
		put_value(out, k, p);
}

static bool same_value(const struct settings_key *k, enum settings_place place,
		       const void *a, const void *b)
{
	struct dump_place pa = {place, a, 0, true}, pb = {place, b, 0, true};
	struct sbuf ta, tb;
	bool same;

	if (k->type == KEY_DATABASE) /* its text hides the password */
		return same_text(((const struct settings *)a)->database,
				 ((const struct settings *)b)->database);
	sbuf_init(&ta, VALUE_MAX);
	sbuf_init(&tb, VALUE_MAX);
	put_compared(&ta, k, &pa);
	put_compared(&tb, k, &pb);
	same = str_eq(sbuf_view(&ta), sbuf_view(&tb));
	sbuf_fini(&ta);
	sbuf_fini(&tb);
	return same;
}

void settings_restart_keys(const struct settings *now, const struct settings *next,
			   struct sbuf *names)
{
	const char *comma = "";
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	for (size_t i = 0; i < n; i++) {
		if ((keys[i].flags & KEY_RESTART) == 0 ||
		    same_value(&keys[i], AT_TOP, now, next))
			continue;
		sbuf_printf(names, "%s%s", comma, keys[i].name);
		comma = ", ";
	}
}

static const struct settings_route *route_named(const struct settings *s,
						const char *name)
{
	for (size_t i = 0; i < s->n_routes; i++)
		if (strcmp(s->routes[i].name, name) == 0)
			return &s->routes[i];
	return NULL;
}

/* Separated by "; " from what is there. */
static void begin_change(struct sbuf *out)
{
	sbuf_str(out, out->n > 0 ? STR("; ") : STR(""));
}

static void put_top_changes(const struct settings *now, const struct settings *next,
			    struct sbuf *out)
{
	const char *comma = NULL;
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	for (size_t i = 0; i < n; i++) {
		if ((keys[i].place & AT_TOP) == 0 || (keys[i].flags & KEY_RESTART) != 0 ||
		    keys[i].type == KEY_ROUTES || keys[i].type == KEY_ENVS ||
		    same_value(&keys[i], AT_TOP, now, next))
			continue;
		if (comma == NULL)
			begin_change(out);
		sbuf_printf(out, "%s%s", comma ? comma : "", keys[i].name);
		comma = ", ";
	}
}

/* What a route has from the top is told of there. */
static void put_route_changes(const struct settings *now, const struct settings *next,
			      const struct settings_route *a,
			      const struct settings_route *b, struct sbuf *out)
{
	const char *comma = NULL;
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	for (size_t i = 0; i < n; i++) {
		if ((keys[i].place & IN_ROUTE) == 0 ||
		    same_value(&keys[i], IN_ROUTE, a, b) ||
		    (keys[i].place == AT_BOTH &&
		     !same_value(&keys[i], AT_TOP, now, next)))
			continue;
		if (comma == NULL) {
			begin_change(out);
			sbuf_printf(out, "route %s: ", b->name);
		}
		sbuf_printf(out, "%s%s", comma ? comma : "", keys[i].name);
		comma = ", ";
	}
}

void settings_changes(const struct settings *now, const struct settings *next,
		      struct sbuf *out)
{
	put_top_changes(now, next, out);
	for (size_t i = 0; i < next->n_routes; i++) {
		const struct settings_route *b = &next->routes[i];
		const struct settings_route *a = route_named(now, b->name);

		if (a != NULL) {
			put_route_changes(now, next, a, b, out);
			continue;
		}
		begin_change(out);
		sbuf_printf(out, "route %s added", b->name);
	}
	for (size_t i = 0; i < now->n_routes; i++) {
		if (route_named(next, now->routes[i].name) != NULL)
			continue;
		begin_change(out);
		sbuf_printf(out, "route %s removed", now->routes[i].name);
	}
}
