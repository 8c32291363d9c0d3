/* The state folder of `tollgate dev`: one run at a time, and what it keeps between runs.
 *
 *   lock             held by the run that uses the folder; holds its process id
 *   dev.env          for shells, while it runs; mode 0600
 *   demo.key         the demo key, mode 0600 (the database holds only its hash)
 *   pg, pg.*         the private PostgreSQL (pg_place.h), postgres.log
 *   tokens.snapshot  the gateway's */
#ifndef GATEWAY_DEV_DEV_STATE_H
#define GATEWAY_DEV_DEV_STATE_H

#include <limits.h>
#include <stdbool.h>

struct dev_state {
	char path[PATH_MAX]; /* absolute, without links */
	int lock_fd;
};

/* Makes the folder where it is missing and locks it. False: it complained, and *s is
 * closed. */
bool dev_state_open(struct dev_state *s, const char *folder);
/* For --fresh: deletes what earlier runs left, but for the cluster, which
 * private_pg_start deletes. */
void dev_state_forget(const struct dev_state *s);
/* Removes dev.env and unlocks. */
void dev_state_close(struct dev_state *s);

#endif
