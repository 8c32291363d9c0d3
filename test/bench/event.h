/* The event of an ordinary call, all usual fields in it, for the benches of the
 * journal. */
#ifndef TEST_BENCH_EVENT_H
#define TEST_BENCH_EVENT_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/journal/event.h"

struct bench_event {
	struct usage_event e;
	char request_id[40];
};

static inline void bench_event_init(struct bench_event *b, int64_t token_id)
{
	usage_event_init(&b->e);
	b->e.token_id = token_id;
	memset(b->e.token_hash, 0x5a, sizeof b->e.token_hash);
	b->e.route_path = STR("/api/test");
	b->e.response_status = b->e.upstream_status = 200;
	b->e.response_time_ms = 187;
	b->e.total_ms = 203;
	b->e.ttfb_ms = 188;
	b->e.client_wait_ms = 0;
	b->e.bytes_in = 1873;
	b->e.bytes_out = 20457;
	b->e.ip_address = STR("203.0.113.117");
	b->e.user_agent = STR("OpenAI/Python 1.54.3 (workflow; Linux x86_64)");
	b->e.request_method = STR("POST");
	b->e.outcome = STR(USAGE_OUTCOME_COMPLETE);
	b->e.trace_id = STR("4bf92f3577b34da6a3ce929d0e0e4736");
}

/* The number-th call. 36 characters of request id, as a UUID has. */
static inline void bench_event_set(struct bench_event *b, uint64_t number,
				   int64_t used_at_us)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(b->request_id, "bench-00-0000-7000-8000-", 24);
	for (int i = 35; i >= 24; i--, number >>= 4)
		b->request_id[i] = digits[number & 15];
	b->e.request_id = (struct str){b->request_id, 36};
	b->e.used_at_us = used_at_us;
}

#endif
