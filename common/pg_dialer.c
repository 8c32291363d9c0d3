/* pg_dial on a thread of its own, for event loops. */
#include "common/pg_dialer.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/thread.h"

#define DROP_WAIT_US 250000u

/* The owner's and the thread's: whoever lets go last frees it. */
struct pg_dialer {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned owners;
	struct pg_dial_options o; /* its strings and its reference are ours */
	int done_fd;              /* -1: dropped */
	char doing[256];
	bool done;
	struct pg_dialed result;
};

static void dialer_free(struct pg_dialer *d)
{
	if (d->result.pg != NULL)
		PQfinish(d->result.pg);
	OPENSSL_cleanse((char *)d->o.conninfo, strlen(d->o.conninfo));
	free((char *)d->o.conninfo);
	free((char *)d->o.application_name);
	resolver_unref(&d->o.resolver);
	close(d->o.stop_fd);
	pthread_cond_destroy(&d->ended);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* Under the lock, which it ends. */
static void let_go(struct pg_dialer *d)
{
	bool last = --d->owners == 0;

	pthread_mutex_unlock(&d->lock);
	if (last)
		dialer_free(d);
}

static void on_doing(void *ctx, const char *what)
{
	struct pg_dialer *d = ctx;

	pthread_mutex_lock(&d->lock);
	snprintf(d->doing, sizeof d->doing, "%s", what);
	pthread_mutex_unlock(&d->lock);
}

static void *run_dialer(void *arg)
{
	struct pg_dialer *d = arg;
	struct sbuf why;
	uint64_t one = 1;

	sbuf_init(&why, PG_DIAL_WHY_MAX - 1);
	d->result.pg = pg_dial(&d->o, &d->result.place, &why);
	snprintf(d->result.why, sizeof d->result.why, STR_FMT, STR_ARG(sbuf_view(&why)));
	sbuf_fini(&why);
	pthread_mutex_lock(&d->lock);
	if (d->done_fd < 0 && d->result.pg != NULL) {
		PQfinish(d->result.pg);
		d->result.pg = NULL;
	}
	d->done = true;
	pthread_cond_signal(&d->ended);
	if (d->done_fd >= 0)
		CHECK(write(d->done_fd, &one, sizeof one) == sizeof one);
	let_go(d);
	return NULL;
}

static void init_ended(struct pg_dialer *d)
{
	pthread_condattr_t monotonic;

	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&d->ended, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
}

struct pg_dialer *pg_dialer_start(const struct pg_dial_options *o,
				  const struct pg_place *place, int done_fd)
{
	struct pg_dialer *d;
	pthread_t thread;
	int stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (stop_fd < 0)
		return NULL;
	d = xcalloc(1, sizeof *d);
	CHECK(pthread_mutex_init(&d->lock, NULL) == 0);
	init_ended(d);
	d->owners = 2;
	d->o = *o;
	d->o.conninfo = xstrdup(o->conninfo);
	d->o.application_name = xstrdup(o->application_name);
	d->o.resolver = o->resolver ? resolver_ref(o->resolver) : NULL;
	d->o.stop_fd = stop_fd;
	d->o.doing = on_doing;
	d->o.ctx = d;
	d->done_fd = done_fd;
	d->result.place = *place;
	if (thread_make(&thread, "pg-connect", run_dialer, d) != 0) {
		dialer_free(d);
		return NULL;
	}
	pthread_detach(thread);
	return d;
}

bool pg_dialer_take(struct pg_dialer **dialer, struct pg_dialed *out)
{
	struct pg_dialer *d = *dialer;

	pthread_mutex_lock(&d->lock);
	if (!d->done) {
		pthread_mutex_unlock(&d->lock);
		return false;
	}
	*out = d->result;
	d->result.pg = NULL;
	*dialer = NULL;
	let_go(d);
	return true;
}

void pg_dialer_doing(struct pg_dialer *d, char *text, size_t size)
{
	pthread_mutex_lock(&d->lock);
	snprintf(text, size, "%s", d->doing);
	pthread_mutex_unlock(&d->lock);
}

void pg_dialer_drop(struct pg_dialer **dialer)
{
	struct pg_dialer *d = *dialer;
	uint64_t until_us = clock_mono_us() + DROP_WAIT_US, one = 1;
	struct timespec until = {(time_t)(until_us / 1000000),
				 (long)(until_us % 1000000) * 1000};
	int rc = 0;

	*dialer = NULL;
	if (d == NULL)
		return;
	CHECK(write(d->o.stop_fd, &one, sizeof one) == sizeof one);
	pthread_mutex_lock(&d->lock);
	d->done_fd = -1;
	while (!d->done && rc == 0)
		rc = pthread_cond_timedwait(&d->ended, &d->lock, &until);
	let_go(d);
}
