/* What a usage journal holds, for people: read only, also while processes use it
 * (docs/usage-journal.md). */
#ifndef GATEWAY_JOURNAL_INSPECT_H
#define GATEWAY_JOURNAL_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/event.h"
#include "gateway/journal/group.h"

struct inspect_lane {
	uint64_t tail; /* stored up to here, as the ring's file notes */
	uint64_t end;  /* of the last event */
	uint64_t events;
	uint64_t damaged_bytes; /* between tail and end */
	int64_t oldest_us;      /* used_at of the first event that waits; 0: none does */
	uint64_t gaps, strangers; /* sums of the counters in use, stored or not */
};

struct inspect_group {
	const char *name, *node;
	const char *fault; /* NULL, or why it cannot be read; nothing else is set then */
	bool in_use;       /* by a process that runs */
	const unsigned char
		*instance; /* of the database they belong to; NULL: not noted */
	int64_t started_us;
	uint64_t file_bytes;
	int64_t stands_us; /* since when nothing of it could be stored; 0: it could */
	const char *why;
	const struct inspect_lane *lanes;
	size_t n_lanes;
};

struct inspect_sink {
	/* Each may be NULL. group->lanes is NULL in `event`; the event is borrowed. */
	void (*group)(void *ctx, const struct inspect_group *group);
	void (*event)(void *ctx, const struct inspect_group *group, size_t lane,
		      uint64_t position, const struct usage_event *e);
	void *ctx;
};

/* Group by group, by name; events lane by lane, in order. False: the directory cannot be
 * read, errno tells. Blocking. */
bool usage_journal_inspect(const char *directory, const struct inspect_sink *sink);

/* Of a group that was adopted, or is looked at: how many events wait in it, and how many
 * were dropped, stored or not. Blocking. */
struct inspect_sum {
	uint64_t events, gaps;
};

struct inspect_sum usage_group_sum(const struct usage_group *g);

#endif
