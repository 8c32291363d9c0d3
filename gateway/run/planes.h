/* The two planes that serve calls: workers and the manager. Main thread. */
#ifndef GATEWAY_RUN_PLANES_H
#define GATEWAY_RUN_PLANES_H

#include "gateway/manager/manager.h"
#include "gateway/proxy/worker.h"

struct planes {
	struct worker **workers;
	unsigned n_workers;
	struct manager *manager;
};

/* From the next request on these settings hold. */
void planes_configure(const struct planes *p, struct settings *s);
/* How many calls the workers have. */
unsigned planes_running(const struct planes *p);
/* Ends them. First the workers: they accept no more, and what runs has until drain_ms
 * from now. The manager goes on meanwhile, since edge Workers report their calls
 * to it, and then has drain_ms of its own. A second SIGTERM or SIGINT cuts what runs in
 * both. Returns once all their threads have ended: nobody appends to a lane any more. */
void planes_drain(const struct planes *p, uint32_t drain_ms);

#endif
