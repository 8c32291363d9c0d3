/* Proves the statistics: counts rows again and compares with every cell.
 *
 * For the command line: waits. */
#ifndef GATEWAY_STATISTICS_VERIFY_H
#define GATEWAY_STATISTICS_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct usage_verify_options {
	const char *conninfo;
	const char *from, *to; /* as PostgreSQL reads times, UTC where no offset is told;
				* NULL: all there is */
	bool repair;           /* count again what differs, then compare once more */
	/* Hears what was found, a line at a time without newline. */
	void (*report)(void *ctx, const char *line);
	void *report_ctx;
};

enum usage_verdict {
	VERIFY_EQUAL,
	VERIFY_DIFFERS, /* after the repair, where one was asked for */
	VERIFY_FAILED,  /* error says why */
};

/* One snapshot of the database: right while rows come in. Intervals that wait to be
 * counted again are left out, and reported as such. */
enum usage_verdict usage_verify(const struct usage_verify_options *o, struct sbuf *error);

#endif
