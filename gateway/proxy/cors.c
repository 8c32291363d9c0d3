/* CORS: what preflights are answered, and which fields answers carry for browsers. */
#include "gateway/proxy/cors.h"

static const char prefix[] = "Access-Control-";

/* The only field of that name; empty if there is none or more than one. */
static struct str single_field(const struct request_head *h, struct str name)
{
	struct str found = {NULL, 0};
	unsigned n = 0;

	for (unsigned i = 0; i < h->n_fields; i++) {
		if (!str_ieq(h->fields[i].name, name))
			continue;
		found = h->fields[i].value;
		n++;
	}
	return n == 1 ? found : (struct str){NULL, 0};
}

static struct str origin_of(const struct request_head *h)
{
	const struct http_field *f = request_head_field(h, HTTP_H_ORIGIN, NULL);

	return f != NULL ? f->value : (struct str){NULL, 0};
}

bool cors_is_preflight(const struct request_head *h)
{
	return h->method == HTTP_OPTIONS && origin_of(h).n != 0 &&
	       http_is_token(single_field(h, STR("Access-Control-Request-Method")));
}

bool cors_replaces(struct str name)
{
	size_t n = sizeof prefix - 1;

	return name.n > n && str_ieq((struct str){name.p, n}, (struct str){prefix, n});
}

static bool is_allowed(const struct settings_cors *cors, struct str origin)
{
	for (size_t i = 0; i < cors->origins.n; i++)
		if (str_eq(origin, str_of(cors->origins.items[i])))
			return true;
	return false;
}

/* Any origin is told without asking, so that a cached answer is good for all. Where it
 * depends on Origin, caches must know, also when there is none. False: the page may not
 * read this. */
static bool add_origin(struct sbuf *out, const struct settings_cors *cors,
		       const struct request_head *h)
{
	struct str origin = origin_of(h);

	if (cors->any_origin) {
		sbuf_lit(out, "Access-Control-Allow-Origin: *\r\n");
		return true;
	}
	sbuf_lit(out, "Vary: Origin\r\n");
	if (!is_allowed(cors, origin))
		return false;
	sbuf_lit(out, "Access-Control-Allow-Origin: ");
	sbuf_str(out, origin);
	sbuf_lit(out, "\r\n");
	if (cors->credentials)
		sbuf_lit(out, "Access-Control-Allow-Credentials: true\r\n");
	return true;
}

static void add_names(struct sbuf *out, struct str field,
		      const struct settings_names *names)
{
	sbuf_str(out, field);
	for (size_t i = 0; i < names->n; i++) {
		sbuf_str(out, i ? STR(", ") : STR(": "));
		sbuf_str(out, str_of(names->items[i]));
	}
	sbuf_lit(out, "\r\n");
}

void cors_add_fields(struct sbuf *out, const struct settings_route *r,
		     const struct request_head *h)
{
	if (!cors_enabled(r) || !add_origin(out, &r->cors, h))
		return;
	if (r->cors.expose_headers.n)
		add_names(out, STR("Access-Control-Expose-Headers"),
			  &r->cors.expose_headers);
}

/* --- preflights --- */

static void add_methods(struct sbuf *out, uint32_t mask)
{
	const char *separator = "Access-Control-Allow-Methods: ";

	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
		if ((mask & HTTP_METHOD_BIT(m)) == 0)
			continue;
		sbuf_str(out, str_of(separator));
		sbuf_str(out, str_of(http_method_name((enum http_method)m)));
		separator = ", ";
	}
	sbuf_lit(out, "\r\n");
}

/* "*" would not stand for Authorization, nor for anything with credentials: what is asked
 * for is named, if it is a list of names of a sane size. */
static void add_asked_headers(struct sbuf *out, const struct request_head *h)
{
	struct str asked = single_field(h, STR("Access-Control-Request-Headers"));
	struct str list = asked, name;
	const char *separator = "Access-Control-Allow-Headers: ";

	if (asked.n > SETTINGS_CORS_BYTES)
		return;
	while (str_list_next(&list, &name))
		if (!http_is_token(name))
			return;
	list = asked;
	while (str_list_next(&list, &name)) {
		sbuf_str(out, str_of(separator));
		sbuf_str(out, name);
		separator = ", ";
	}
	if (separator[0] == ',')
		sbuf_lit(out, "\r\n");
}

void cors_add_preflight(struct sbuf *out, const struct settings_route *r,
			const struct request_head *h)
{
	const struct settings_cors *cors = &r->cors;

	if (!cors_enabled(r) || !add_origin(out, cors, h))
		return;
	add_methods(out, cors->methods ? cors->methods : r->methods);
	if (cors->headers.n)
		add_names(out, STR("Access-Control-Allow-Headers"), &cors->headers);
	else
		add_asked_headers(out, h);
	sbuf_lit(out, "Access-Control-Max-Age: ");
	sbuf_u64(out, cors->max_age_ms / 1000);
	sbuf_lit(out, "\r\n");
}
