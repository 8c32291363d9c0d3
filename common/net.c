/* Addresses: literal ones, CIDR lists. */
#include "common/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"

#define MAPPED_BITS 96 /* of ::ffff:0:0/96, RFC 4291 2.5.5.2 */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static void ip_set_v4(struct net_ip *ip, const void *bytes)
{
	*ip = (struct net_ip){.family = 4};
	memcpy(ip->bytes, bytes, 4);
}

static void ip_set_v6(struct net_ip *ip, const void *bytes)
{
	if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0) {
		ip_set_v4(ip, (const uint8_t *)bytes + sizeof mapped_prefix);
		return;
	}
	*ip = (struct net_ip){.family = 6};
	memcpy(ip->bytes, bytes, 16);
}

bool net_ip_parse(struct net_ip *out, struct str text)
{
	char copy[NET_ADDR_TEXT_MAX];
	uint8_t bytes[16];

	*out = (struct net_ip){0};
	if (text.n == 0 || !str_copy(copy, sizeof copy, text))
		return false;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		ip_set_v4(out, bytes);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		ip_set_v6(out, bytes);
	return out->family != 0;
}

void net_ip_of_sockaddr(struct net_ip *out, const struct sockaddr *sa)
{
	*out = (struct net_ip){0};
	if (sa->sa_family == AF_INET)
		ip_set_v4(out, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	else if (sa->sa_family == AF_INET6)
		ip_set_v6(out,
			  &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

/* Text of addresses by hand: inet_ntop formats each part with sprintf, and every exchange
 * needs such texts. */
static char *put_decimal(char *to, unsigned v)
{
	if (v >= 100)
		*to++ = (char)('0' + v / 100);
	if (v >= 10)
		*to++ = (char)('0' + v / 10 % 10);
	*to++ = (char)('0' + v % 10);
	return to;
}

static char *put_ipv4(char *to, const uint8_t *bytes)
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		to = put_decimal(to, bytes[i]);
	}
	return to;
}

static unsigned group_of(const uint8_t *bytes, unsigned i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

static char *put_group(char *to, unsigned v)
{
	static const char digits[] = "0123456789abcdef";
	unsigned shift = v > 0xfff ? 12 : v > 0xff ? 8 : v > 0xf ? 4 : 0;

	for (;; shift -= 4) {
		*to++ = digits[v >> shift & 15];
		if (shift == 0)
			return to;
	}
}

/* The first of the longest runs of zero groups; n < 2: none (RFC 5952 4.2). */
static unsigned longest_zeros(const uint8_t *bytes, unsigned *n)
{
	unsigned best = 0;

	*n = 1;
	for (unsigned i = 0; i < 8; i++) {
		unsigned end = i;

		while (end < 8 && group_of(bytes, end) == 0)
			end++;
		if (end - i > *n) {
			best = i;
			*n = end - i;
		}
		if (end > i)
			i = end;
	}
	return best;
}

static char *put_ipv6(char *to, const uint8_t *bytes)
{
	unsigned n, zeros = longest_zeros(bytes, &n);

	for (unsigned i = 0; i < 8; i++) {
		if (n > 1 && i == zeros) {
			*to++ = ':';
			i += n - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i)
			*to++ = ':';
		to = put_group(to, group_of(bytes, i));
	}
	return to;
}

void net_ip_text(const struct net_ip *ip, char out[NET_ADDR_TEXT_MAX])
{
	char *end = out;

	if (ip->family == 4)
		end = put_ipv4(out, ip->bytes);
	else if (ip->family == 6)
		end = put_ipv6(out, ip->bytes);
	*end = '\0';
}

bool net_ip_is_loopback(const struct net_ip *ip)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	if (ip->family == 4)
		return ip->bytes[0] == 127;
	return ip->family == 6 && memcmp(ip->bytes, loopback6, 16) == 0;
}

static bool cidr_contains(const struct net_cidr *c, const struct net_ip *ip)
{
	unsigned whole = c->bits / 8u, rest = c->bits % 8u;

	if (c->ip.family != ip->family || memcmp(c->ip.bytes, ip->bytes, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((c->ip.bytes[whole] ^ ip->bytes[whole]) & (0xff00u >> rest) & 0xffu) == 0;
}

bool net_ip_is_private(const struct net_ip *ip)
{
	static const struct net_cidr private_nets[] = {
		{{4, {10}}, 8},          {{4, {172, 16}}, 12},  /* RFC 1918 */
		{{4, {192, 168}}, 16},   {{4, {169, 254}}, 16}, /* RFC 3927 */
		{{4, {100, 64}}, 10},    {{6, {0xfc}}, 7},      /* RFC 6598, RFC 4193 */
		{{6, {0xfe, 0x80}}, 10},
	};

	for (size_t i = 0; i < ARRAY_LEN(private_nets); i++)
		if (cidr_contains(&private_nets[i], ip))
			return true;
	return net_ip_is_loopback(ip);
}

static bool has_host_bits(const struct net_ip *ip, unsigned bits)
{
	unsigned width = ip->family == 4 ? 32 : 128;

	for (unsigned i = bits; i < width; i++)
		if (ip->bytes[i / 8] & (0x80u >> (i % 8)))
			return true;
	return false;
}

bool net_parse_cidr(struct net_cidr *out, struct str text, const char **why)
{
	const char *slash = memchr(text.p, '/', text.n);
	struct str addr = {text.p, slash ? (size_t)(slash - text.p) : text.n};
	bool mapped = false;
	uint64_t bits = 0;

	*out = (struct net_cidr){0};
	if (!net_ip_parse(&out->ip, addr)) {
		*why = "not a literal IPv4 or IPv6 address";
		return false;
	}
	if (out->ip.family == 4)
		mapped = memchr(addr.p, ':', addr.n) != NULL;
	out->bits = out->ip.family == 4 ? 32 : 128;
	if (slash == NULL)
		return true;
	if (!str_to_u64((struct str){slash + 1, text.n - addr.n - 1}, &bits) ||
	    bits > (mapped ? 128u : out->bits) || (mapped && bits < MAPPED_BITS)) {
		*why = "the prefix length after '/' is out of range";
		return false;
	}
	out->bits = (uint8_t)(mapped ? bits - MAPPED_BITS : bits);
	if (has_host_bits(&out->ip, out->bits)) {
		*why = "bits after the prefix are set";
		return false;
	}
	return true;
}

bool net_cidrs_contain(const struct net_cidrs *list, const struct net_ip *ip)
{
	if (ip->family == 0)
		return false;
	for (size_t i = 0; i < list->n; i++)
		if (cidr_contains(&list->items[i], ip))
			return true;
	return false;
}
