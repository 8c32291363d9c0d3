/* The thread that writes the snapshot. */
#include "gateway/token/token_saver.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread_start.h"
#include "common/trouble.h"

#define SAVE_PAUSE_US 2000000u
#define TOUCH_PAUSE_US 60000000u

struct token_saver {
	struct token_saver_options o;
	char *path;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* of what follows; held for a few instructions */
	pthread_cond_t changed;
	bool dirty, stop;
	uint64_t touched_us; /* monotonic: when the file last said that it is right */
	bool touch;
	/* the thread's own */
	uint64_t saved_us;
	struct trouble trouble;
};

static void note_result(struct token_saver *s, bool ok)
{
	int error = errno;
	uint64_t now = clock_mono_us(), lasted_s;

	if (!ok && trouble_note(&s->trouble, error, now))
		log_warn("tokens: the snapshot %s cannot be written: %s", s->path,
			 strerror(error));
	if (ok && trouble_over(&s->trouble, now, &lasted_s))
		log_info("tokens: the snapshot %s is written again, after %llu s",
			 s->path, (unsigned long long)lasted_s);
}

/* A reader for as long as the write takes: meanwhile replaced shards only pile up. */
static void write_table(struct token_saver *s)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct epoch_reader *r;
	const struct token_table *t;
	struct token_snapshot about;

	CHECK(fd >= 0);
	r = epoch_reader_add(s->o.epochs, fd);
	t = s->o.current(s->o.ctx, &about);
	if (t != NULL)
		note_result(s, token_snapshot_write(s->path, t, &about));
	epoch_reader_remove(&r);
	close(fd);
	s->saved_us = clock_mono_us();
}

static void write_time(struct token_saver *s)
{
	struct token_snapshot about;

	/* Only the time is taken from it: no table is read, none need be held. */
	if (s->o.current(s->o.ctx, &about) != NULL)
		token_snapshot_touch(s->path, about.right_at_us);
}

/* Under the lock. Waits until something is due; false: stop, and nothing is. */
static bool wait_due(struct token_saver *s)
{
	for (;;) {
		uint64_t due = s->saved_us ? s->saved_us + SAVE_PAUSE_US : 0;
		struct timespec until = {(time_t)(due / 1000000),
					 (long)(due % 1000000) * 1000};

		if (s->stop)
			return s->dirty;
		if (s->dirty && clock_mono_us() >= due)
			return true;
		if (s->touch && !s->dirty)
			return true;
		if (s->dirty)
			pthread_cond_timedwait(&s->changed, &s->lock, &until);
		else
			pthread_cond_wait(&s->changed, &s->lock);
	}
}

static void *run(void *arg)
{
	struct token_saver *s = arg;

	pthread_mutex_lock(&s->lock);
	while (wait_due(s)) {
		bool whole = s->dirty;

		s->dirty = s->touch = false;
		s->touched_us = clock_mono_us();
		pthread_mutex_unlock(&s->lock);
		if (whole)
			write_table(s);
		else
			write_time(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

struct token_saver *token_saver_start(const struct token_saver_options *o)
{
	struct token_saver *s = xcalloc(1, sizeof *s);
	pthread_condattr_t monotonic;

	s->o = *o;
	s->path = xstrdup(o->path);
	CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&s->changed, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
	s->started = thread_start(&s->thread, "token-saver", run, s);
	if (!s->started)
		token_saver_stop(&s);
	return s;
}

void token_saver_save(struct token_saver *s)
{
	pthread_mutex_lock(&s->lock);
	s->dirty = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void token_saver_touch(struct token_saver *s)
{
	pthread_mutex_lock(&s->lock);
	if (clock_mono_us() - s->touched_us >= TOUCH_PAUSE_US) {
		s->touch = true;
		pthread_cond_signal(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
}

void token_saver_stop(struct token_saver **saver)
{
	struct token_saver *s = *saver;

	*saver = NULL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->started)
		CHECK(pthread_join(s->thread, NULL) == 0);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}
