/* Addresses to listen on, as the configuration and command lines write them.
 *
 * Pure: no name is ever resolved here. Any thread. */
#ifndef COMMON_NET_LISTEN_H
#define COMMON_NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NET_LISTEN_TEXT_MAX 128

/* 127.0.0.1:8787, [::1]:8787, *:8787 (:: with IPV6_V6ONLY off: both families) or
 * unix:/path; [::]:8787 alone is IPv6 only. */
struct net_listen {
	char text[NET_LISTEN_TEXT_MAX];
	struct sockaddr_storage sa;
	socklen_t len;
};

/* False: *why is a static sentence. Port 0 is allowed. */
bool net_parse_listen(struct net_listen *out, const char *text, const char **why);
/* The port, in the host's byte order; 0 for a unix socket. */
uint16_t net_listen_port(const struct net_listen *l);
/* TCP port 0: the system picks one. */
bool net_listen_is_any_port(const struct net_listen *l);

/* What was probably meant by a text that net_parse_listen refuses: an address that it
 * takes, with this port where the text has none. */
void net_listen_suggest(char out[NET_LISTEN_TEXT_MAX], const char *text, uint16_t port);

#endif
