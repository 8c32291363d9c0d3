/* The heads that the gateway writes: the request to the upstream and the response back.
 *
 * Pure. RFC 9110 7.6 (hop-by-hop, Via, Max-Forwards), RFC 9112 7, W3C Trace Context level 1,
 * Server-Timing. Order: hop-by-hop fields go first, credentials next, ours are added last, so
 * that a Connection list can never strip what the gateway adds. */
#ifndef GATEWAY_PROXY_FORWARD_H
#define GATEWAY_PROXY_FORWARD_H

#include "gateway/http/request_head.h"
#include "gateway/http/response_head.h"
#include "gateway/settings/settings.h"

#define REQUEST_ID_MAX 128 /* bytes of a caller's X-Request-Id that is kept */

/* Ids of one exchange. */
struct exchange_ids {
	char request_id[REQUEST_ID_MAX + 1]; /* kept if sane, else a UUIDv7 */
	char traceparent[56];                /* "00-<32>-<16>-<2>", kept if valid, else started */
	bool trace_kept;                     /* then tracestate passes too */
};

/* Random bytes for ids: a per-thread generator, seeded from OpenSSL; not for keys. */
struct id_source {
	uint64_t state[4];
};
void id_source_init(struct id_source *src);

/* wall_us: arrival (for the UUIDv7). A request id is sane when it is 1-128 characters of
 * [A-Za-z0-9._:/+=@-] and holds no key. */
void exchange_ids_make(struct exchange_ids *ids, const struct request_head *h, int64_t wall_us,
		       struct id_source *src);
/* The 32 hex digits of the trace id. */
static inline struct str exchange_trace_id(const struct exchange_ids *ids)
{
	return (struct str){ids->traceparent + 3, 32};
}

struct forward_request {
	const struct request_head *head;
	const struct settings_route *route;
	const struct settings_endpoint *endpoint;
	const struct exchange_ids *ids;
	struct str client_ip;   /* as text */
	bool bearer_was_key;    /* Authorization held the caller's key: never passed on */
	bool peer_trusted;      /* the socket's peer is one of trusted_proxies */
	bool client_tls;        /* the caller's connection (or its trusted X-Forwarded-Proto) */
	bool upgrade;           /* pass Connection: Upgrade and Upgrade on */
};

/* Via already names this gateway (RFC 9110 7.6.3). */
bool forward_is_loop(const struct request_head *head);

/* Appends the head for the upstream with its empty line. Framing fields are made from
 * head->framing: Content-Length as is, or Transfer-Encoding: chunked. An Expect is never
 * passed on (the gateway answers it itself). */
void forward_request_head(struct sbuf *out, const struct forward_request *f);

struct forward_response {
	const struct response_head *head;
	const struct request_head *request;
	const struct settings_route *route;
	const struct exchange_ids *ids;
	bool close;               /* say Connection: close */
	bool upgrade;             /* 101 that was asked for */
	uint32_t upstream_us;     /* Server-Timing: upstream;dur */
	uint32_t gateway_us;      /* Server-Timing: tollgate;dur, time spent before sending */
};

/* How the body goes to this client, given the upstream's framing and the client's version. */
enum http_framing forward_response_framing(const struct response_head *head,
					   const struct request_head *request);
/* Appends the head for the client with its empty line. */
void forward_response_head(struct sbuf *out, const struct forward_response *f);

#endif
