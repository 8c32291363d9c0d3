/* The one way in which an exchange ends: recorded, answered or cut, freed. */
#ifndef GATEWAY_PROXY_EXCHANGE_END_H
#define GATEWAY_PROXY_EXCHANGE_END_H

#include "gateway/proxy/exchange.h"

/* What becomes of the client's connection. */
enum exchange_client {
	EXCHANGE_KEEP,  /* its next request, unless something speaks against it */
	EXCHANGE_CLOSE, /* closed in order */
	/* The answer broke off, and the client sees that: what it has acknowledged is
	 * what was sent. */
	EXCHANGE_BREAK,
	EXCHANGE_GONE, /* the client has left (on_gone) */
};

struct exchange_end {
	const char *outcome; /* USAGE_OUTCOME_* or an error of RFC 9209 */
	/* The record's error, with the outcome before it; NULL: that is set already. */
	const char *detail;
	enum exchange_client client;
	/* The answer's last bytes. They go out once the exchange is recorded: a client
	 * that has its whole answer has its event. */
	const struct iovec *last;
	int n_last;
};

/* Lets go of the upstream's connection, records, writes what is left, frees x. */
void exchange_end(struct exchange *x, const struct exchange_end *end);

/* How long a client may take for what has come of an answer that ends for a reason of
 * ours; for one that the upstream broke off, timeouts.idle_s from each piece to the
 * next. */
#define EXCHANGE_CUT_MS 5000
#define EXCHANGE_STOP_MS 1000 /* at the end of drain_s */

/* It cannot go on: answers with the problem; where the response has begun, hands out what
 * has come of it and then breaks it off, which may be later. detail: NULL or "" where the
 * problem's title says it all. */
void exchange_fail(struct exchange *x, enum problem_id id, const char *detail);
/* Likewise for a reason of ours, with its outcome (USAGE_OUTCOME_* or an error of RFC
 * 9209) and time for handing out. One that is ending already ends as it would have, but
 * within that time. */
void exchange_cut(struct exchange *x, enum problem_id id, const char *outcome,
		  const char *detail, uint32_t within_ms);
/* It was cut and is still there. */
static inline bool exchange_is_ending(const struct exchange *x)
{
	return x->ending.outcome != NULL;
}
/* Breaks one that is ending off where its time is over. */
void exchange_ending_tick(struct exchange *x, uint64_t now_us);
/* The client has left, in this phase of the exchange. */
void exchange_abort(struct exchange *x, const char *phase);

#endif
