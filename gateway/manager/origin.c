/* Hosts and origins of the manager. */
#include "gateway/manager/origin.h"

#include <string.h>

#include "common/check.h"
#include "common/net.h"
#include "gateway/http/request_head.h"

static const struct str https = STR("https://"), http = STR("http://");

/* Splits "name:port", "[address]:port" or one without a port; port is empty then. False:
 * it is none of them. */
static bool split_host(struct str host, struct str *name, struct str *port)
{
	const char *end, *bracket = NULL;

	if (host.n == 0)
		return false;
	if (host.p[0] == '[') {
		bracket = memchr(host.p, ']', host.n);
		if (bracket == NULL)
			return false;
		*name = (struct str){host.p + 1, (size_t)(bracket - host.p - 1)};
		end = bracket + 1;
	} else {
		end = memchr(host.p, ':', host.n);
		if (end == NULL)
			end = host.p + host.n;
		*name = (struct str){host.p, (size_t)(end - host.p)};
	}
	*port = (struct str){end, (size_t)(host.p + host.n - end)};
	if (port->n == 0)
		return true;
	if (port->p[0] != ':')
		return false;
	port->p++;
	port->n--;
	return true;
}

/* One dot behind a name is that name (RFC 1034 3.1), also as browsers send it. */
static struct str without_dot(struct str name)
{
	if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--;
	return name;
}

static bool is_loopback(struct str name)
{
	struct net_ip ip;

	return str_ieq(name, STR("localhost")) ||
	       (net_ip_parse(&ip, name) && net_ip_is_loopback(&ip));
}

/* What stands behind the scheme of public_url: host, and a port that is not its own. */
static struct str public_host(const struct origin_rules *rules)
{
	struct str url = str_of(rules->public_url);
	struct str scheme = str_has_prefix(url, https) ? https : http;

	return (struct str){url.p + scheme.n, url.n - scheme.n};
}

/* The port that a URL of public_url's scheme has without naming one. */
static struct str public_port(const struct origin_rules *rules)
{
	return str_has_prefix(str_of(rules->public_url), https) ? STR("443") : STR("80");
}

static bool is_public(const struct origin_rules *rules, struct str name, struct str port)
{
	struct str own_name, own_port;

	if (rules->public_url == NULL ||
	    !split_host(public_host(rules), &own_name, &own_port) ||
	    !str_ieq(name, own_name))
		return false;
	if (own_port.n == 0)
		own_port = public_port(rules);
	return str_eq(port.n > 0 ? port : public_port(rules), own_port);
}

bool origin_knows_host(const struct origin_rules *rules, struct str host)
{
	struct str name, port;

	if (!split_host(host, &name, &port))
		return false;
	name = without_dot(name);
	if (is_loopback(name) || is_public(rules, name, port))
		return true;
	for (size_t i = 0; i < rules->n_hosts; i++)
		if (str_ieq(name, str_of(rules->hosts[i])))
			return true;
	return false;
}

/* An Origin of public_url; or of the very host that is called, whatever its scheme: a
 * proxy in front may speak TLS. */
static bool is_own(const struct origin_rules *rules, struct str origin, struct str host)
{
	struct str scheme = str_has_prefix(origin, https) ? https : http;

	if (rules->public_url != NULL && str_eq(origin, str_of(rules->public_url)))
		return true;
	if (!str_has_prefix(origin, scheme))
		return false;
	origin.p += scheme.n;
	origin.n -= scheme.n;
	return str_ieq(origin, host);
}

static const struct http_field *find_field(const struct request_head *h, struct str name,
					   unsigned *count)
{
	const struct http_field *found = NULL;

	*count = 0;
	for (unsigned i = 0; i < h->n_fields; i++) {
		if (!str_ieq(h->fields[i].name, name))
			continue;
		found = &h->fields[i];
		++*count;
	}
	return found;
}

enum origin_verdict origin_judge(const struct origin_rules *rules,
				 const struct request_head *h)
{
	unsigned count;
	const struct http_field *f = find_field(h, STR("origin"), &count);

	if (count > 0)
		return count == 1 && is_own(rules, f->value, h->host) ? ORIGIN_OWN
								      : ORIGIN_FOREIGN;
	f = find_field(h, STR("sec-fetch-site"), &count);
	if (count == 0)
		return ORIGIN_UNKNOWN;
	return count == 1 && str_eq(f->value, STR("same-origin")) ? ORIGIN_OWN
								  : ORIGIN_FOREIGN;
}
