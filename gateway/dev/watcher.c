/* A thread that looks after files and children while `tollgate dev` runs.
 *
 * Files are looked at, not listened to: inotify says nothing on the shared folders of
 * virtual machines and containers, follows a file that an editor has replaced only with
 * care, and three stat calls every fifth of a second cost nothing. */
#include "gateway/dev/watcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/check.h"
#include "common/thread_start.h"

#define INTERVAL_NS 200000000

/* What tells one version of a file from another; all zero: it is not there. */
struct signature {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct watcher {
	struct watcher_options options; /* files are our copies */
	struct signature known[WATCHER_FILES_MAX], seen[WATCHER_FILES_MAX];
	pthread_mutex_t lock; /* stopping */
	pthread_cond_t wake;
	pthread_t thread;
	bool started, stopping;
};

static void take_signatures(const struct watcher *w,
			    struct signature out[WATCHER_FILES_MAX])
{
	memset(out, 0, sizeof(struct signature) * WATCHER_FILES_MAX);
	for (size_t i = 0; i < w->options.n_files; i++) {
		struct stat st;

		if (stat(w->options.files[i], &st) != 0)
			continue;
		out[i].device = st.st_dev;
		out[i].inode = st.st_ino;
		out[i].size = st.st_size;
		out[i].modified = st.st_mtim;
		out[i].changed = st.st_ctim;
	}
}

/* A change counts once it looks the same twice: an editor may still be writing. */
static void look(struct watcher *w)
{
	struct signature now[WATCHER_FILES_MAX];
	bool quiet;

	take_signatures(w, now);
	quiet = memcmp(now, w->seen, sizeof now) == 0;
	memcpy(w->seen, now, sizeof now);
	if (!quiet || memcmp(now, w->known, sizeof now) == 0)
		return;
	memcpy(w->known, now, sizeof now);
	w->options.on_change(w->options.ctx);
}

static bool wait_interval(struct watcher *w)
{
	struct timespec until;
	bool stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += INTERVAL_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&w->lock);
	while (!w->stopping &&
	       pthread_cond_timedwait(&w->wake, &w->lock, &until) != ETIMEDOUT)
		continue;
	stopping = w->stopping;
	pthread_mutex_unlock(&w->lock);
	return !stopping;
}

static void *watcher_main(void *arg)
{
	struct watcher *w = arg;

	while (wait_interval(w)) {
		look(w);
		w->options.on_tick(w->options.ctx);
	}
	return NULL;
}

struct watcher *watcher_start(const struct watcher_options *o)
{
	struct watcher *w = xcalloc(1, sizeof *w);
	pthread_condattr_t attr;

	CHECK(o->n_files <= WATCHER_FILES_MAX);
	w->options = *o;
	for (size_t i = 0; i < o->n_files; i++)
		w->options.files[i] = xstrdup(o->files[i]);
	take_signatures(w, w->known);
	memcpy(w->seen, w->known, sizeof w->seen);
	CHECK(pthread_mutex_init(&w->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&attr) == 0);
	CHECK(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&w->wake, &attr) == 0);
	pthread_condattr_destroy(&attr);
	w->started = thread_start(&w->thread, "watcher", watcher_main, w);
	if (!w->started)
		watcher_stop(&w);
	return w;
}

void watcher_stop(struct watcher **w)
{
	struct watcher *x = *w;

	*w = NULL;
	if (x == NULL)
		return;
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
	pthread_cond_signal(&x->wake);
	pthread_mutex_unlock(&x->lock);
	if (x->started)
		pthread_join(x->thread, NULL);
	for (size_t i = 0; i < x->options.n_files; i++)
		free((char *)(uintptr_t)x->options.files[i]);
	pthread_cond_destroy(&x->wake);
	pthread_mutex_destroy(&x->lock);
	free(x);
}
