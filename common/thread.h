/* Making a thread that takes no signals. */
#ifndef COMMON_THREAD_H
#define COMMON_THREAD_H

#include <pthread.h>

/* Starts fn(arg) under a name of up to 15 characters. The thread takes no signals but
 * those of its own faults: the main thread waits for them. Returns 0, or why the system
 * allows no further thread, as an error number. */
int thread_make(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg);

#endif
