/* A thread that looks after files and children while `tollgate dev` runs. */
#ifndef GATEWAY_DEV_WATCHER_H
#define GATEWAY_DEV_WATCHER_H

#include <stddef.h>

#define WATCHER_FILES_MAX 24

struct watcher_options {
	/* Files, which need not exist; copied. */
	const char *files[WATCHER_FILES_MAX];
	size_t n_files;
	void (*on_change)(void *ctx); /* some file changed, and is quiet again */
	void (*on_tick)(void *ctx);   /* several times a second */
	void *ctx;                    /* both run on the watcher's thread */
};

struct watcher;

/* NULL: no thread can be started (logged). */
struct watcher *watcher_start(const struct watcher_options *o);
/* Joins; on_change and on_tick do not run afterwards. Clears *w. */
void watcher_stop(struct watcher **w);

#endif
