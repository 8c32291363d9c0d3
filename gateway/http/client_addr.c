/* The caller's address behind trusted proxies, and whether a request is "local". */
#include "gateway/http/client_addr.h"

/* Fields by which a proxy tells of its client. */
#define FORWARDING_FIELDS                                                                \
	(HTTP_H_BIT(HTTP_H_CF_CONNECTING_IP) | HTTP_H_BIT(HTTP_H_FORWARDED) |            \
	 HTTP_H_BIT(HTTP_H_VIA) | HTTP_H_BIT(HTTP_H_X_FORWARDED) |                       \
	 HTTP_H_BIT(HTTP_H_X_FORWARDED_FOR) | HTTP_H_BIT(HTTP_H_X_REAL_IP))

bool client_peer_is_trusted(const struct net_ip *peer, const struct settings *s)
{
	return peer->family == 0 || net_cidrs_contain(&s->trusted_proxies, peer);
}

/* An address, as some proxies write it: 1.2.3.4:567, [::1] or [::1]:567 too. */
static bool parse_address(struct net_ip *out, struct str text)
{
	const char *end, *colon;

	if (text.n && text.p[0] == '[') {
		end = memchr(text.p, ']', text.n);
		return end != NULL &&
		       net_ip_parse(out,
				    (struct str){text.p + 1, (size_t)(end - text.p) - 1});
	}
	colon = memchr(text.p, ':', text.n);
	if (colon != NULL &&
	    memchr(colon + 1, ':', text.n - (size_t)(colon - text.p) - 1) == NULL)
		text.n = (size_t)(colon - text.p);
	return net_ip_parse(out, text);
}

/* The one field of that id, if it holds an address. */
static bool single_address(const struct request_head *h, enum http_field_id id,
			   struct net_ip *out)
{
	const struct http_field *f = request_head_field(h, id, NULL);
	struct net_ip ip;

	if (f == NULL || !net_ip_parse(&ip, f->value))
		return false;
	*out = ip;
	return true;
}

/* Cuts the last element off a list. False when there is none left. */
static bool take_last(struct str *list, struct str *item)
{
	size_t n = list->n;

	if (n == 0)
		return false;
	while (n && list->p[n - 1] != ',')
		n--;
	*item = str_trim((struct str){list->p + n, list->n - n});
	list->n = n ? n - 1 : 0;
	return true;
}

/* Walks one X-Forwarded-For from the right. True: *known is the answer. */
static bool walk_list(struct str list, const struct settings *s, struct net_ip *known)
{
	struct net_ip ip;
	struct str item;

	while (take_last(&list, &item)) {
		if (item.n == 0)
			continue;
		if (!parse_address(&ip, item))
			return true;
		*known = ip;
		if (!net_cidrs_contain(&s->trusted_proxies, &ip))
			return true;
	}
	return false;
}

struct net_ip client_addr_of(const struct request_head *h, const struct net_ip *peer,
			     const struct settings *s)
{
	struct net_ip known = *peer;

	if (!(h->seen & FORWARDING_FIELDS) || !client_peer_is_trusted(peer, s))
		return known;
	if (s->trust_cf_connecting_ip &&
	    single_address(h, HTTP_H_CF_CONNECTING_IP, &known))
		return known;
	if (s->trust_x_real_ip && single_address(h, HTTP_H_X_REAL_IP, &known))
		return known;
	for (unsigned i = h->n_fields; i-- > 0;)
		if (h->fields[i].id == HTTP_H_X_FORWARDED_FOR &&
		    walk_list(h->fields[i].value, s, &known))
			break;
	return known;
}

/* localhost, or a literal loopback address; any port. */
static bool is_local_host(struct str host)
{
	struct str name = host;
	struct net_ip ip;
	const char *colon;

	if (host.n && host.p[0] != '[') {
		colon = memchr(host.p, ':', host.n);
		name.n = colon ? (size_t)(colon - host.p) : host.n;
	}
	if (str_ieq(name, STR("localhost")))
		return true;
	return parse_address(&ip, name) && net_ip_is_loopback(&ip);
}

bool client_is_local(const struct request_head *h, const struct net_ip *peer)
{
	if (peer->family != 0 && !net_ip_is_loopback(peer))
		return false;
	return !(h->seen & FORWARDING_FIELDS) && is_local_host(h->host);
}
