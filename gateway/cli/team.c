/* `tollgate team`: teams, what their tokens may be given, and who belongs to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"

static int told(const struct cli_people *a, cJSON *team, const char *what)
{
	const cJSON *above = cJSON_GetObjectItemCaseSensitive(team, "above_ceiling");
	const cJSON *token;

	if (team == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(team);
		return 0;
	}
	cli_say(stdout, "team '%s' %s\n", cli_people_text(team, "name"), what);
	cJSON_ArrayForEach(token, above) cli_say(
		stdout, "token %.0f '%s' has more than the team may give\n",
		cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(token, "id")),
		cli_people_text(token, "name"));
	cJSON_Delete(team);
	return 0;
}

/* A team's bound: what was given for it, or that there is none. */
static void add_bound(const struct cli_call *c, cJSON *spec, const char *name,
		      const char *option, bool no_bounds)
{
	if (cli_has(c, option))
		cli_people_add_list(c, spec, name, option);
	else if (no_bounds)
		cJSON_AddNullToObject(spec, name);
}

/* The bounds and the name, as given. */
static cJSON *team_spec(const struct cli_call *c, const char *name, bool no_bounds)
{
	int64_t longest = cli_number(c, "longest", 0);
	cJSON *spec = cJSON_CreateObject();

	if (name != NULL)
		cJSON_AddStringToObject(spec, "name", name);
	add_bound(c, spec, "scopes_most", "scope", no_bounds);
	add_bound(c, spec, "address_ranges_most", "address", no_bounds);
	if (longest > 0)
		cJSON_AddNumberToObject(spec, "lifetime_most_s", (double)longest);
	else if (no_bounds)
		cJSON_AddNullToObject(spec, "lifetime_most_s");
	return spec;
}

static int add(struct cli_people *a)
{
	char *spec = json_text_take(team_spec(a->call, a->call->operands[0], false));
	const char *const values[] = {NULL, spec};
	cJSON *team = cli_people_ask(a, PEOPLE_TEAM_ADD, values, 2);

	free(spec);
	return told(a, team, "is made");
}

static int set(struct cli_people *a)
{
	const struct cli_call *c = a->call;
	cJSON *spec = team_spec(c, cli_text(c, "name"), cli_has(c, "no-bounds")), *team;
	char *text;

	if (cli_has(c, "disable") || cli_has(c, "enable"))
		cJSON_AddBoolToObject(spec, "disabled", cli_has(c, "disable"));
	text = json_text_take(spec);
	team = cli_people_ask(a, PEOPLE_TEAM_CHANGE,
			      (const char *const[]){NULL, c->operands[0], text}, 3);
	free(text);
	return told(a, team, "is changed");
}

static int remove_team(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0]};

	return told(a, cli_people_ask(a, PEOPLE_TEAM_REMOVE, values, 2), "is removed");
}

static int member(struct cli_people *a)
{
	const char *const *which = a->call->operands;
	const char *role = cli_text(a->call, "role");
	const char *const values[] = {NULL, which[0], which[1],
				      strcmp(role, "none") == 0 ? NULL : role};

	return told(a, cli_people_ask(a, PEOPLE_MEMBER_SET, values, 4), "is changed");
}

static void print_teams(const cJSON *all)
{
	static const struct table_column columns[] = {
		{"ID", TABLE_TEXT, 6},      {"NAME", TABLE_TEXT, 24},
		{"STATE", TABLE_TEXT, 9},   {"TOKENS", TABLE_NUMBER, 7},
		{"MEMBERS", TABLE_TEXT, 0},
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *team;

	cJSON_ArrayForEach(team, all)
	{
		const char *state = cli_people_text(team, "state");

		cli_people_cell(t, team, "id");
		cli_people_cell(t, team, "name");
		table_add_painted(t, state, cli_people_state_paint(state));
		cli_people_cell(t, team, "tokens");
		cli_people_roles_cell(
			t, cJSON_GetObjectItemCaseSensitive(team, "members"), NULL);
	}
	table_print(&t);
}

static int list(struct cli_people *a)
{
	cJSON *filter = cJSON_CreateObject();

	cli_people_add_text(a->call, filter, "q", "search");
	cli_people_add_text(a->call, filter, "state", "state");
	return cli_people_found(a, PEOPLE_TEAM_LIST, LIST_TEAMS, filter, print_teams);
}

static int show(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0]};

	return cli_people_show(a, cli_people_ask(a, PEOPLE_TEAM_READ, values, 2));
}

static int run_show(const struct cli_call *c)
{
	return cli_people_run(c, show);
}

static int run_add(const struct cli_call *c)
{
	return cli_people_run(c, add);
}

static int run_list(const struct cli_call *c)
{
	return cli_people_run(c, list);
}

static int run_member(const struct cli_call *c)
{
	return cli_people_run(c, member);
}

