/* The one way in which an exchange ends: recorded, answered or cut, freed. */
#ifndef GATEWAY_PROXY_EXCHANGE_END_H
#define GATEWAY_PROXY_EXCHANGE_END_H

#include "gateway/proxy/exchange.h"

/* What becomes of the client's connection. */
enum exchange_client {
	EXCHANGE_KEEP,  /* its next request, unless something speaks against it */
	EXCHANGE_CLOSE, /* closed in order */
	EXCHANGE_RESET, /* cut, so that the client sees that the answer broke off */
	EXCHANGE_GONE,  /* the client has left (on_gone) */
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

/* It cannot go on: answers with the problem, or cuts the response where it has begun.
 * detail: NULL or "" where the problem's title says it all. */
void exchange_fail(struct exchange *x, enum problem_id id, const char *detail);
/* Likewise for a reason of ours, which is the outcome (USAGE_OUTCOME_*). */
void exchange_cut(struct exchange *x, enum problem_id id, const char *outcome,
		  const char *detail);
/* The client has left, in this phase of the exchange. */
void exchange_abort(struct exchange *x, const char *phase);

#endif
