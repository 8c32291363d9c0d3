/* What an answer, an outcome or an upstream's status means, and what to do about it: the
 * tables of docs/errors.md, which the build takes in (advice.py). Pure: any thread. */
#ifndef GATEWAY_HTTP_ADVICE_H
#define GATEWAY_HTTP_ADVICE_H

#include <stddef.h>

/* Sentences without a full stop, with backticks as the page has them. */
struct advice {
	const char *name; /* "expired_key", "client_abort", "429", "5xx" */
	const char *meaning, *todo;
};

/* Of a problem's code or an outcome. NULL: the page does not name it. */
const struct advice *advice_of(const char *name);
/* Of the status of 400 or above that an upstream answered with: the page's row of it,
 * else that of its class. Never NULL. */
const struct advice *advice_of_status(int status);

/* All rows, in the page's order. */
const struct advice *advice_rows(size_t *n);

#endif
