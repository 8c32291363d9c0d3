/* The management plane: HTTP on its own thread, behind the same gate as the proxy. */
#ifndef GATEWAY_MANAGER_MANAGER_H
#define GATEWAY_MANAGER_MANAGER_H

#include "gateway/settings/settings.h"
#include "gateway/token/token_sync.h"
#include "gateway/journal/lane.h"

struct manager;

struct manager_options {
	struct settings *settings; /* referred to on its own */
	struct token_sync *tokens; /* tells known hashes from unknown ones */
	/* the manager's thread is a reader of the token table */
	struct epoch_domain *epochs;
	struct usage_lane *lane; /* the manager's own */
	const int *listen_fds;   /* taken over */
	size_t n_listen_fds;
};

struct manager *manager_start(const struct manager_options *o);
/* Any thread: usage.ingest and the trusted proxies of s hold from the next request on;
 * the manager refers to s on its own. */
void manager_configure(struct manager *m, struct settings *s);
/* Ends when what runs is finished, at deadline_us (monotonic) at the latest; an earlier
 * deadline than before counts. Any thread. */
void manager_drain(struct manager *m, uint64_t deadline_us);
/* Waits for its thread to end. */
void manager_join(struct manager *m);
/* After manager_join. */
void manager_free(struct manager **m);

#endif
