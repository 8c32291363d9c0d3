/* getaddrinfo on threads that nobody ever waits for.
 *
 * getaddrinfo blocks for as long as a name server is silent, and nothing can end it. So
 * each look-up has a detached thread of its own, which owns what it works on; whoever
 * started it asks later whether it is done. A pool that is closed forgets its look-ups:
 * they end by themselves, and what they found is freed unseen. */
#ifndef COMMON_LOOKUP_H
#define COMMON_LOOKUP_H

#include <sys/socket.h>

#define LOOKUP_THREADS_MAX 8
#define LOOKUP_ADDRESSES_MAX 16 /* of one answer; what is beyond is left out */

struct lookup_pool;

struct lookup_address {
	struct sockaddr_storage sa; /* its port is 0 */
	socklen_t len;
};

#define LOOKUP_NO_THREAD (-10001) /* in place of an EAI_ */

struct lookup_answer {
	int error;        /* EAI_... or LOOKUP_NO_THREAD; 0: n >= 1 */
	int system_error; /* errno with EAI_SYSTEM */
	unsigned n;
	struct lookup_address list[LOOKUP_ADDRESSES_MAX];
};

/* done_fd: an eventfd, the caller's, that is written to whenever a look-up is done. */
struct lookup_pool *lookup_pool_new(int done_fd);
/* Any thread. Does not wait; done_fd is not written to any more. Clears *p. */
void lookup_pool_close(struct lookup_pool **p);

/* Starts a look-up of host; owner comes back with its answer and is never followed. 0; or
 * EBUSY: LOOKUP_THREADS_MAX run; or why no thread can be made (EAGAIN). */
int lookup_start(struct lookup_pool *p, const char *host, void *owner);
unsigned lookup_running(struct lookup_pool *p);
/* The owner and the answer of a look-up that is done, each once; NULL: there is none. */
void *lookup_take(struct lookup_pool *p, struct lookup_answer *answer);

/* "" or what went wrong, in words. */
const char *lookup_error_text(const struct lookup_answer *answer);

#endif
