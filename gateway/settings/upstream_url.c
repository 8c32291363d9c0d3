/* The URL of an upstream: http(s)://host[:port][/path], RFC 3986, and nothing else in
 * it. */
#include "gateway/settings/upstream_url.h"

#include <string.h>

#include "common/net.h"

static bool fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

static bool cut_prefix(struct str *s, const char *prefix)
{
	size_t n = strlen(prefix);

	if (s->n < n || !str_ieq((struct str){s->p, n}, (struct str){prefix, n}))
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

static bool parse_scheme(struct upstream_url *out, struct str *rest, const char **why)
{
	if (cut_prefix(rest, "https://"))
		out->tls = true;
	else if (cut_prefix(rest, "ws://") || cut_prefix(rest, "wss://"))
		return fail(why, "has a WebSocket scheme; write http:// or https://, "
				 "WebSockets pass through these");
	else if (!cut_prefix(rest, "http://"))
		return fail(why, "is no http:// or https:// URL; write it in full, as "
				 "https://api.example/v1");
	out->port = out->tls ? 443 : 80;
	return true;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name that the resolver would read as an address, like 127.1 or 0x7f.1: its last label
 * is a number. */
static bool looks_like_address(struct str host)
{
	size_t i = host.n;

	while (i > 0 && host.p[i - 1] != '.')
		i--;
	return i < host.n && host.p[i] >= '0' && host.p[i] <= '9';
}

static bool is_host_name(struct str host)
{
	size_t label = 0;

	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (c == '.' && label == 0)
			return false;
		if (c != '.' && c != '-' && c != '_' && !is_alnum(c))
			return false;
		if (label == 0 && c == '-')
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label != 0;
}

static bool parse_host(struct upstream_url *out, struct str host, const char **why)
{
	struct net_ip ip;

	if (host.n == 0)
		return fail(why, "has no host; write http://billing.internal:8080/path");
	if (host.n > UPSTREAM_HOST_MAX)
		return fail(why, "has a host longer than 253 bytes; shorten it");
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] >= 0x80)
			return fail(why, "has a host outside ASCII; write its xn-- form");
	if (!net_ip_parse(&ip, host) || ip.family != 4) {
		if (looks_like_address(host))
			return fail(
				why,
				"has a malformed IPv4 address; write four numbers, as "
				"http://127.0.0.1:9001");
		if (!is_host_name(host))
			return fail(
				why,
				"has a malformed host name; write letters, digits and -, "
				"as http://billing.internal:8080");
	}
	for (size_t i = 0; i < host.n; i++)
		out->host[i] =
			(char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] | 0x20
								    : host.p[i]);
	return true;
}

static bool parse_ipv6(struct upstream_url *out, struct str *authority, const char **why)
{
	const char *close = memchr(authority->p, ']', authority->n);
	struct net_ip ip;
	struct str host;

	if (close == NULL)
		return fail(why, "has [ without ]; write http://[::1]:9001");
	host = (struct str){authority->p + 1, (size_t)(close - authority->p) - 1};
	if (memchr(host.p, ':', host.n) == NULL || !net_ip_parse(&ip, host))
		return fail(
			why,
			"has a malformed IPv6 address in [ ]; write http://[::1]:9001, "
			"for instance");
	net_ip_text(&ip, out->host);
	out->ipv6 = ip.family == 6; /* ::ffff:127.0.0.1 is plain 127.0.0.1 */
	authority->n -= host.n + 2;
	authority->p += host.n + 2;
	return true;
}

static bool parse_port(struct upstream_url *out, struct str text, const char **why)
{
	uint64_t port = 0;

	if (!str_to_u64(text, &port) || port == 0 || port > UINT16_MAX)
		return fail(why, "has a malformed port; write 1 to 65535");
	out->port = (uint16_t)port;
	return true;
}

static bool parse_authority(struct upstream_url *out, struct str authority,
			    const char **why)
{
	const char *colon;
	struct str host;

	if (memchr(authority.p, '@', authority.n) != NULL)
		return fail(
			why,
			"holds a user name or password; put credentials into set_headers");
	if (authority.n != 0 && authority.p[0] == '[') {
		if (!parse_ipv6(out, &authority, why))
			return false;
		if (authority.n == 0)
			return true;
		if (authority.p[0] != ':')
			return fail(why, "has text after ]; write http://[::1]:9001");
		return parse_port(out, (struct str){authority.p + 1, authority.n - 1},
				  why);
	}
	colon = memchr(authority.p, ':', authority.n);
	host = (struct str){authority.p,
			    colon ? (size_t)(colon - authority.p) : authority.n};
	if (colon != NULL && memchr(colon + 1, ':', authority.n - host.n - 1) != NULL)
		return fail(why, "has an IPv6 address without brackets; write "
				 "http://[::1]:9001");
	if (!parse_host(out, host, why))
		return false;
	if (colon == NULL)
		return true;
	return parse_port(out, (struct str){colon + 1, authority.n - host.n - 1}, why);
}

/* pchar and "/" of RFC 3986 3.3. */
static bool is_path_char(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("/-._~!$&'()*+,;=:@%", c) != NULL);
}

static bool is_dot_segment(struct str segment)
{
	return str_eq(segment, STR(".")) || str_eq(segment, STR(".."));
}

static bool check_percent(struct str path, size_t at, const char **why)
{
	unsigned char c;

	if (path.n - at < 3 || !hex_decode(&c, 1, (struct str){path.p + at + 1, 2}))
		return fail(why, "has a malformed %-escape in its path; write % and two "
				 "hexadecimal digits, or leave it out");
	if (c <= ' ' || c == '/' || c == '\\' || c == '.' || c == 0x7f)
		return fail(why, "has an escaped slash, dot, backslash, space or control "
				 "in its path; write the path plainly");
	return true;
}

static bool parse_path(struct upstream_url *out, struct str path, const char **why)
{
	size_t start = 1;

	while (path.n != 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n > UPSTREAM_PATH_MAX)
		return fail(why, "has a path longer than 512 bytes; shorten it");
	for (size_t i = 0; i < path.n; i++) {
		if (!is_path_char(path.p[i]))
			return fail(
				why,
				"has a character in its path that a URL cannot hold; leave "
				"it out");
		if (path.p[i] == '%' && !check_percent(path, i, why))
			return false;
	}
	for (size_t i = 1; i <= path.n; i++) {
		struct str segment = {path.p + start, i - start};

		if (i < path.n && path.p[i] != '/')
			continue;
		if (segment.n == 0)
			return fail(
				why,
				"has an empty segment // in its path; write one slash");
		if (is_dot_segment(segment))
			return fail(why, "has a . or .. segment in its path; write the "
					 "path that it leads to");
		start = i + 1;
	}
	if (path.n != 0)
		memcpy(out->path, path.p, path.n);
	return true;
}

bool upstream_url_parse(struct upstream_url *out, struct str text, const char **why)
{
	struct str rest = text;
	size_t n = 0;

	*out = (struct upstream_url){0};
	if (!parse_scheme(out, &rest, why))
		return false;
	if (memchr(rest.p, '?', rest.n) != NULL)
		return fail(why, "holds a query; leave it out, the caller's is sent on");
	if (memchr(rest.p, '#', rest.n) != NULL)
		return fail(why, "holds a fragment; leave it out");
	while (n < rest.n && rest.p[n] != '/')
		n++;
	return parse_authority(out, (struct str){rest.p, n}, why) &&
	       parse_path(out, (struct str){rest.p + n, rest.n - n}, why);
}
