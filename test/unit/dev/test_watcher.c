/* The watcher: a change is told once, whatever way the file was changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/files.h"
#include "gateway/dev/watcher.h"

struct seen {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned changes, ticks;
};

static void count(struct seen *s, unsigned *counter)
{
	pthread_mutex_lock(&s->lock);
	++*counter;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static void on_change(void *ctx)
{
	struct seen *s = ctx;

	count(s, &s->changes);
}

static void on_tick(void *ctx)
{
	struct seen *s = ctx;

	count(s, &s->ticks);
}

/* True once *counter is n; false after ten seconds. */
static bool wait_for(struct seen *s, const unsigned *counter, unsigned n)
{
	struct timespec until;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&s->lock);
	while (*counter < n && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
		continue;
	ok = *counter >= n;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

/* Several looks later nothing more was told. */
static void assert_changes(struct seen *s, unsigned n)
{
	unsigned ticks;

	assert_true(wait_for(s, &s->changes, n));
	pthread_mutex_lock(&s->lock);
	ticks = s->ticks;
	pthread_mutex_unlock(&s->lock);
	assert_true(wait_for(s, &s->ticks, ticks + 4));
	pthread_mutex_lock(&s->lock);
	assert_int_equal(s->changes, n);
	pthread_mutex_unlock(&s->lock);
}

static void append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void changes_are_told_once(void **state)
{
	struct seen s = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
	char folder[] = "/tmp/tollgate-unit-XXXXXX";
	char *a, *b;
	struct watcher_options o = {
		.n_files = 2, .on_change = on_change, .on_tick = on_tick, .ctx = &s};
	struct watcher *w;

	(void)state;
	assert_non_null(mkdtemp(folder));
	a = path_join(folder, "a");
	b = path_join(folder, "b");
	append(a, "1");
	o.files[0] = a;
	o.files[1] = b; /* not there yet */
	w = watcher_start(&o);
	assert_changes(&s, 0);
	append(a, "2");
	assert_changes(&s, 1);
	assert_true(
		file_write_private(a, STR("12"))); /* replaced: same size, other file */
	assert_changes(&s, 2);
	append(b, "new");
	assert_changes(&s, 3);
	assert_int_equal(unlink(b), 0);
	assert_changes(&s, 4);
	watcher_stop(&w);
	assert_null(w);
	unlink(a);
	assert_int_equal(rmdir(folder), 0);
	free(a);
	free(b);
}

static void stop_of_nothing(void **state)
{
	struct watcher *w = NULL;

	(void)state;
	watcher_stop(&w);
	assert_null(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_told_once),
		cmocka_unit_test(stop_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
