/* Loaded before libc by LD_PRELOAD: pthread_create fails as where RLIMIT_NPROC or a
 * control group's limit is reached, after the first TOLLGATE_TEST_THREADS threads. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Atomic long left;
static int (*real_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

__attribute__((constructor)) static void set_up(void)
{
	const char *threads = getenv("TOLLGATE_TEST_THREADS");

	*(void **)&real_create = dlsym(RTLD_NEXT, "pthread_create");
	atomic_store(&left, threads != NULL ? strtol(threads, NULL, 10) : 0);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
		   void *arg)
{
	return atomic_fetch_sub(&left, 1) > 0 ? real_create(thread, attr, fn, arg)
					      : EAGAIN;
}
