/* An exchange as a usage event and as a line of the access log. */
#ifndef GATEWAY_PROXY_EXCHANGE_RECORD_H
#define GATEWAY_PROXY_EXCHANGE_RECORD_H

#include "gateway/proxy/exchange.h"

/* Once, at its end, while it still has the client's connection. outcome: USAGE_OUTCOME_*
 * or an error of RFC 9209. A stranger's is counted only. */
void exchange_record(struct exchange *x, const char *outcome, uint64_t now_us);
/* A request that the gate refused, before there was an exchange; bytes_out: of the
 * answer's body. */
void exchange_record_refusal(struct exchange_env *env, const struct http_conn *c,
			     enum problem_id id, size_t bytes_out);

#endif
