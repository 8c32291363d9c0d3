/* Posts forms to providers, many at once, on a thread of their own; whoever sends one is
 * told on its event loop.
 *
 * As fetch.h: https, or http to literal loopback addresses, no redirects, each within
 * FETCH_TIMEOUT_MS. What is sent is wiped when its answer is there. */
#ifndef GATEWAY_SIGN_IN_ERRANDS_H
#define GATEWAY_SIGN_IN_ERRANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define ERRANDS_MAX 64            /* at once, of all providers */
#define ERRANDS_OF_ONE_MAX 32     /* of one of them, which may be slow */
#define ERRANDS_ANSWER_MAX 131072 /* bytes */

struct errands;
struct event_base;

struct errand_answer {
	long status; /* 0: there is none, and why says so */
	struct str body;
	const char *why;
};

struct errand {
	const char *url;     /* as fetch_url_is_allowed */
	const char *ca_file; /* NULL: the system's authorities */
	/* HTTP Basic (RFC 7617), as they are to be sent; NULL: none. */
	const char *user, *password;
	struct str form;
	const char *whose; /* of ERRANDS_OF_ONE_MAX: the provider's issuer */
	void (*done)(void *ctx, const struct errand_answer *answer);
	void *ctx;
};

/* Its thread starts with the first errand; fetch_init was called. */
struct errands *errands_new(struct event_base *base);
/* Copies all. False: too many run, or there is no thread; `done` is not called. */
bool errands_send(struct errands *e, const struct errand *what);
/* Those that run are told that there is no answer. Clears *e, which may be NULL. */
void errands_free(struct errands **e);

#endif
