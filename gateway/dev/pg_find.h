/* Finding PostgreSQL's programs. */
#ifndef GATEWAY_DEV_PG_FIND_H
#define GATEWAY_DEV_PG_FIND_H

#include <stdbool.h>

#define PG_OLDEST 13 /* the oldest major version that works */

struct pg_programs {
	int major;
	char bin[256]; /* folder with initdb and postgres */
};

/* The newest version >= PG_OLDEST, or exactly `major` when that is not 0 (a data folder
 * belongs to one major version). Looks in Debian's and Red Hat's folders,
 * /usr/local/pgsql and PATH. False: there is none. */
bool pg_find(struct pg_programs *out, int major);

/* The major version that `postgres --version` tells: "postgres (PostgreSQL) 15.8 (Debian
 * ...)" -> 15; 0: not understood. Pure. */
int pg_version_parse(const char *text);

#endif
