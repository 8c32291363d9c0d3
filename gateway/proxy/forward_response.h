/* The head of the response to the client.
 *
 * Pure. RFC 9110 7.6 (hop-by-hop), RFC 9112 7, Server-Timing. The upstream's fields come
 * first, ours are added last. */
#ifndef GATEWAY_PROXY_FORWARD_RESPONSE_H
#define GATEWAY_PROXY_FORWARD_RESPONSE_H

#include "gateway/http/request_head.h"
#include "gateway/http/response_head.h"
#include "gateway/proxy/exchange_ids.h"
#include "gateway/settings/settings.h"

struct forward_response {
	const struct response_head *head;
	const struct request_head *request;
	const struct settings_route *route;
	const struct exchange_ids *ids;
	bool close;           /* say Connection: close */
	bool upgrade;         /* 101 that was asked for */
	uint32_t upstream_us; /* Server-Timing: upstream;dur */
	uint32_t gateway_us;  /* Server-Timing: tollgate;dur, time spent before sending */
	int64_t wall_us;      /* for Date where the upstream sent none; 0: now */
};

/* How the body goes to this client, given the upstream's framing and the client's
 * version. */
enum http_framing forward_response_framing(const struct response_head *head,
					   const struct request_head *request);
/* Appends the head for the client with its empty line. An interim response (1xx) gets the
 * upstream's fields only. */
void forward_response_head(struct sbuf *out, const struct forward_response *f);

#endif
