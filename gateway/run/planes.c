/* The two planes that serve calls: workers and the manager. */
#include "gateway/run/planes.h"

#include "common/clock.h"
#include "gateway/run/signals.h"
#include "gateway/run/status.h"

#define LOOK_MS 10      /* between looks for threads that have ended */
#define TELL_US 5000000 /* between words on what they still do */

struct drain {
	const struct planes *planes;
	uint64_t told_us; /* when it was last said what runs yet */
};

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

unsigned planes_running(const struct planes *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_workers; i++)
		n += worker_running(p->workers[i]);
	return n;
}

static void tell_if_due(struct drain *d)
{
	uint64_t now = clock_mono_us();

	if (now - d->told_us < TELL_US)
		return;
	d->told_us = now;
	status_still_running(planes_running(d->planes));
}

/* Looks instead of joining: this is the thread that has to hear of a second signal. */
static void wait_a_moment(struct drain *d)
{
	tell_if_due(d);
	if (!signals_stop_within(LOOK_MS))
		return;
	drain_workers(d->planes, 0);
	manager_drain(d->planes->manager, 0);
}

void planes_drain(const struct planes *p, uint32_t drain_ms)
{
	struct drain d = {p, clock_mono_us()};

	drain_workers(p, deadline_in(drain_ms));
	while (!workers_have_ended(p))
		wait_a_moment(&d);
	manager_drain(p->manager, deadline_in(drain_ms));
	while (!manager_try_join(p->manager))
		wait_a_moment(&d);
}