static int run_remove(const struct cli_call *c)
{
	return cli_people_run(c, remove_team);
}

#define BOUNDS                                                                           \
	CLI_OPTION(                                                                      \
		"scope", CLI_LIST, "SCOPE",                                              \
		"its tokens have no other scopes; several with commas, or given again"), \
		CLI_OPTION("longest", CLI_LIFETIME, "TIME",                              \
			   "its tokens live no longer: 12h, 30d, 1y"),                   \
		CLI_OPTION("address", CLI_LIST, "RANGE",                                 \
			   "its tokens are called from nowhere else: 10.0.0.0/8")

static const struct cli_option add_options[] = {BOUNDS, {0}};
static const struct cli_option list_options[] = {
	CLI_OPTION("search", CLI_TEXT, "TEXT", "with this in the name"),
	CLI_OPTION("state", CLI_WORD, "STATE", "active or disabled",
		   .words = "active disabled"),
	LINES_OPTION,
	{0},
};
static const struct cli_option set_options[] = {
	CLI_OPTION("name", CLI_TEXT, "NAME", "its new name"),
	BOUNDS,
	CLI_OPTION("no-bounds", CLI_FLAG, NULL,
		   "takes all bounds away, but for those given beside it"),
	CLI_OPTION("disable", CLI_FLAG, NULL, "its tokens are refused, until --enable"),
	CLI_OPTION("enable", CLI_FLAG, NULL, "its tokens are good again"),
	{0},
};
static const struct cli_option member_options[] = {
	CLI_OPTION("role", CLI_WORD, "ROLE", "manager or viewer; none takes them out",
		   .words = "manager viewer none", .demand = "manager, viewer or none"),
	{0},
};

static int run_set(const struct cli_call *c)
{
	bool is_any = false;

	if (cli_has(c, "disable") && cli_has(c, "enable"))
		return cli_usage_error(c, "--disable or --enable, not both");
	for (size_t i = 0; !is_any && set_options[i].name != NULL; i++)
		is_any = cli_has(c, set_options[i].name);
	if (!is_any)
		return cli_usage_error(c, "what is to change? Give --name, --scope ...");
	return cli_people_run(c, set);
}

#define SHARES (CLI_TAKES_DATABASE | CLI_TAKES_JSON)

static const struct cli_command *command_at(size_t i)
{
	static const struct cli_command all[] = {
		{.name = "add",
		 .summary = "make a team, with what its tokens may have at most",
		 .arguments = "NAME",
		 .least = 1,
		 .most = 1,
		 .options = add_options,
		 .shares = SHARES,
		 .examples = {"tollgate team add research",
			      "tollgate team add research --scope openai,perplexity "
			      "--longest 90d"},
		 .run = run_add},
		{.name = "list",
		 .summary = "list teams and their members",
		 .options = list_options,
		 .shares = SHARES,
		 .examples = {"tollgate team list",
			      "tollgate team list --state disabled"},
		 .none = "no teams yet: tollgate team add NAME",
		 .run = run_list},
		{.name = "show",
		 .summary = "tell all of a team, and which tokens are above its bounds",
		 .arguments = "TEAM",
		 .least = 1,
		 .most = 1,
		 .shares = SHARES,
		 .examples = {"tollgate team show research",
			      "tollgate team show 4 --json"},
		 .run = run_show},
		{.name = "set",
		 .summary = "change a team's name and bounds, disable or enable it",
		 .arguments = "TEAM",
		 .least = 1,
		 .most = 1,
		 .text = "TEAM is a name or an id. A bound that is lowered changes no "
			 "token: those above it are listed.",
		 .options = set_options,
		 .shares = SHARES,
		 .examples = {"tollgate team set research --longest 30d",
			      "tollgate team set research --disable"},
		 .run = run_set},
		{.name = "member",
		 .summary = "take someone into a team, or out of it",
		 .arguments = "TEAM USER",
		 .least = 2,
		 .most = 2,
		 .options = member_options,
		 .shares = SHARES,
		 .examples = {"tollgate team member research ada --role manager",
			      "tollgate team member research bob --role none"},
		 .run = run_member},
		{.name = "remove",
		 .summary = "remove a team that has no tokens",
		 .arguments = "TEAM",
		 .least = 1,
		 .most = 1,
		 .shares = SHARES,
		 .examples = {"tollgate team remove research",
			      "tollgate team remove 4 --json"},
		 .run = run_remove},
	};

	return i < ARRAY_LEN(all) ? &all[i] : NULL;
}

const struct cli_command *cli_team(void)
{
	static const struct cli_command command = {
		.name = "team",
		.summary = "teams: what their tokens may be given, who belongs to them",
		.examples = {"tollgate team add research --scope openai,perplexity",
			     "tollgate team member research ada --role manager"},
		.subcommand = command_at,
	};

	return &command;
}
