/* Addresses to listen on: reading them, and guessing at those that cannot be read. */
#include "common/net_listen.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/net.h"
#include "common/str.h"

static bool listen_unix(struct net_listen *out, const char *path, const char **why)
{
	struct sockaddr_un *un = (struct sockaddr_un *)(void *)&out->sa;
	size_t n = strlen(path);

	if (path[0] != '/') {
		*why = "a unix socket needs an absolute path";
		return false;
	}
	if (n >= sizeof un->sun_path) {
		*why = "a unix socket's path may have 107 bytes at most";
		return false;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, n + 1);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return true;
}

/* Splits host:port at the last colon and takes brackets off. */
static bool listen_split(const char *text, struct str *host, uint16_t *port,
			 const char **why)
{
	const char *colon = strrchr(text, ':');
	uint64_t number = 0;

	if (colon == NULL || !str_to_u64(str_of(colon + 1), &number)) {
		*why = "needs a port from 0 to 65535";
		return false;
	}
	if (number > UINT16_MAX) {
		*why = "needs a port from 0 to 65535";
		return false;
	}
	*port = (uint16_t)number;
	*host = (struct str){text, (size_t)(colon - text)};
	if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']') {
		*host = (struct str){host->p + 1, host->n - 2};
		if (memchr(host->p, ':', host->n) != NULL)
			return true;
		*why = "brackets are for IPv6 addresses";
		return false;
	}
	if (memchr(host->p, ':', host->n) == NULL)
		return true;
	*why = "an IPv6 address needs brackets";
	return false;
}

static bool listen_tcp(struct net_listen *out, const char *text, const char **why)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)&out->sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&out->sa;
	struct net_ip ip = {.family = 6}; /* "*" is :: */
	struct str host = {0};
	uint16_t port = 0;

	if (!listen_split(text, &host, &port, why))
		return false;
	if (!str_eq(host, STR("*")) && !net_ip_parse(&ip, host)) {
		*why = "the host must be a literal address, or * for all; names are not resolved";
		return false;
	}
	if (ip.family == 4) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, ip.bytes, 4);
		out->len = sizeof *in4;
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, ip.bytes, 16);
		out->len = sizeof *in6;
	}
	return true;
}

bool net_parse_listen(struct net_listen *out, const char *text, const char **why)
{
	size_t n = strlen(text);

	*out = (struct net_listen){0};
	if (n >= sizeof out->text) {
		*why = "too long for an address";
		return false;
	}
	memcpy(out->text, text, n + 1);
	if (str_has_prefix(str_of(text), STR("unix:")))
		return listen_unix(out, text + strlen("unix:"), why);
	return listen_tcp(out, text, why);
}

uint16_t net_listen_port(const struct net_listen *l)
{
	if (l->sa.ss_family == AF_INET)
		return ntohs(
			((const struct sockaddr_in *)(const void *)&l->sa)->sin_port);
	if (l->sa.ss_family == AF_INET6)
		return ntohs(
			((const struct sockaddr_in6 *)(const void *)&l->sa)->sin6_port);
	return 0;
}

bool net_listen_is_any_port(const struct net_listen *l)
{
	return l->sa.ss_family != AF_UNIX && net_listen_port(l) == 0;
}

/* --- what was meant --- */

#define SUGGESTED_SOCKET "/run/tollgate/tollgate.sock"

static void suggest_unix(char out[NET_LISTEN_TEXT_MAX], const char *path)
{
	size_t n = strcspn(path, " \t,;");
	struct net_listen l;
	const char *why;

	while (n > 1 && path[0] == '/' && path[1] == '/') {
		path++;
		n--;
	}
	snprintf(out, NET_LISTEN_TEXT_MAX, "unix:%s%.*s", path[0] == '/' ? "" : "/",
		 (int)n, path);
	if (n == 0 || n + 6 >= NET_LISTEN_TEXT_MAX || !net_parse_listen(&l, out, &why))
		snprintf(out, NET_LISTEN_TEXT_MAX, "unix:" SUGGESTED_SOCKET);
}

/* "http://user@host:1/path" -> "host:1"; the first of several. */
static struct str cut_authority(const char *text)
{
	const char *scheme = strstr(text, "://"), *at;
	struct str s;

	if (scheme != NULL)
		text = scheme + 3;
	text += strspn(text, " \t");
	s = (struct str){text, strcspn(text, "/?# \t,;")};
	at = memrchr(s.p, '@', s.n);
	if (at != NULL)
		s = (struct str){at + 1, s.n - (size_t)(at + 1 - s.p)};
	return s;
}

static bool read_port(struct str text, uint16_t *port)
{
	uint64_t v;

	if (!str_to_u64(text, &v) || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	return true;
}

/* Takes a port off the end, unless a bare IPv6 address or nothing is left before it. */
static struct str cut_port(struct str s, uint16_t *port)
{
	const char *colon = memrchr(s.p, ':', s.n);
	struct str before, after;
	struct net_ip ip;

	if (s.n != 0 && s.p[0] == '[') {
		const char *close = memchr(s.p, ']', s.n);

		if (close == NULL || colon == NULL || colon < close)
			return s;
	} else if (colon == NULL) {
		return read_port(s, port) ? (struct str){s.p, 0} : s;
	}
	before = (struct str){s.p, (size_t)(colon - s.p)};
	after = (struct str){colon + 1, s.n - before.n - 1};
	if (memchr(before.p, ':', before.n) != NULL && before.p[0] != '[' &&
	    !net_ip_parse(&ip, before) && net_ip_parse(&ip, s))
		return s;
	read_port(after, port);
	return before;
}

/* The host as a literal address, in the brackets that it needs; false: none. */
static bool literal_host(struct str host, char out[NET_ADDR_TEXT_MAX + 2])
{
	const char *end;
	struct net_ip ip;
	char text[NET_ADDR_TEXT_MAX];

	if (host.n != 0 && host.p[0] == '[') {
		host = (struct str){host.p + 1, host.n - 1};
		end = memchr(host.p, ']', host.n);
		host.n = end != NULL ? (size_t)(end - host.p) : host.n;
	}
	if (!net_ip_parse(&ip, host))
		return false;
	net_ip_text(&ip, text);
	snprintf(out, NET_ADDR_TEXT_MAX + 2, ip.family == 6 ? "[%s]" : "%s", text);
	return true;
}

void net_listen_suggest(char out[NET_LISTEN_TEXT_MAX], const char *text, uint16_t port)
{
	char host_text[NET_ADDR_TEXT_MAX + 2] = "127.0.0.1";
	struct str s, host;

	text += strspn(text, " \t");
	if (strncmp(text, "unix:", 5) == 0 || text[0] == '/') {
		suggest_unix(out, text[0] == '/' ? text : text + 5);
		return;
	}
	s = cut_authority(text);
	host = cut_port(s, &port);
	/* ":8787" is how others write all addresses. */
	if (str_eq(host, STR("*")) || (host.n == 0 && s.n != 0 && s.p[0] == ':'))
		snprintf(host_text, sizeof host_text, "*");
	else
		literal_host(host, host_text);
	snprintf(out, NET_LISTEN_TEXT_MAX, "%s:%u", host_text, (unsigned)port);
}
