/* A thread that runs an event loop. */
#include "common/loop_thread.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/sched.h"
#include "common/thread_start.h"

#define LOOP_MAGIC 0x6c6f6f70u

struct loop_thread {
	uint32_t magic;
	struct loop_thread_options o;
	struct event_base *base;
	struct event *wake;
	int wake_fd;
	pthread_t thread;
	bool started;
	struct epoch_reader *reader; /* while it is started */
	void *_Atomic letter;
	_Atomic uint64_t deadline_us; /* 0: none */
	bool told_to_stop;            /* the thread's own */
	_Atomic bool ended;
};

/* --- on the thread --- */

static void take_letter(struct loop_thread *t)
{
	void *letter = atomic_exchange(&t->letter, NULL);

	if (letter != NULL)
		t->o.on_letter(t->o.ctx, letter);
}

static void take_deadline(struct loop_thread *t)
{
	if (t->told_to_stop || atomic_load(&t->deadline_us) == 0)
		return;
	t->told_to_stop = true;
	if (t->o.on_stop != NULL)
		t->o.on_stop(t->o.ctx);
	else
		loop_thread_end(t);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop_thread *t = arg;
	uint64_t count;

	(void)what;
	OBJ_CHECK(t, LOOP_MAGIC);
	if (read(fd, &count, sizeof count) < 0)
		count = 0;
	/* What is published is looked up anew by each callback: none is held here. */
	if (t->reader != NULL)
		epoch_quiesce(t->reader);
	take_letter(t);
	take_deadline(t);
}

void loop_thread_end(struct loop_thread *t)
{
	event_base_loopbreak(t->base);
}

static void *run(void *arg)
{
	struct loop_thread *t = arg;

	OBJ_CHECK(t, LOOP_MAGIC);
	if (t->o.busy)
		sched_ask_short_slices();
	CHECK(event_base_dispatch(t->base) == 0);
	atomic_store(&t->ended, true);
	return NULL;
}

/* --- any thread --- */

static void poke(struct loop_thread *t)
{
	uint64_t one = 1;

	/* A counter at its limit means that the wake-up is on its way already. */
	if (write(t->wake_fd, &one, sizeof one) < 0)
		return;
}

void *loop_thread_post(struct loop_thread *t, void *letter)
{
	void *unread;

	CHECK(t->o.on_letter != NULL && letter != NULL);
	unread = atomic_exchange(&t->letter, letter);
	poke(t);
	return unread;
}

void loop_thread_stop(struct loop_thread *t, uint64_t deadline_us)
{
	uint64_t set = atomic_load(&t->deadline_us);

	if (deadline_us == 0)
		deadline_us = 1;
	while ((set == 0 || deadline_us < set) &&
	       !atomic_compare_exchange_weak(&t->deadline_us, &set, deadline_us))
		continue;
	poke(t);
}

uint64_t loop_thread_deadline_us(const struct loop_thread *t)
{
	return atomic_load(&t->deadline_us);
}

/* --- the owner --- */

/* No locks: other threads only write to the descriptor. */
static struct event_base *base_new(bool busy)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	CHECK(config != NULL);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	if (busy)
		event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	base = event_base_new_with_config(config);
	event_config_free(config);
	CHECK(base != NULL);
	return base;
}

struct loop_thread *loop_thread_new(const struct loop_thread_options *o)
{
	struct loop_thread *t = xcalloc(1, sizeof *t);

	t->magic = LOOP_MAGIC;
	t->o = *o;
	t->base = base_new(o->busy);
	t->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CHECK(t->wake_fd >= 0);
	t->wake = event_new(t->base, t->wake_fd, EV_READ | EV_PERSIST, on_wake, t);
	CHECK(t->wake != NULL && event_add(t->wake, NULL) == 0);
	return t;
}

struct event_base *loop_thread_base(const struct loop_thread *t)
{
	return t->base;
}

bool loop_thread_start(struct loop_thread *t)
{
	CHECK(!t->started);
	if (t->o.epochs != NULL)
		t->reader = epoch_reader_add(t->o.epochs, t->wake_fd);
	t->started = thread_start(&t->thread, t->o.name, run, t);
	if (!t->started)
		epoch_reader_remove(&t->reader);
	return t->started;
}

void loop_thread_join(struct loop_thread *t)
{
	if (!t->started)
		return;
	CHECK(pthread_join(t->thread, NULL) == 0);
	t->started = false;
	epoch_reader_remove(&t->reader);
}

bool loop_thread_try_join(struct loop_thread *t)
{
	if (t->started && atomic_load(&t->ended))
		loop_thread_join(t);
	return !t->started;
}

void *loop_thread_unread(struct loop_thread *t)
{
	return atomic_exchange(&t->letter, NULL);
}

void loop_thread_free(struct loop_thread **thread)
{
	struct loop_thread *t = *thread;

	*thread = NULL;
	if (t == NULL)
		return;
	CHECK(!t->started && t->reader == NULL && atomic_load(&t->letter) == NULL);
	event_free(t->wake);
	event_base_free(t->base);
	close(t->wake_fd);
	t->magic = 0;
	free(t);
}
