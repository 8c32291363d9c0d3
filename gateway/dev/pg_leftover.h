/* A PostgreSQL server that an earlier run left behind (after kill -9). */
#ifndef GATEWAY_DEV_PG_LEFTOVER_H
#define GATEWAY_DEV_PG_LEFTOVER_H

#include <stdbool.h>

/* Stops every server process that works in that data folder, and removes a postmaster.pid
 * that names none of them (its number may be another process's by now). The caller holds
 * the state's lock, so none of them is wanted. False: it complained. */
bool pg_leftover_stop(const char *data);

#endif
