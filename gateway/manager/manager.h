/* The management plane: HTTP on its own thread, behind the same gate as the proxy. */
#ifndef GATEWAY_MANAGER_MANAGER_H
#define GATEWAY_MANAGER_MANAGER_H

#include "gateway/settings/settings.h"
#include "gateway/token/token_sync.h"
#include "gateway/usage/lane.h"

struct manager;

struct manager_options {
	struct settings *settings; /* referred to on its own */
	struct token_sync *tokens; /* tells known hashes from unknown ones */
	struct epoch_domain
		*epochs;         /* the manager's thread is a reader of the token table */
	struct usage_lane *lane; /* the manager's own */
	const int *listen_fds;   /* taken over */
	size_t n_listen_fds;
};

struct manager *manager_start(const struct manager_options *o);
/* Any thread: usage.ingest and the trusted proxies of s hold from the next request on; the
 * manager refers to s on its own. */
void manager_configure(struct manager *m, struct settings *s);
/* Finishes what runs, up to drain_ms; joins. */
void manager_stop(struct manager **m, uint32_t drain_ms);

#endif
