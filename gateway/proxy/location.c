/* Location and Content-Location of an answer, so that they lead back to the route. RFC
 * 3986: 3 (parts), 5.2.4 (dot segments), 6.2.2 and 6.2.3 (what is the same). */
#include "gateway/proxy/location.h"

#include "common/check.h"
#include "common/net.h"

enum scheme { SCHEME_NONE, SCHEME_HTTP, SCHEME_HTTPS };

struct reference {
	enum scheme scheme;
	bool has_authority;
	struct str authority;
	struct str path;
	struct str tail; /* query and fragment, with their marks */
};

struct authority {
	struct str host;
	uint64_t port; /* 0: none is named */
};

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Takes what comes before the first of these characters. */
static struct str take_until(struct str *s, const char *set)
{
	struct str taken = {s->p, 0};

	while (taken.n < s->n && !is_one_of(s->p[taken.n], set))
		taken.n++;
	s->p += taken.n;
	s->n -= taken.n;
	return taken;
}

static bool cut_prefix(struct str *s, struct str prefix)
{
	if (s->n < prefix.n || !str_ieq((struct str){s->p, prefix.n}, prefix))
		return false;
	s->p += prefix.n;
	s->n -= prefix.n;
	return true;
}

/* False: neither a path nor http(s) with an authority. */
static bool parse(struct reference *r, struct str s)
{
	if (cut_prefix(&s, STR("http:")))
		r->scheme = SCHEME_HTTP;
	else if (cut_prefix(&s, STR("https:")))
		r->scheme = SCHEME_HTTPS;
	r->has_authority = cut_prefix(&s, STR("//"));
	if (r->has_authority)
		r->authority = take_until(&s, "/?#");
	else if (r->scheme != SCHEME_NONE)
		return false;
	r->path = take_until(&s, "?#");
	r->tail = s;
	if (r->has_authority && r->path.n == 0)
		r->path = STR("/");
	return r->path.n > 0 && r->path.p[0] == '/';
}

/* --- the authority --- */

static bool split_authority(struct authority *out, struct str s)
{
	bool literal = s.n > 0 && s.p[0] == '[';

	*out = (struct authority){0};
	if (s.n == 0 || memchr(s.p, '@', s.n) != NULL)
		return false;
	if (literal)
		s = (struct str){s.p + 1, s.n - 1};
	out->host = take_until(&s, literal ? "]" : ":");
	if (literal && !cut_prefix(&s, STR("]")))
		return false;
	if (s.n == 0 || str_eq(s, STR(":")))
		return out->host.n > 0;
	return out->host.n > 0 && cut_prefix(&s, STR(":")) && str_to_u64(s, &out->port) &&
	       out->port > 0 && out->port <= UINT16_MAX;
}

/* "h." is "h", written with the root (RFC 3986 3.2.2). */
static struct str without_root(struct str host)
{
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

static bool is_same_host(struct str a, struct str b)
{
	struct net_ip x, y;

	if (str_ieq(without_root(a), without_root(b)))
		return true;
	return net_ip_parse(&x, a) && net_ip_parse(&y, b) &&
	       memcmp(&x, &y, sizeof x) == 0;
}

static uint64_t default_port(bool tls)
{
	return tls ? 443 : 80;
}

/* Either says the same port, or both leave it to their scheme: an upstream behind its
 * own TLS proxy does not know that it is https to us. */
static bool is_same_place(const struct authority *a, bool a_tls, struct str host,
			  uint64_t port, bool tls)
{
	uint64_t a_port = a->port ? a->port : default_port(a_tls);

	if (!is_same_host(a->host, host))
		return false;
	return a_port == port ||
	       (a_port == default_port(a_tls) && port == default_port(tls));
}

static bool is_upstream(const struct reference *r, const struct settings_route *route,
			struct str host)
{
	bool tls = r->scheme == SCHEME_NONE ? route->tls : r->scheme == SCHEME_HTTPS;
	struct authority a, sent;

