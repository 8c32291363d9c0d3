/* Looks into a usage journal.
 *
 * A group is read as whoever adopts it would, from the noted tail on, but without its
 * lock. If its process runs meanwhile, records between may be stored and their log
 * removed: what is missing then is no damage, as the tail that has moved on tells. */
#include "gateway/journal/inspect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/journal/journal_files.h"
#include "gateway/journal/recording.h"

static uint64_t sum_of(const struct usage_counts *c)
{
	uint64_t sum = 0, serial, count;
	struct count_key key;

	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++)
		if (usage_counts_get(c, slot, &key, &serial, &count))
			sum += count;
	return sum;
}

/* What is missing before `to`, that was not stored meanwhile. */
static uint64_t damage(const struct usage_group *g, size_t i, uint64_t skipped,
		       uint64_t to)
{
	uint64_t noted;

	if (skipped == 0 || (usage_group_note(g, i, &noted) && noted >= to))
		return 0;
	return skipped;
}

static void read_lane(const struct usage_group *g, size_t i,
		      const struct inspect_group *as, const struct inspect_sink *sink,
		      struct inspect_lane *out)
{
	struct usage_lane *lane = g->lanes[i];
	uint64_t next, skipped = 0;
	const unsigned char *bytes;
	struct usage_event e;
	size_t n;

	*out = (struct inspect_lane){.tail = usage_lane_tail(lane)};
	out->end = out->tail;
	out->gaps = sum_of(g->gaps[i]);
	out->strangers = sum_of(g->strangers[i]);
	while (usage_lane_read(lane, out->end, &bytes, &n, &next)) {
		uint64_t at = next - journal_record_bytes(n);

		out->damaged_bytes +=
			damage(g, i, usage_lane_skipped(lane) - skipped, at);
		skipped = usage_lane_skipped(lane);
		out->end = next;
		if (!usage_event_decode(&e, bytes, n))
			continue;
		if (out->events++ == 0)
			out->oldest_us = e.used_at_us;
		if (sink->event != NULL)
			sink->event(sink->ctx, as, i, at, &e);
	}
	usage_lane_rest(lane);
}

static void inspect_group(int directory, const char *name,
			  const struct inspect_sink *sink)
{
	struct inspect_group out = {.name = name};
	struct usage_group *g =
		usage_group_look(directory, name, &out.in_use, &out.fault);
	struct inspect_lane *lanes;
	struct recording_view stands;

	if (g == NULL) {
		if (sink->group != NULL)
			sink->group(sink->ctx, &out);
		return;
	}
	out = (struct inspect_group){
		.name = name,
		.node = g->node,
		.in_use = out.in_use,
		.instance = g->has_instance ? g->instance : NULL,
		.started_us = g->started_us,
		.file_bytes = journal_folder_bytes(directory, name),
		.n_lanes = g->n_lanes,
	};
	if (recording_read(g->folder, &stands)) {
		out.stands_us = stands.since_us;
		out.why = stands.why;
	}
	lanes = xcalloc(g->n_lanes, sizeof *lanes);
	for (size_t i = 0; i < g->n_lanes; i++)
		read_lane(g, i, &out, sink, &lanes[i]);
	out.lanes = lanes;
	if (sink->group != NULL)
		sink->group(sink->ctx, &out);
	free(lanes);
	usage_group_close(&g);
}

struct inspect_sum usage_group_sum(const struct usage_group *g)
{
	const struct inspect_sink nobody = {0};
	struct inspect_sum sum = {0};
	struct inspect_lane lane;

	for (size_t i = 0; i < g->n_lanes; i++) {
		read_lane(g, i, NULL, &nobody, &lane);
		sum.events += lane.events;
		sum.gaps += lane.gaps;
	}
	return sum;
}

static int is_group(const struct dirent *entry)
{
	return journal_is_group(entry->d_name);
}

bool usage_journal_inspect(const char *path, const struct inspect_sink *sink)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fault;
	struct dirent **entries;
	int n;

	if (directory < 0)
		return false;
	n = scandirat(directory, ".", &entries, is_group, alphasort);
	for (int i = 0; i < n; i++) {
		inspect_group(directory, entries[i]->d_name, sink);
		free(entries[i]);
	}
	fault = errno;
	if (n >= 0)
		free(entries);
	close(directory);
	errno = fault;
	return n >= 0;
}
