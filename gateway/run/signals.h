/* The signals that the main thread waits for, and that no other thread gets. */
#ifndef GATEWAY_RUN_SIGNALS_H
#define GATEWAY_RUN_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Blocks SIGTERM, SIGINT and SIGHUP in this thread and those that it starts; SIGPIPE is
 * ignored. Before any thread is started. */
void signals_block(void);
/* Waits for the next: SIGTERM, SIGINT or SIGHUP; 0: none within so many milliseconds (0:
 * waits for ever). Main thread. */
int signals_wait(uint32_t ms);
/* Whether SIGTERM or SIGINT has come (again), or comes within that time; a SIGHUP is kept
 * for signals_wait. Main thread. */
bool signals_stop_within(uint32_t ms);

#endif
