/* The ids of one exchange: X-Request-Id and traceparent.
 *
 * Pure but for the seed. UUIDv7: RFC 9562 5.7. W3C Trace Context level 1, 3.2. */
#ifndef GATEWAY_PROXY_EXCHANGE_IDS_H
#define GATEWAY_PROXY_EXCHANGE_IDS_H

#include "gateway/http/request_head.h"
#include "gateway/http/request_id.h"

#define REQUEST_ID_MAX 128    /* bytes of a caller's X-Request-Id that is kept */
#define TRACEPARENT_LENGTH 55 /* of version 00 */

struct exchange_ids {
	char request_id[REQUEST_ID_MAX + 1]; /* kept if sane, else a UUIDv7 */
	char traceparent[TRACEPARENT_LENGTH +
			 1]; /* "00-<32>-<16>-<2>", kept if valid, else
						   * started */
	bool trace_kept;     /* then tracestate passes too */
};

/* wall_us: arrival (for the UUIDv7). A request id is sane when there is one, of 1-128
 * characters of [A-Za-z0-9._:/+=@-], that holds no key. */
void exchange_ids_make(struct exchange_ids *ids, const struct request_head *h,
		       int64_t wall_us, struct id_source *src);

/* What holds the caller's key, of whatever shape, is made anew. */
void exchange_ids_hide(struct exchange_ids *ids, struct str key, int64_t wall_us,
		       struct id_source *src);

/* The 32 hex digits of the trace id. */
static inline struct str exchange_trace_id(const struct exchange_ids *ids)
{
	return (struct str){ids->traceparent + 3, 32};
}

#endif
