/* The caller's address behind trusted proxies, and whether a request is "local".
 *
 * Pure. The design page's rules: the rightmost untrusted address of X-Forwarded-For, or
 * CF-Connecting-IP / X-Real-IP where configured; only from a trusted peer. */
#ifndef GATEWAY_HTTP_CLIENT_ADDR_H
#define GATEWAY_HTTP_CLIENT_ADDR_H

#include "common/net.h"
#include "gateway/http/request_head.h"
#include "gateway/settings/settings.h"

/* The peer's word about its client counts: it is in trusted_proxies, or came by unix
 * socket, whose file only the proxy on this machine may open. */
bool client_peer_is_trusted(const struct net_ip *peer, const struct settings *s);

/* peer: the socket's. Unreadable lists fall back to what is known so far. */
struct net_ip client_addr_of(const struct request_head *h, const struct net_ip *peer,
			     const struct settings *s);

/* Peer is loopback (or a unix socket), no forwarding field or Via, and Host is localhost
 * or a literal loopback address. */
bool client_is_local(const struct request_head *h, const struct net_ip *peer);

#endif