	if (!r->has_authority)
		return true;
	if (!split_authority(&a, r->authority))
		return false;
	for (size_t i = 0; i < route->n_endpoints; i++) {
		const struct settings_endpoint *e = &route->endpoints[i];

		if (is_same_place(&a, tls, str_of(e->host), e->port, route->tls))
			return true;
	}
	return split_authority(&sent, host) &&
	       is_same_place(&a, tls, sent.host,
			     sent.port ? sent.port : default_port(route->tls),
			     route->tls);
}

/* --- the path --- */

/* 1 for ".", 2 for "..", also percent-encoded (as browsers read it); else 0. */
static unsigned dots_of(struct str segment)
{
	unsigned dots = 0;

	while (segment.n > 0 && dots <= 2) {
		if (!cut_prefix(&segment, STR(".")) && !cut_prefix(&segment, STR("%2e")))
			return 0;
		dots++;
	}
	return dots <= 2 ? dots : 0;
}

/* RFC 3986 5.2.4. */
static void remove_dot_segments(struct sbuf *out, struct str path)
{
	while (cut_prefix(&path, STR("/"))) {
		struct str segment = take_until(&path, "/");
		unsigned dots = dots_of(segment);

		if (dots == 2)
			while (out->n > 0 && out->p[--out->n] != '/')
				continue;
		if (dots == 0 || path.n == 0)
			sbuf_lit(out, "/");
		if (dots == 0)
			sbuf_str(out, segment);
	}
}

static bool is_unreserved(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       is_one_of((char)c, "-._~");
}

/* Takes what stands for one byte. A byte that means the same percent-encoded is itself;
 * of others the encoded form is another thing (RFC 3986 2.2), told by 256. */
static unsigned take_char(struct str *s)
{
	unsigned char c = (unsigned char)s->p[0], byte;
	size_t n = 1;
	unsigned value = c;

	if (c == '%' && s->n >= 3 && hex_decode(&byte, 1, (struct str){s->p + 1, 2})) {
		bool same = byte >= 0x80 || is_unreserved(byte);

		value = same ? byte : 256u + byte;
		n = 3;
	}
	s->p += n;
	s->n -= n;
	return value;
}

static bool cut_path(struct str *path, struct str prefix)
{
	while (prefix.n > 0)
		if (path->n == 0 || take_char(path) != take_char(&prefix))
			return false;
	return true;
}

/* Cuts what upstreams are asked for in place of the route's path. */
static bool cut_upstream_path(struct str *path, const struct settings_route *route)
{
	if (!cut_path(path, str_of(route->base_path)))
		return false;
	if (!route->strip_prefix && route->path_len > 1 &&
	    !cut_path(path, (struct str){route->path, route->path_len}))
		return false;
	return path->n == 0 || path->p[0] == '/';
}

static void add_path(struct sbuf *out, const struct settings_route *route,
		     struct str below)
{
	if (route->path_len > 1)
		sbuf_add(out, route->path, route->path_len);
	else if (below.n == 0)
		sbuf_lit(out, "/");
	else if (below.n > 1 && below.p[1] == '/')
		sbuf_lit(out, "/."); /* "//x" would be a host (RFC 3986 4.2) */
	sbuf_str(out, below);
}

/* --- the field --- */

bool location_rewrite(struct sbuf *out, const struct settings_route *route,
		      struct str host, struct str value)
{
	struct reference r = {0};
	struct sbuf plain;
	struct str path;
	bool ours;

	if (!parse(&r, value) || memchr(r.path.p, '\\', r.path.n) != NULL ||
	    memchr(r.path.p, '\t', r.path.n) != NULL || !is_upstream(&r, route, host))
		return false;
	sbuf_init(&plain, r.path.n);
	remove_dot_segments(&plain, r.path);
	CHECK(!plain.overflow);
	path = sbuf_view(&plain);
	ours = cut_upstream_path(&path, route);
	if (ours) {
		add_path(out, route, path);
		sbuf_str(out, r.tail);
	}
	sbuf_fini(&plain);
	return ours;
}
