/* The two planes that serve calls: workers and the manager. */
#include "gateway/run/planes.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "common/check.h"
#include "common/clock.h"

struct drain {
	const struct planes *planes;
	_Atomic bool cut; /* a second signal came */
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

/* Until all has ended; a second signal makes workers and manager cut what runs. */
static void *cut_on_second_signal(void *arg)
{
	struct drain *d = arg;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR2);
	sigwait(&set, &sig);
	if (sig == SIGUSR2)
		return NULL;
	atomic_store(&d->cut, true);
	drain_workers(d->planes, 1);
	manager_drain(d->planes->manager, 1);
	return NULL;
}

void planes_drain(const struct planes *p, uint32_t drain_ms)
{
	struct drain d = {.planes = p};
	pthread_t watcher;
	sigset_t usr2;

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &usr2, NULL);
	drain_workers(p, deadline_in(drain_ms));
	CHECK(pthread_create(&watcher, NULL, cut_on_second_signal, &d) == 0);
	for (unsigned i = 0; i < p->n_workers; i++)
		worker_join(p->workers[i]);
	manager_drain(p->manager, deadline_in(drain_ms));
	/* The second signal may have come just before. */
	if (atomic_load(&d.cut))
		manager_drain(p->manager, 1);
	manager_join(p->manager);
	pthread_kill(watcher, SIGUSR2);
	pthread_join(watcher, NULL);
}
