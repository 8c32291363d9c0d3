/* A worker: one thread, one event base, one front, one set of upstream pools. */
#ifndef GATEWAY_PROXY_WORKER_H
#define GATEWAY_PROXY_WORKER_H

#include "common/epoch.h"
#include "gateway/http/access_log.h"
#include "gateway/http/address_cap.h"
#include "common/resolver.h"
#include "gateway/settings/settings.h"
#include "gateway/token/token_sync.h"
#include "gateway/journal/lane.h"
#include "gateway/journal/recording.h"

struct worker;

struct worker_options {
	unsigned index;
	struct settings *settings; /* a reference is taken */
	struct token_sync *tokens;
	struct epoch_domain *epochs;
	struct resolver *resolver;
	struct usage_lane *lane;           /* outlives the worker */
	const struct recording *recording; /* for /ready; outlives it as well */
	struct access_lane *access;        /* NULL: no access log */
	const int *listen_fds;             /* taken over; the last n_tls_fds speak TLS */
	size_t n_listen_fds, n_tls_fds;
	struct address_cap *address_cap; /* shared by all workers; outlives them */
	/* TLS_TICKET_KEY_BYTES, shared by all workers */
	const unsigned char *ticket_keys;
};

/* NULL: a file that the settings name cannot be read, or the system gives no thread; the
 * log says so. */
struct worker *worker_start(const struct worker_options *o);
/* Any thread: from the next request on these settings hold. Takes a reference. */
void worker_configure(struct worker *w, struct settings *s);
/* Any thread: stop accepting; running exchanges finish until deadline (monotonic), then
 * are cut. Returns at once. An earlier deadline than before counts, a later one does
 * not. */
void worker_drain(struct worker *w, uint64_t deadline_us);
/* How many calls run. Any thread. */
unsigned worker_running(const struct worker *w);
/* Whether it has ended, after worker_drain. By its owner, as worker_free. */
bool worker_try_join(struct worker *w);
/* After worker_drain; waits for its end. */
void worker_free(struct worker **w);

#endif
