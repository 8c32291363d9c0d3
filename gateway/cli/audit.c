/* `tollgate audit`: what was changed, and by whom. */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"

static void print_lines(const cJSON *lines)
{
	static const struct table_column columns[] = {
		{"AT", TABLE_TIME, 32},   {"BY", TABLE_TEXT, 20},
		{"WHAT", TABLE_TEXT, 18}, {"ID", TABLE_TEXT, 0},
		{"NAME", TABLE_EXTRA, 0}, {"FROM", TABLE_EXTRA, 0},
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *line, *row;

	cJSON_ArrayForEach(line, lines)
	{
		row = cJSON_GetObjectItemCaseSensitive(line, "after");
		if (!cJSON_IsObject(row))
			row = cJSON_GetObjectItemCaseSensitive(line, "before");
		cli_people_cell(t, line, "created_at");
		cli_people_cell(t, line, "actor");
		cli_people_cell(t, line, "action");
		cli_people_cell(t, line, "target_id");
		cli_people_cell(t, row, "name");
		cli_people_cell(t, line, "address");
	}
	table_print(&t);
}

/* What was given, as people_audit takes it. The caller frees. */
static char *filter_of(const struct cli_call *c)
{
	static const char *const texts[] = {"action", "target", "user",
					    "team",   "from",   "to"};
	cJSON *filter = cJSON_CreateObject();
	char *text;

	cJSON_AddNumberToObject(filter, "limit", (double)cli_number(c, "limit", 50));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (cli_has(c, texts[i]))
			cJSON_AddStringToObject(filter, texts[i], cli_text(c, texts[i]));
	text = cJSON_PrintUnformatted(filter);
	CHECK(text != NULL);
	cJSON_Delete(filter);
	return text;
}

static int list(struct cli_people *a)
{
	char *filter = filter_of(a->call);
	const char *const values[] = {NULL, filter};
	cJSON *page = cli_people_ask(a, PEOPLE_AUDIT, values, 2);

	cJSON_free(filter);
	if (page == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(page);
		return 0;
	}
	print_lines(cJSON_GetObjectItemCaseSensitive(page, "items"));
	cJSON_Delete(page);
	return 0;
}

static int run(const struct cli_call *c)
{
	return cli_people_run(c, list);
}

const struct cli_command *cli_audit(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("limit", CLI_NUMBER, "N", "how many, up to 200 (50)",
			   .least = 1, .most = 200),
		CLI_OPTION("user", CLI_TEXT, "USER", "by this user: a name or an id"),
		CLI_OPTION("team", CLI_TEXT, "TEAM", "of this team: a name or an id"),
		CLI_OPTION("action", CLI_TEXT, "ACTION",
			   "only this: token.created, team.changed, ..."),
		CLI_OPTION("target", CLI_TEXT, "KIND",
			   "only of such: token, team, user, ..."),
		CLI_OPTION("from", CLI_TEXT, "TIME", "not before 2026-11-24T12:30:00Z"),
		CLI_OPTION("to", CLI_TEXT, "TIME", "before this"),
		{0},
	};
	static const struct cli_command command = {
		.name = "audit",
		.summary = "tell what was changed, and by whom",
		.text = "Tells the latest changes of tokens, teams and people, newest "
			"first: when, by whom (a user, or the database role of a change "
			"by hand), what, of which. In JSON with what was before and after.",
		.options = options,
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate audit",
			     "tollgate audit --team research --limit 200 --json"},
		.run = run,
	};

	return &command;
}
