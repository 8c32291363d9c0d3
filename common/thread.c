/* Making a thread that takes no signals. */
#include "common/thread.h"

#include <signal.h>

#include "common/check.h"

/* All but those that a thread's own fault raises: blocked, they would end the process
 * without a word. */
static void set_of_others(sigset_t *set)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

	sigfillset(set);
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		sigdelset(set, own[i]);
}

int thread_make(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t others, before;
	int error;

	set_of_others(&others);
	CHECK(pthread_sigmask(SIG_BLOCK, &others, &before) == 0);
	error = pthread_create(thread, NULL, fn, arg);
	CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (error == 0)
		pthread_setname_np(*thread, name);
	return error;
}
