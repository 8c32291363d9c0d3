/* getaddrinfo on threads that nobody ever waits for. */
#include "common/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/thread.h"

/* One look-up; its thread's until it is done, then the pool's. */
struct lookup {
	struct lookup *next;
	struct lookup_pool *pool;
	char *host;
	void *owner;
	struct lookup_answer answer;
};

/* Freed by whoever is the last: the owner's close or a look-up that ends after it. */
struct lookup_pool {
	pthread_mutex_t lock;
	int done_fd; /* -1: closed */
	unsigned running;
	struct lookup *done;
};

static void lookup_free(struct lookup *l)
{
	free(l->host);
	free(l);
}

static void pool_free(struct lookup_pool *p)
{
	struct lookup *l;

	while ((l = p->done) != NULL) {
		p->done = l->next;
		lookup_free(l);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct lookup_pool *lookup_pool_new(int done_fd)
{
	struct lookup_pool *p = xcalloc(1, sizeof *p);

	CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
	p->done_fd = done_fd;
	return p;
}

void lookup_pool_close(struct lookup_pool **pool)
{
	struct lookup_pool *p = *pool;
	bool last;

	*pool = NULL;
	pthread_mutex_lock(&p->lock);
	p->done_fd = -1;
	last = p->running == 0;
	pthread_mutex_unlock(&p->lock);
	if (last)
		pool_free(p);
}

/* Blocks, for as long as it likes. */
static void look_up(const char *host, struct lookup_answer *a)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;

	a->error = getaddrinfo(host, NULL, &hints, &found);
	a->system_error = a->error == EAI_SYSTEM ? errno : 0;
	for (struct addrinfo *i = found; i != NULL && a->n < LOOKUP_ADDRESSES_MAX;
	     i = i->ai_next) {
		memcpy(&a->list[a->n].sa, i->ai_addr, i->ai_addrlen);
		a->list[a->n++].len = i->ai_addrlen;
	}
	if (found != NULL)
		freeaddrinfo(found);
	if (a->error == 0 && a->n == 0)
		a->error = EAI_NONAME;
}

/* Hands the look-up over. Its thread touches nothing afterwards. */
static void finish(struct lookup *l)
{
	struct lookup_pool *p = l->pool;
	uint64_t one = 1;
	bool last, told = true;

	pthread_mutex_lock(&p->lock);
	l->next = p->done;
	p->done = l;
	p->running--;
	last = p->done_fd < 0 && p->running == 0;
	if (p->done_fd >= 0)
		told = write(p->done_fd, &one, sizeof one) == sizeof one;
	pthread_mutex_unlock(&p->lock);
	CHECK(told);
	if (last)
		pool_free(p);
}

static void *run_lookup(void *arg)
{
	struct lookup *l = arg;

	look_up(l->host, &l->answer);
	finish(l);
	return NULL;
}

int lookup_start(struct lookup_pool *p, const char *host, void *owner)
{
	struct lookup *l;
	pthread_t thread;
	bool room;
	int error;

	pthread_mutex_lock(&p->lock);
	room = p->running < LOOKUP_THREADS_MAX;
	p->running += room;
	pthread_mutex_unlock(&p->lock);
	if (!room)
		return EBUSY;
	l = xcalloc(1, sizeof *l);
	l->pool = p;
	l->host = xstrdup(host);
	l->owner = owner;
	error = thread_make(&thread, "lookup", run_lookup, l);
	if (error == 0)
		return pthread_detach(thread);
	lookup_free(l);
	pthread_mutex_lock(&p->lock);
	p->running--;
	pthread_mutex_unlock(&p->lock);
	return error;
}

unsigned lookup_running(struct lookup_pool *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->running;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void *lookup_take(struct lookup_pool *p, struct lookup_answer *answer)
{
	struct lookup *l;
	void *owner;

	pthread_mutex_lock(&p->lock);
	l = p->done;
	if (l != NULL)
		p->done = l->next;
	pthread_mutex_unlock(&p->lock);
	if (l == NULL)
		return NULL;
	owner = l->owner;
	*answer = l->answer;
	lookup_free(l);
	return owner;
}

const char *lookup_error_text(const struct lookup_answer *a)
{
	if (a->error == 0)
		return "";
	if (a->error == LOOKUP_NO_THREAD)
		return "no thread for it can be made: raise the limit (ulimit -u, "
		       "TasksMax=)";
	return a->error == EAI_SYSTEM ? strerror(a->system_error)
				      : gai_strerror(a->error);
}
