/* The two planes that serve calls: workers and the manager. */
#include "gateway/run/planes.h"

#include "common/clock.h"
#include "gateway/run/signals.h"

#define LOOK_MS 10 /* between looks for threads that have ended */

void planes_configure(const struct planes *p, struct settings *s)
{
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_configure(p->workers[i], s);
	manager_configure(p->manager, s);
}

static uint64_t deadline_in(uint32_t ms)
{
	return clock_mono_us() + (uint64_t)ms * 1000;
}

static void drain_workers(const struct planes *p, uint64_t deadline_us)
{
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_drain(p->workers[i], deadline_us);
}

static bool workers_have_ended(const struct planes *p)
{
	for (unsigned i = 0; i < p->n_workers; i++)
		if (!worker_try_join(p->workers[i]))
			return false;
	return true;
}

/* Looks instead of joining: this is the thread that has to hear of a second signal. */
static void cut_if_told(const struct planes *p)
{
	if (!signals_stop_within(LOOK_MS))
		return;
	drain_workers(p, 0);
	manager_drain(p->manager, 0);
}

void planes_drain(const struct planes *p, uint32_t drain_ms)
{
	drain_workers(p, deadline_in(drain_ms));
	while (!workers_have_ended(p))
		cut_if_told(p);
	manager_drain(p->manager, deadline_in(drain_ms));
	while (!manager_try_join(p->manager))
		cut_if_told(p);
}
