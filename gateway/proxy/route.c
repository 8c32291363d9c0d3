/* Which route a path belongs to: the longest prefix on segment borders.
 *
 * Prefixes are compared with the path as an upstream would read it: percent-encoding
 * undone and runs of slashes made one, so that /api/%61dmin and /api//admin cannot slip
 * past the scope of /api/admin. Where that reading matters for the prefix, the path is
 * refused. */
#include "gateway/proxy/route.h"

#include "common/check.h"
#include "common/http.h"

#define PATH_MAX_BYTES 8192 /* a request line is no longer */

struct route_entry {
	const char *path;
	size_t len; /* 0 for "/" */
	const struct settings_route *route;
};

struct route_table {
	size_t n, longest;
	struct route_entry entries[]; /* sorted by length, then bytes */
};

static int compare(const struct route_entry *a, struct str b)
{
	if (a->len != b.n)
		return a->len < b.n ? -1 : 1;
	return memcmp(a->path, b.p, b.n);
}

static int compare_entries(const void *a, const void *b)
{
	const struct route_entry *other = b;

	return compare(a, (struct str){other->path, other->len});
}

struct route_table *route_table_new(const struct settings *s)
{
	struct route_table *t =
		xcalloc(1, sizeof *t + s->n_routes * sizeof(struct route_entry));

	for (size_t i = 0; i < s->n_routes; i++) {
		const struct settings_route *r = &s->routes[i];
		size_t len = r->path_len == 1 ? 0 : r->path_len;

		CHECK(r->path_len > 0 && r->path[0] == '/');
		t->entries[t->n++] = (struct route_entry){r->path, len, r};
		t->longest = len > t->longest ? len : t->longest;
	}
	qsort(t->entries, t->n, sizeof t->entries[0], compare_entries);
	return t;
}

void route_table_free(struct route_table **t)
{
	free(*t);
	*t = NULL;
}

static const struct settings_route *find_exact(const struct route_table *t,
					       struct str prefix)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int order = compare(&t->entries[mid], prefix);

		if (order == 0)
			return t->entries[mid].route;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* Tries each segment border, from the longest on. */
static const struct settings_route *find_longest(const struct route_table *t,
						 struct str path)
{
	size_t n = path.n < t->longest ? path.n : t->longest;

	for (;; n--) {
		const struct settings_route *r = NULL;

		if (n == path.n || path.p[n] == '/')
			r = find_exact(t, (struct str){path.p, n});
		if (r != NULL || n == 0)
			return r;
	}
}

/* --- the path as an upstream reads it --- */

struct plain_path {
	char bytes[PATH_MAX_BYTES];
	size_t n;
	/* first place where slashes were made one, or an encoded slash is */
	size_t merged_at;
	const char *fault; /* why the path is refused, or NULL */
};

/* Takes one character, decoded; *encoded tells whether it was %XX. */
static unsigned char take_char(struct str *s, bool *encoded)
{
	unsigned char c = (unsigned char)s->p[0], byte;
	size_t n = 1;

	*encoded = false;
	if (c == '%' && s->n >= 3 && hex_decode(&byte, 1, (struct str){s->p + 1, 2})) {
		*encoded = true;
		c = byte;
		n = 3;
	}
	s->p += n;
	s->n -= n;
	return c;
}

static void read_plain(struct plain_path *out, struct str path)
{
	bool encoded;

	out->n = 0;
	out->merged_at = SIZE_MAX;
	out->fault = NULL;
	while (path.n) {
		unsigned char c = take_char(&path, &encoded);
		bool slash = c == '/';

		if (c == '\0')
			out->fault = "the path holds an encoded NUL";
		if (c == '\\')
			out->fault = "the path holds a backslash";
		if (slash && out->merged_at == SIZE_MAX &&
		    (encoded || (out->n && out->bytes[out->n - 1] == '/')))
			out->merged_at = out->n;
		if (!slash || out->n == 0 || out->bytes[out->n - 1] != '/')
			out->bytes[out->n++] = (char)c;
	}
}

