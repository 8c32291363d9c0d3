/* Which days are known to have a partition of token_usage_logs, under which name, and the
 * SQL that looks for others.
 *
 * Pure. Partitions are made by upkeep (upkeep.h), never by who writes: rows of a day that
 * has none, or one that refuses them, are held in token_usage_logs_held meanwhile. */
#ifndef GATEWAY_RECORDER_PARTITIONS_H
#define GATEWAY_RECORDER_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define PARTITIONS_KNOWN_MAX 64
#define PARTITIONS_NAME_MAX 64 /* NAMEDATALEN: PostgreSQL manual, 4.1.1 */

struct usage_partition {
	int64_t day;                    /* as usage_day_of gives it */
	char name[PARTITIONS_NAME_MAX]; /* "": its rows are held */
	uint64_t look_us;               /* looked for (again) from then on */
	unsigned failures;              /* in a row */
};

/* All zero: nothing is known. */
struct usage_partitions {
	struct usage_partition days[PARTITIONS_KNOWN_MAX];
	size_t n;
};

/* Appends one statement that looks for the partitions of those days of which nothing is
 * known, or that are to be looked for again. False: of none, nothing is appended. It
 * answers with rows of a day's number and its partition's name. */
bool partitions_sql(struct usage_partitions *p, const int64_t *days, size_t n,
		    uint64_t now_us, struct sbuf *sql);
/* That statement has succeeded; partitions_found follows for each row of its answer. */
void partitions_looked(struct usage_partitions *p, const int64_t *days, size_t n,
		       uint64_t now_us);
void partitions_found(struct usage_partitions *p, int64_t day, const char *name);

/* Where the day's rows go; NULL: they are held. Until the next call of any other. */
const char *partitions_name(const struct usage_partitions *p, int64_t day);
/* Rows were stored there. */
void partitions_worked(struct usage_partitions *p, int64_t day);
/* They were refused. The first time, where `is_gone`, the partition may have been dropped
 * or replaced: it is looked for at once. Else the day's rows are held, and it is tried
 * again after a while, which grows. True: they are held. */
bool partitions_failed(struct usage_partitions *p, int64_t day, bool is_gone,
		       uint64_t now_us);
/* A row was refused, perhaps since its partition is not what it was: all are looked for
 * anew. */
void partitions_doubt(struct usage_partitions *p);
/* Another session: nothing is known. */
void partitions_forget(struct usage_partitions *p);

#endif
