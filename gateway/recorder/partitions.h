/* Which days are known to have a partition of token_usage_logs, and the SQL that makes
 * others.
 *
 * Pure. The partitions themselves are made by the SQL function
 * usage_ensure_partition(date). */
#ifndef GATEWAY_RECORDER_PARTITIONS_H
#define GATEWAY_RECORDER_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define PARTITIONS_KNOWN_MAX 64
#define PARTITIONS_AHEAD_DAYS 3 /* kept ready beyond today */

enum partition_kind {
	PARTITION_UNKNOWN,
	PARTITION_KNOWN,
	PARTITION_FRESH,   /* made sure of by the latest statement */
	PARTITION_FOREIGN, /* not ours to write: someone else made it */
};

/* A day is a number as usage_day_of gives it. All zero: nothing is known. */
struct usage_partitions {
	int64_t days[PARTITIONS_KNOWN_MAX];
	enum partition_kind kinds[PARTITIONS_KNOWN_MAX];
	size_t n, next; /* the oldest entry is the next to be replaced */
};

/* Appends one statement that makes sure of those days that are not known. False: all are,
 * nothing is appended. */
bool partitions_sql(struct usage_partitions *p, const int64_t *days, size_t n,
		    struct sbuf *sql);
/* That statement has succeeded. */
void partitions_know(struct usage_partitions *p, const int64_t *days, size_t n);
enum partition_kind partitions_kind(const struct usage_partitions *p, int64_t day);
/* The day's rows could not be put into its partition. A fresh one is foreign then;
 * another one is forgotten: someone may have dropped it. */
void partitions_failed(struct usage_partitions *p, int64_t day);
/* After a reconnect, or when a row found no partition: someone may have dropped it. */
void partitions_forget(struct usage_partitions *p);

#endif