/* "." or "..", also with parameters behind ("..;x"), which some servers cut off first. */
static bool is_dot_segment(const char *p, size_t n)
{
	size_t dots = 0;

	while (dots < n && dots < 3 && p[dots] == '.')
		dots++;
	return (dots == 1 || dots == 2) && (dots == n || p[dots] == ';');
}

static bool has_dot_segment(const char *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *slash = memchr(p + at, '/', n - at);
		size_t len = slash ? (size_t)(slash - p) - at : n - at;

		if (is_dot_segment(p + at, len))
			return true;
		at += len + 1;
	}
	return false;
}

/* True where the path's bytes mean just what they say. */
static bool is_plain(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i], next = i + 1 < path.n ? path.p[i + 1] : 'x';

		if (c == '%' || c == '\\' || (c == '/' && (next == '/' || next == '.')))
			return false;
	}
	return true;
}

static enum route_verdict match_decoded(const struct route_table *t, struct str path,
					const struct settings_route **route,
					const char **fault)
{
	struct plain_path plain;

	if (path.n > sizeof plain.bytes) {
		*fault = "the path is too long";
		return ROUTE_BAD_PATH;
	}
	read_plain(&plain, path);
	if (plain.fault == NULL && has_dot_segment(plain.bytes, plain.n))
		plain.fault = "the path has a dot segment";
	if (plain.fault == NULL) {
		*route = find_longest(t, (struct str){plain.bytes, plain.n});
		if (*route == NULL)
			return ROUTE_NONE;
		/* The slash at the prefix's own end belongs to it: it is the border. */
		if (plain.merged_at > (*route)->path_len || (*route)->path_len == 1)
			return ROUTE_FOUND;
		plain.fault = "the path doubles or encodes a slash of its prefix";
	}
	*route = NULL;
	*fault = plain.fault;
	return ROUTE_BAD_PATH;
}

enum route_verdict route_match(const struct route_table *t, struct str path,
			       const struct settings_route **route, const char **detail)
{
	const char *fault = NULL;
	enum route_verdict v;

	*route = NULL;
	if (path.n == 0 || path.p[0] != '/')
		return ROUTE_NONE;
	if (is_plain(path)) {
		*route = find_longest(t, path);
		return *route ? ROUTE_FOUND : ROUTE_NONE;
	}
	v = match_decoded(t, path, route, &fault);
	if (v == ROUTE_BAD_PATH && detail != NULL)
		*detail = fault;
	return v;
}

/* Bytes of the path that make up a prefix of len decoded characters. */
static size_t raw_length(struct str path, size_t len)
{
	struct str rest = path;
	bool encoded;

	if (len <= path.n && memchr(path.p, '%', len) == NULL)
		return len;
	for (size_t i = 0; i < len && rest.n; i++)
		take_char(&rest, &encoded);
	return path.n - rest.n;
}

static void add_encoded(struct sbuf *out, struct str s)
{
	char *to = sbuf_reserve(out, 3 * s.n);

	if (to != NULL)
		out->n += http_encode_high(to, s);
}

void route_upstream_target(struct sbuf *out, const struct settings_route *route,
			   const struct request_head *h)
{
	void (*add)(struct sbuf *, struct str) = h->has_utf8 ? add_encoded : sbuf_str;
	struct str path = h->path;
	size_t before = out->n;
	size_t cut = route->strip_prefix && route->path_len > 1
			     ? raw_length(path, route->path_len)
			     : 0;

	sbuf_str(out, str_of(route->base_path));
	add(out, (struct str){path.p + cut, path.n - cut});
	if (out->n == before)
		sbuf_lit(out, "/");
	if (h->has_query) {
		sbuf_lit(out, "?");
		add(out, h->query);
	}
}
