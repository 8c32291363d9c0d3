/* `tollgate audit`: what was changed, and by whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"
#include "gateway/statistics/question_fields.h"

#define CHANGES_MAX (256u << 10)

/* --- what has changed --- */

static void put_value(struct sbuf *out, const cJSON *value)
{
	char *text;

	if (value == NULL || cJSON_IsNull(value)) {
		sbuf_lit(out, "none");
	} else if (cJSON_IsString(value)) {
		sbuf_str(out, str_of(value->valuestring));
	} else {
		text = cJSON_PrintUnformatted(value);
		CHECK(text != NULL);
		sbuf_str(out, str_of(text));
		cJSON_free(text);
	}
}

static void put_change(struct sbuf *out, const char *between, const cJSON *field,
		       const cJSON *was, const cJSON *is)
{
	if (cJSON_Compare(was, is, true) || (was == NULL && cJSON_IsNull(is)) ||
	    (is == NULL && cJSON_IsNull(was)))
		return;
	sbuf_printf(out, "%s%s: ", out->n > 0 ? between : "", field->string);
	if (was != NULL)
		put_value(out, was);
	sbuf_str(out, was != NULL && is != NULL ? STR(" -> ") : STR(""));
	if (is != NULL)
		put_value(out, is);
}

/* "scopes: ["x"] -> ["x","y"]", with `between` between two; of what began or ended what
 * there is or was. */
static void put_changes(struct sbuf *out, const char *between, const cJSON *line)
{
	const cJSON *before = cJSON_GetObjectItemCaseSensitive(line, "before");
	const cJSON *after = cJSON_GetObjectItemCaseSensitive(line, "after"), *field;

	cJSON_ArrayForEach(field, before)
		put_change(out, between, field, field,
			   cJSON_GetObjectItemCaseSensitive(after, field->string));
	cJSON_ArrayForEach(field, after) if (cJSON_GetObjectItemCaseSensitive(
						     before, field->string) == NULL)
		put_change(out, between, field, NULL, field);
}

static const cJSON *row_of(const cJSON *line)
{
	const cJSON *row = cJSON_GetObjectItemCaseSensitive(line, "after");

	return cJSON_IsObject(row) ? row
				   : cJSON_GetObjectItemCaseSensitive(line, "before");
}

static void add_changes(struct table *t, const cJSON *line)
{
	struct sbuf text;

	sbuf_init(&text, CHANGES_MAX);
	if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(line, "before")) &&
	    cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(line, "after")))
		put_changes(&text, "; ", line);
	table_add(t, text.overflow ? "much" : sbuf_text(&text));
	sbuf_fini(&text);
}

