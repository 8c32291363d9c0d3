/* `tollgate journal`: what a usage journal holds, also while gateways use it; the other
 * subcommands by name. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/cli/journal_event.h"
#include "gateway/cli/screen.h"
#include "gateway/recorder/copy_row.h"
#include "gateway/journal/inspect.h"

struct inspection {
	size_t groups, unreadable;
	uint64_t bytes, events;
};

/* --- the overview --- */

static void print_time(const char *before, int64_t us)
{
	char text[USAGE_TIME_TEXT_MAX];

	usage_time_text(text, us);
	printf("%s%.10sT%.8sZ", before, text, text + 11);
}

static void print_lane(size_t i, const struct inspect_lane *lane)
{
	printf("  lane %zu: stored to %llu, ends at %llu: %llu events wait (%llu bytes)",
	       i, (unsigned long long)lane->tail, (unsigned long long)lane->end,
	       (unsigned long long)lane->events,
	       (unsigned long long)(lane->end - lane->tail));
	if (lane->events > 0) {
		print_time(", the oldest of ", lane->oldest_us);
		printf(", %lld s ago",
		       (long long)((clock_wall_us() - lane->oldest_us) / 1000000));
	}
	if (lane->damaged_bytes > 0)
		printf("; %llu bytes between are damaged or missing",
		       (unsigned long long)lane->damaged_bytes);
	printf("\n          counters: %llu events dropped, %llu strangers\n",
	       (unsigned long long)lane->gaps, (unsigned long long)lane->strangers);
}

static void on_group(void *ctx, const struct inspect_group *g)
{
	char instance[2 * JOURNAL_INSTANCE_BYTES + 1];
	struct inspection *all = ctx;

	all->groups++;
	if (g->fault != NULL) {
		all->unreadable++;
		printf("group %s cannot be read: %s\n", g->name, g->fault);
		return;
	}
	cli_say(stdout, "group %s, %s, node %s", g->name,
		g->in_use ? "in use" : "of a process that is gone", g->node);
	print_time(", started ", g->started_us);
	printf(", %zu lanes, files of %llu bytes", g->n_lanes,
	       (unsigned long long)g->file_bytes);
	if (g->instance != NULL) {
		hex_encode(instance, g->instance, JOURNAL_INSTANCE_BYTES);
		printf(", of database %s", instance);
	}
	printf("\n");
	if (g->stands_us != 0) {
		print_time("  recording stands since ", g->stands_us);
		printf(", %lld s ago: %s\n",
		       (long long)((clock_wall_us() - g->stands_us) / 1000000), g->why);
	}
	for (size_t i = 0; i < g->n_lanes; i++) {
		print_lane(i, &g->lanes[i]);
		all->events += g->lanes[i].events;
	}
	all->bytes += g->file_bytes;
}

/* --- events --- */

static void add_position(cJSON *to, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	cJSON_AddItemToObject(to, name, cJSON_CreateRaw(text));
}

static void on_event(void *ctx, const struct inspect_group *g, size_t lane,
		     uint64_t position, const struct usage_event *e)
{
	cJSON *line = cJSON_CreateObject();
	char *text;

	(void)ctx;
	CHECK(line != NULL);
	cJSON_AddStringToObject(line, "group", g->name);
	add_position(line, "lane", lane);
	add_position(line, "position", position);
	journal_event_add_text(line, "node", str_of(g->node));
	journal_event_add(line, e);
	text = cJSON_PrintUnformatted(line);
	CHECK(text != NULL);
	screen_print_json_text(text);
	cJSON_free(text);
	cJSON_Delete(line);
}

static void on_unread_group(void *ctx, const struct inspect_group *g)
{
	struct inspection *all = ctx;

	if (g->fault == NULL)
		return;
	all->unreadable++;
	fprintf(stderr, "tollgate journal: group %s cannot be read: %s\n", g->name,
		g->fault);
}

/* --- the subcommand --- */

static int inspect(const struct cli_call *c)
{
	const char *directory = c->operands[0];
	struct inspection all = {0};
	struct inspect_sink sink = {.group = on_group, .ctx = &all};
	bool events = cli_has(c, "events");

	if (events) {
		sink.group = on_unread_group;
		sink.event = on_event;
	}
	if (!usage_journal_inspect(directory, &sink))
		return cli_fail(c, "cannot read %s: %s", directory, strerror(errno));
	if (!events)
		printf("%zu groups, files of %llu bytes, %llu events wait\n", all.groups,
		       (unsigned long long)all.bytes, (unsigned long long)all.events);
	return all.unreadable > 0;
}

static const struct cli_command *cli_journal_inspect(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("events", CLI_FLAG, NULL,
			   "instead, the events that wait, as one JSON object a line"),
		{0},
	};
	static const struct cli_command command = {
		.name = "inspect",
		.summary = "tell what a journal holds, also while gateways use it",
		.arguments = "DIR",
		.least = 1,
		.most = 1,
		.text = "Tells what the usage journal in DIR (usage.journal_dir) holds: "
			"each process's group, its lanes, up to where they are stored, "
			"what waits, and counters. It only reads, and may run beside "
			"gateways.",
		.options = options,
		.examples = {"tollgate journal inspect /var/lib/tollgate/usage",
			     "tollgate journal inspect --events /var/lib/tollgate/usage"},
		.fails = "if a group cannot be read",
		.run = inspect,
	};

	return &command;
}

static const struct cli_command *command_at(size_t i)
{
	static const struct cli_command *(*const all[])(void) = {
		cli_journal_inspect,
		cli_journal_hand_over,
		cli_journal_discard,
	};

	return i < ARRAY_LEN(all) ? all[i]() : NULL;
}

const struct cli_command *cli_journal(void)
{
	static const struct cli_command command = {
		.name = "journal",
		.summary = "tell what a usage journal on disk holds",
		.examples = {"tollgate journal inspect /var/lib/tollgate/usage",
			     "tollgate help journal discard"},
		.subcommand = command_at,
	};

	return &command;
}
