/* A request to cancel what a session runs, on a thread of its own. */
#include "common/pg_canceller.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "common/pg_error.h"
#include "common/thread.h"

/* The owner's and the thread's: whoever lets go last frees it. */
struct pg_canceller {
	pthread_mutex_t lock;
	unsigned owners;
	PGcancel *cancel;
	int done_fd; /* -1: dropped */
	bool done;
};

static void canceller_free(struct pg_canceller *c)
{
	PQfreeCancel(c->cancel);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Under the lock, which it ends. */
static void let_go(struct pg_canceller *c)
{
	bool last = --c->owners == 0;

	pthread_mutex_unlock(&c->lock);
	if (last)
		canceller_free(c);
}

static void *run_canceller(void *arg)
{
	struct pg_canceller *c = arg;
	char error[256] = "", line[PG_MESSAGE_MAX];
	uint64_t one = 1;

	/* The statement's time limit ends it then. */
	if (!PQcancel(c->cancel, error, sizeof error))
		log_debug("a statement could not be cancelled: %s",
			  pg_clean(line, sizeof line, error, PG_FIRST_LINE));
	pthread_mutex_lock(&c->lock);
	c->done = true;
	if (c->done_fd >= 0)
		CHECK(write(c->done_fd, &one, sizeof one) == sizeof one);
	let_go(c);
	return NULL;
}

struct pg_canceller *pg_canceller_start(PGconn *pg, int done_fd)
{
	PGcancel *cancel = PQgetCancel(pg);
	struct pg_canceller *c;
	pthread_t thread;

	if (cancel == NULL)
		return NULL;
	c = xcalloc(1, sizeof *c);
	CHECK(pthread_mutex_init(&c->lock, NULL) == 0);
	c->owners = 2;
	c->cancel = cancel;
	c->done_fd = done_fd;
	if (thread_make(&thread, "pg-cancel", run_canceller, c) != 0) {
		canceller_free(c);
		return NULL;
	}
	pthread_detach(thread);
	return c;
}

bool pg_canceller_take(struct pg_canceller **canceller)
{
	struct pg_canceller *c = *canceller;

	if (c == NULL)
		return false;
	pthread_mutex_lock(&c->lock);
	if (!c->done) {
		pthread_mutex_unlock(&c->lock);
		return false;
	}
	*canceller = NULL;
	let_go(c);
	return true;
}

void pg_canceller_drop(struct pg_canceller **canceller)
{
	struct pg_canceller *c = *canceller;

	*canceller = NULL;
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->done_fd = -1;
	let_go(c);
}
