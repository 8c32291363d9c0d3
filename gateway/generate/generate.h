/* Made-up usage in the database: written, and taken away again. Waits: for the command
 * line.
 *
 * Rows carry tags {"generated": true}. Tokens that are made for them have 'generated' in
 * key_start, a key that nobody knows, and no scope. usage_generated tells what was
 * made. */
#ifndef GATEWAY_GENERATE_GENERATE_H
#define GATEWAY_GENERATE_GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/pg_sync.h"

#define GENERATE_SAMPLE_CALLS 100
/* The mean; a day is summed in memory, some 150 bytes a call of the busiest. */
#define GENERATE_DAY_CALLS_MAX INT64_C(30000000)

struct generate_options {
	struct pg_sync *db;
	const char *const *paths; /* of routes: those that there are */
	size_t n_paths;           /* at least one */
	/* Called with lines for people. */
	void (*report)(void *ctx, const char *line);
	void *ctx;
	struct sbuf *error; /* takes the reason of a false */
};

/* Whether calls were recorded here that nobody made up. False: error says why. */
bool usage_generate_finds_real(struct pg_sync *db, bool *found, struct sbuf *error);

/* One of these runs at a time; others wait for it, and say so. They need a login that may
 * act as tollgate_owner. */

/* A sample to look at: 100 calls of the tokens that there are (three are made where there
 * is none), one an hour back from now (closer where rows are kept for less than that),
 * with statuses 200, 400 and 500. */
bool usage_generate_sample(const struct generate_options *o);

struct generate_load {
	int64_t calls;
	unsigned days, tokens, routes;
	/* of the last so many days rows are written, of all of them cells */
	unsigned raw_days;
	uint64_t seed;
};

/* The bounds of struct workload_options hold, and calls is at most days times
 * GENERATE_DAY_CALLS_MAX. Tokens are made and marked; routes are the paths that there
 * are, and made-up ones. Days without rows need a database without any other usage in or
 * before them; rows are not made of days that retention has dropped. */
bool usage_generate_load(const struct generate_options *o,
			 const struct generate_load *load);

/* Takes away everything that was ever made here. */
bool usage_generate_remove(const struct generate_options *o);

#endif
