/* Quiescent-state reclamation for objects that workers read without locks. */
#include "common/epoch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "common/check.h"

struct epoch_reader {
	struct epoch_domain *domain;
	struct epoch_reader *next;
	_Atomic uint64_t seen;
	int wake_fd;
};

struct retired {
	struct retired *next;
	void *obj;
	void (*free_fn)(void *);
	uint64_t epoch;
};

struct epoch_domain {
	/* readers list and retired list; never taken by a worker's request path */
	pthread_mutex_t lock;
	_Atomic uint64_t now;
	struct epoch_reader *readers;
	struct retired *retired;
};

struct epoch_domain *epoch_domain_new(void)
{
	struct epoch_domain *d = xcalloc(1, sizeof *d);

	CHECK(pthread_mutex_init(&d->lock, NULL) == 0);
	atomic_init(&d->now, 1);
	return d;
}

void epoch_domain_free(struct epoch_domain *d)
{
	struct retired *r, *next;

	CHECK(d->readers == NULL);
	for (r = d->retired; r != NULL; r = next) {
		next = r->next;
		r->free_fn(r->obj);
		free(r);
	}
	pthread_mutex_destroy(&d->lock);
	free(d);
}

struct epoch_reader *epoch_reader_add(struct epoch_domain *d, int wake_fd)
{
	struct epoch_reader *r = xcalloc(1, sizeof *r);

	r->domain = d;
	r->wake_fd = wake_fd;
	pthread_mutex_lock(&d->lock);
	atomic_init(&r->seen, atomic_load(&d->now));
	r->next = d->readers;
	d->readers = r;
	pthread_mutex_unlock(&d->lock);
	return r;
}

void epoch_reader_remove(struct epoch_reader **reader)
{
	struct epoch_reader *r = *reader, **at;

	*reader = NULL;
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->domain->lock);
	for (at = &r->domain->readers; *at != r; at = &(*at)->next)
		CHECK(*at != NULL);
	*at = r->next;
	pthread_mutex_unlock(&r->domain->lock);
	free(r);
}

void epoch_quiesce(struct epoch_reader *reader)
{
	uint64_t now = atomic_load_explicit(&reader->domain->now, memory_order_acquire);

	atomic_store_explicit(&reader->seen, now, memory_order_release);
}

void epoch_retire(struct epoch_domain *d, void *obj, void (*free_fn)(void *))
{
	struct retired *r = xmalloc(sizeof *r);

	pthread_mutex_lock(&d->lock);
	*r = (struct retired){d->retired, obj, free_fn, atomic_fetch_add(&d->now, 1) + 1};
	d->retired = r;
	pthread_mutex_unlock(&d->lock);
}

/* Under the lock. The oldest epoch that some reader may still be in. */
static uint64_t oldest_seen(struct epoch_domain *d, uint64_t now, bool wake)
{
	uint64_t oldest = now, one = 1;

	for (struct epoch_reader *r = d->readers; r != NULL; r = r->next) {
		uint64_t seen = atomic_load_explicit(&r->seen, memory_order_acquire);

		if (seen >= now)
			continue;
		if (seen < oldest)
			oldest = seen;
		/* A full eventfd counter means the wake-up is already on its way. */
		if (wake && write(r->wake_fd, &one, sizeof one) < 0)
			continue;
	}
	return oldest;
}

size_t epoch_reclaim(struct epoch_domain *d)
{
	struct retired *dead = NULL, *r, **at;
	size_t waiting = 0;
	uint64_t oldest;

	pthread_mutex_lock(&d->lock);
	oldest = oldest_seen(d, atomic_load(&d->now), d->retired != NULL);
	for (at = &d->retired; (r = *at) != NULL;) {
		if (r->epoch > oldest) {
			waiting++;
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->next = dead;
		dead = r;
	}
	pthread_mutex_unlock(&d->lock);
	while ((r = dead) != NULL) {
		dead = r->next;
		r->free_fn(r->obj);
		free(r);
	}
	return waiting;
}
