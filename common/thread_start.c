/* Starting a thread of the program, where the system may not allow it. */
#include "common/thread_start.h"

#include <string.h>

#include "common/log.h"
#include "common/thread.h"

bool thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
	int error = thread_make(thread, name, fn, arg);

	if (error != 0)
		log_error("cannot start the thread %s: %s; raise the limit of threads "
			  "(ulimit -u, TasksMax=) or of memory",
			  name, strerror(error));
	return error == 0;
}
