/* The management plane: HTTP on its own thread, behind the same gate as the proxy. */
#ifndef GATEWAY_MANAGER_MANAGER_H
#define GATEWAY_MANAGER_MANAGER_H

#include "gateway/settings/settings.h"
#include "gateway/token/token_sync.h"
#include "gateway/journal/lane.h"

struct manager;
struct operation;
struct recording;
struct usage_tap;

struct manager_options {
	struct settings *settings; /* referred to on its own */
	struct token_sync *tokens; /* tells known hashes from unknown ones */
	/* the manager's thread is a reader of the token table */
	struct epoch_domain *epochs;
	struct resolver *resolver;          /* of all names; outlives it */
	struct usage_lane *lane;            /* the manager's own */
	struct recording *recording;        /* for /ready */
	struct usage_tap *tap;              /* the live feed's; outlives it */
	const struct operation *operations; /* static */
	size_t n_operations;
	const int *listen_fds; /* taken over */
	size_t n_listen_fds;
};

/* NULL: the system gives no thread; the log says so. */
struct manager *manager_start(const struct manager_options *o);
/* Any thread: usage.ingest and the trusted proxies of s hold from the next request on;
 * the manager refers to s on its own. */
void manager_configure(struct manager *m, struct settings *s);
/* Any thread: ends when what runs is finished, at deadline_us (monotonic) at the latest.
 * An earlier deadline than before counts, a later one does not. */
void manager_drain(struct manager *m, uint64_t deadline_us);
/* Whether it has ended, after manager_drain. By its owner, as manager_free. */
bool manager_try_join(struct manager *m);
/* After manager_drain; waits for its end. */
void manager_free(struct manager **m);

#endif
