/* Starting a thread of the program, where the system may not allow it. */
#ifndef COMMON_THREAD_START_H
#define COMMON_THREAD_START_H

#include <pthread.h>
#include <stdbool.h>

/* As thread_make. False: the system allows no further thread (limits of processes or of
 * memory), which is logged. */
bool thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg);

#endif
