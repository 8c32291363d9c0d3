/* The head of the request to the upstream.
 *
 * Pure. RFC 9110 7.6 (hop-by-hop, Via, Max-Forwards), RFC 9112 7, W3C Trace Context level
 * 1. Order: hop-by-hop fields go first, credentials next, ours are added last, so that a
 * Connection list can never strip what the gateway adds. */
#ifndef GATEWAY_PROXY_FORWARD_REQUEST_H
#define GATEWAY_PROXY_FORWARD_REQUEST_H

#include "gateway/http/request_head.h"
#include "gateway/proxy/exchange_ids.h"
#include "gateway/proxy/key_filter.h"
#include "gateway/settings/settings.h"

struct forward_request {
	const struct request_head *head;
	const struct settings_route *route;
	const struct settings_endpoint *endpoint;
	const struct exchange_ids *ids;
	struct str client_ip; /* as text; empty: unknown */
	struct str peer_ip;   /* the socket's peer, appended to a trusted X-Forwarded-For;
				 * empty: none (unix socket) */
	const struct key_filter *keys; /* of head */
	bool peer_trusted;             /* the socket's peer is one of trusted_proxies */
	bool client_tls; /* the caller's connection (or its trusted X-Forwarded-Proto) */
	bool upgrade;    /* pass Connection: Upgrade and Upgrade on */
};

/* Via names this gateway as if the request went round (RFC 9110 7.6.3): twice, since one
 * gateway may well stand behind another. */
bool forward_is_loop(const struct request_head *head);

/* OPTIONS with Max-Forwards: 0 must not be forwarded; the gateway answers (RFC 9110
 * 7.6.2). */
bool forward_ends_here(const struct request_head *head);

/* Appends the head for the upstream with its empty line. Framing fields are made from
 * head->framing: Content-Length as is, or Transfer-Encoding: chunked. An Expect is never
 * passed on (the gateway answers it itself). */
void forward_request_head(struct sbuf *out, const struct forward_request *f);

#endif