static void print_lines(const cJSON *lines)
{
	static const struct table_column columns[] = {
		{"AT", TABLE_TIME, 32},      {"BY", TABLE_TEXT, 20},
		{"WHAT", TABLE_TEXT, 18},    {"ID", TABLE_TEXT, 0},
		{"NAME", TABLE_EXTRA, 0},    {"FROM", TABLE_EXTRA, 0},
		{"CHANGED", TABLE_EXTRA, 0},
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *line;

	cJSON_ArrayForEach(line, lines)
	{
		cli_people_cell(t, line, "created_at");
		cli_people_cell(t, line, "actor");
		cli_people_cell(t, line, "action");
		cli_people_cell(t, line, "target_id");
		cli_people_cell(t, row_of(line), "name");
		cli_people_cell(t, line, "address");
		add_changes(t, line);
	}
	table_print(&t);
}

/* Each with all that it says, below its own line. */
static void print_whole(const cJSON *line)
{
	static const char *const more[] = {"address", "request_id", "acting"};
	struct sbuf text;

	cli_say(stdout, "%s  %s  %s %s '%s'\n", cli_people_text(line, "at"),
		cli_people_text(line, "actor"), cli_people_text(line, "action"),
		cli_people_text(line, "target_id"),
		cli_people_text(row_of(line), "name"));
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (cJSON_GetStringValue(
			    cJSON_GetObjectItemCaseSensitive(line, more[i])) != NULL)
			cli_say(stdout, "    %s: %s\n", more[i],
				cli_people_text(line, more[i]));
	sbuf_init(&text, CHANGES_MAX);
	put_changes(&text, "\n    ", line);
	if (text.n > 0)
		cli_say(stdout, "    %s\n", text.overflow ? "much" : sbuf_text(&text));
	sbuf_fini(&text);
}

static void print_page(const struct cli_people *a, const cJSON *page)
{
	const cJSON *lines = cJSON_GetObjectItemCaseSensitive(page, "items"), *line;
	const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");

	if (table_says_none(a->call, (size_t)cJSON_GetArraySize(lines)))
		return;
	if (cli_has(a->call, "full"))
		cJSON_ArrayForEach(line, lines) print_whole(line);
	else
		print_lines(lines);
	if (cJSON_IsNumber(next))
		cli_say(stderr, "there are older ones: --after %.0f\n",
			next->valuedouble);
}

/* --- what is asked --- */

/* Of --last, as people_audit takes it. */
static void add_last(const struct cli_call *c, cJSON *filter)
{
	char *start;
	char text[40];

	if (!cli_has(c, "last"))
		return;
	start = question_time_text(1000 * (time(NULL) - cli_number(c, "last", 0)));
	snprintf(text, sizeof text, "%sZ", start);
	cJSON_AddStringToObject(filter, "from", text);
	free(start);
}

/* What was given, as people_audit takes it. The caller frees. */
static cJSON *filter_of(const struct cli_call *c)
{
	static const char *const texts[] = {"action", "target", "user", "team",
					    "from",   "to",     "actor"};
	cJSON *filter = cJSON_CreateObject();

	cJSON_AddNumberToObject(filter, "limit", (double)cli_number(c, "limit", 50));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (cli_has(c, texts[i]))
			cJSON_AddStringToObject(filter, texts[i], cli_text(c, texts[i]));
	cli_people_add_text(c, filter, "target_id", "id");
	if (cli_has(c, "after"))
		cJSON_AddNumberToObject(filter, "after",
					(double)cli_number(c, "after", 0));
	add_last(c, filter);
	return filter;
}

static cJSON *ask_page(struct cli_people *a, const cJSON *filter)
{
	char *text = cJSON_PrintUnformatted(filter);
	const char *const values[] = {NULL, text};
	cJSON *page;

	CHECK(text != NULL);
	page = cli_people_ask(a, PEOPLE_AUDIT, values, 2);
	cJSON_free(text);
	return page;
}

static int list(struct cli_people *a)
{
	cJSON *filter = filter_of(a->call), *page;
	int status;

	if (cli_has(a->call, "format")) {
		status = cli_people_lines(a, PEOPLE_AUDIT, LIST_AUDIT, filter);
		cJSON_Delete(filter);
		return status;
	}
	page = ask_page(a, filter);
	cJSON_Delete(filter);
	if (page == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(page);
		return 0;
	}
	print_page(a, page);
	cJSON_Delete(page);
	return 0;
}

static int run(const struct cli_call *c)
{
	if (cli_has(c, "last") && (cli_has(c, "from") || cli_has(c, "to")))
		return cli_usage_error(c, "--last, or --from and --to, not both");
	if (lines_refused(c) != 0)
		return 2;
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
		CLI_OPTION("id", CLI_TEXT, "ID", "only of the one with this id"),
		CLI_OPTION("actor", CLI_TEXT, "NAME",
			   "by whom, as it is written: a database role, too"),
		CLI_OPTION("last", CLI_LIFETIME, "TIME", "the range until now: 24h, 7d"),
		CLI_OPTION("from", CLI_TEXT, "TIME", "not before 2026-11-24T12:30:00Z"),
		CLI_OPTION("to", CLI_TEXT, "TIME", "before this"),
		CLI_OPTION("after", CLI_NUMBER, "NEXT", "those older than it, as it said",
			   .least = 1, .most = INT64_MAX),
		CLI_OPTION("full", CLI_FLAG, NULL,
			   "with all that was before and is after, below each"),
		LINES_OPTION,
		{0},
	};
	static const struct cli_command command = {
		.name = "audit",
		.summary = "tell what was changed, and by whom",
		.text = "Tells the latest changes of tokens, teams and people, newest "
			"first: when, by whom (a user, or the database role of a change "
			"by hand), what, of which; on a terminal with what has changed, with "
			"--full or in JSON with all.",
		.options = options,
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate audit",
			     "tollgate audit --last 7d --team research --full"},
		.none = "nothing has been changed yet",
		.run = run,
	};

	return &command;
}
