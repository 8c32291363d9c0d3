/* Names of hosts to addresses: kept fresh for upstreams, asked for by whoever connects to
 * PostgreSQL.
 *
 * getaddrinfo blocks, so workers never call it: they read the list last published, and
 * others ask and are told. Look-ups run on up to LOOKUP_THREADS_MAX threads
 * (common/lookup.h), at most one for each name, so that names that don't answer hold up
 * nobody else; names that were never looked up go first, those that failed leave two
 * threads to the others. Literal addresses and localhost are never looked up.
 *
 * A name with a user (resolver_add) is looked up again every 30 s, or 2 s after a
 * failure, which keeps the last good list. An address is known as the name's until it has
 * been in no answer for 90 s; as long as there are no answers nothing changes. The log
 * hears when a name fails, at once, then every ten minutes, and when it is found again.
 * All clocks are monotonic. */
#ifndef COMMON_RESOLVER_H
#define COMMON_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/address_mark.h"
#include "common/epoch.h"
#include "common/lookup.h"
#include "common/name_addresses.h"

struct resolver;
struct resolver_name; /* one host name and port; lives as long as the resolver */

struct resolver_address {
	struct sockaddr_storage sa; /* with the name's port */
	socklen_t len;
	struct address_mark *mark; /* the same in each list that has the address */
};

/* Immutable once published, but for the marks. */
struct resolver_addresses {
	unsigned n;       /* of the latest answer; 0: not resolved; see failed */
	unsigned n_known; /* with those after them, of answers before it */
	bool failed;      /* the latest look-up failed and there never was an answer */
	uint32_t version; /* another one, another list */
	struct resolver_address list[NAME_ADDRESSES_MAX];
};

struct resolver_times {
	uint32_t refresh_ms, retry_ms, known_ms; /* 0: 30,000, 2,000 and 90,000 */
};

/* epochs: of those who read lists; NULL: nobody does. times may be NULL. NULL: no thread
 * can be made (logged). */
struct resolver *resolver_start(struct epoch_domain *epochs,
				const struct resolver_times *times);
/* Never waits for a look-up. Names and lists go; who still holds a reference may ask, and
 * is told EAI_AGAIN. Clears *r. */
void resolver_stop(struct resolver **r);
struct resolver *resolver_ref(struct resolver *r);
void resolver_unref(struct resolver **r);

/* --- for upstreams --- */

/* Any thread, not on a request's path: finds or adds the name (a lock is taken) and
 * counts a user. */
struct resolver_name *resolver_add(struct resolver *r, const char *host, uint16_t port);
/* Any thread, lock-free: one user less. Without any the name is not looked up again. */
void resolver_forget(struct resolver_name *name);
/* Any thread, lock-free; valid within the caller's callback. Never NULL. */
const struct resolver_addresses *resolver_get(const struct resolver_name *name);
/* Pure: which of the list, also of answers before the latest, has sa's address, whatever
 * its port; NULL: none. */
const struct resolver_address *resolver_find(const struct resolver_addresses *list,
					     const struct sockaddr *sa);

/* --- for one connection --- */

/* Asks for the addresses of host now; an answer of the last second will do. wake_fd is an
 * eventfd that is written to when there is an answer, unless there is one already. Any
 * thread; never waits. Holds a reference. */
struct resolver_question *resolver_ask(struct resolver *r, const char *host, int wake_fd);
bool resolver_is_answered(struct resolver_question *q);
/* The answer; where it is an error, or not there yet, with the addresses of the latest
 * good one (n is 0 if there never was one). */
void resolver_answer(struct resolver_question *q, struct lookup_answer *out);
/* Clears *q, which may be NULL. */
void resolver_question_free(struct resolver_question **q);

#endif
