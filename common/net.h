/* Addresses: literal ones, CIDR lists.
 *
 * Pure: no name is ever resolved here. Any thread. */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/str.h"

#define NET_ADDR_TEXT_MAX 46 /* an address as text with its NUL */

/* A literal IPv4 or IPv6 address (no brackets, no zone). IPv4-mapped IPv6 becomes
 * IPv4. */
struct net_ip {
	uint8_t family; /* 4 or 6; 0: none (unix socket) */
	uint8_t bytes[16];
};

bool net_ip_parse(struct net_ip *out, struct str text);
void net_ip_of_sockaddr(struct net_ip *out, const struct sockaddr *sa);
/* RFC 5952 text; "" for family 0. */
void net_ip_text(const struct net_ip *ip, char out[NET_ADDR_TEXT_MAX]);
bool net_ip_is_loopback(const struct net_ip *ip);
/* Loopback, RFC 1918, RFC 4193, link-local, 100.64/10. */
bool net_ip_is_private(const struct net_ip *ip);

struct net_cidr {
	struct net_ip ip;
	uint8_t bits;
};

struct net_cidrs {
	struct net_cidr *items;
	size_t n;
};

/* "10.0.0.0/8" or a single address. Host bits that are set are an error. */
bool net_parse_cidr(struct net_cidr *out, struct str text, const char **why);
bool net_cidrs_contain(const struct net_cidrs *list, const struct net_ip *ip);

#endif
