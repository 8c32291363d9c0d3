/* `tollgate nodes`: the gateways that run on a database, as they tell of themselves. */
#include <cjson/cJSON.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"

#define ERROR_MAX (64u << 10)

static const cJSON *field(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void add_node(struct table *t, const cJSON *node)
{
	const cJSON *tokens = field(node, "tokens"), *usage = field(node, "usage");
	const char *state = cJSON_GetStringValue(field(node, "state"));
	bool is_live = state != NULL && strcmp(state, "live") == 0;
	bool is_newest = cJSON_IsTrue(field(tokens, "is_newest"));

	table_add(t, cJSON_GetStringValue(field(node, "name")));
	table_add_painted(t, state, is_live ? PAINT_GOOD : PAINT_BAD);
	table_add_painted(t, is_newest ? "newest" : "behind",
			  is_newest ? PAINT_GOOD : PAINT_BAD);
	table_add_number(t, cJSON_GetNumberValue(field(usage, "waiting_bytes")));
	table_add_number(t, cJSON_GetNumberValue(field(usage, "dropped")));
	table_add(t, cJSON_GetStringValue(field(node, "version")));
	table_add(t, cJSON_GetStringValue(field(node, "started_at")));
	table_add(t, cJSON_GetStringValue(field(node, "reported_at")));
}

static void print_nodes(const cJSON *nodes)
{
	static const struct table_column columns[] = {
		{"NODE", TABLE_TEXT, 24},     {"STATE", TABLE_TEXT, 8},
		{"KEYS", TABLE_TEXT, 8},      {"WAITING BYTES", TABLE_NUMBER, 13},
		{"DROPPED", TABLE_NUMBER, 8}, {"VERSION", TABLE_TEXT, 10},
		{"STARTED", TABLE_TIME, 24},  {"HEARD OF", TABLE_TIME, 0},
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *node;

	cJSON_ArrayForEach(node, nodes) add_node(t, node);
	table_print(&t);
}

static int run(const struct cli_call *c)
{
	struct cli_db o = cli_db_of(c);
	struct pg_sync *db = cli_db_open(&o, c->path);
	struct sbuf error;
	cJSON *list = NULL;
	PGresult *r;

	if (db == NULL)
		return 1;
	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(db, "SELECT public.nodes_list()", NULL, 0, &error);
	if (r == NULL)
		cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&error)));
	else
		list = cJSON_Parse(PQgetvalue(r, 0, 0));
	PQclear(r);
	pg_sync_close(&db);
	sbuf_fini(&error);
	if (list == NULL)
		return 1;
	if (cli_has(c, "json")) {
		screen_print_json(list);
		return 0;
	}
	if (!table_says_none(c, (size_t)cJSON_GetArraySize(field(list, "items"))))
		print_nodes(field(list, "items"));
	cJSON_Delete(list);
	return 0;
}

const struct cli_command *cli_nodes(void)
{
	static const struct cli_command command = {
		.name = "nodes",
		.summary = "list the gateways that run on a database",
		.text = "Lists the gateways that run on a database, as they tell of "
			"themselves every few seconds: whether they have the newest keys, "
			"how much usage waits on their disks, and what had to be dropped.",
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate nodes", "tollgate nodes --json"},
		.none = "no gateways yet: tollgate serve --config FILE",
		.run = run,
	};

	return &command;
}
