/* `tollgate team`: teams, what their tokens may be given, and who belongs to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"

static const char help[] =
	"usage: tollgate team add NAME [--scope SCOPE[,...]] [--longest 90d]\n"
	"                     [--address RANGE[,...]]\n"
	"       tollgate team list\n"
	"       tollgate team set TEAM [--name NAME] [--scope ...] [--longest ...]\n"
	"                     [--address ...] [--no-bounds] [--disable | --enable]\n"
	"       tollgate team member TEAM USER --role manager|viewer|none\n"
	"       tollgate team remove TEAM\n\n"
	"TEAM and USER are names or ids. A bound that is lowered changes no token: those above\n"
	"it are listed. A team with tokens is not removed.\n\n"
	"  --scope SCOPE    its tokens have no other scopes; may be given again\n"
	"  --longest TIME   its tokens live no longer: 12h, 30d, 1y\n"
	"  --address RANGE  its tokens are called from nowhere else: 10.0.0.0/8\n"
	"  --no-bounds      takes all bounds away, but for those given beside it\n"
	"  --disable        its tokens are refused, until --enable\n"
	"  --json           answer in JSON\n" CLI_DB_HELP "\n"
	"  tollgate team add research --scope openai,perplexity --longest 90d\n"
	"  tollgate team member research ada --role manager\n";

static int told(const struct cli_people *a, cJSON *team, const char *what)
{
	const cJSON *above = cJSON_GetObjectItemCaseSensitive(team, "above_ceiling");
	const cJSON *token;

	if (team == NULL)
		return 1;
	if (a->json) {
		cli_people_print(team);
		return 0;
	}
	printf("team '%s' %s\n", cli_people_text(team, "name"), what);
	cJSON_ArrayForEach(token, above) printf(
		"token %.0f '%s' has more than the team may give\n",
		cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(token, "id")),
		cli_people_text(token, "name"));
	cJSON_Delete(team);
	return 0;
}

/* The bounds and the name, as given. */
static char *team_spec(const struct cli_people *a, const char *name)
{
	cJSON *spec = cJSON_CreateObject();
	char *text;

	if (name != NULL)
		cJSON_AddStringToObject(spec, "name", name);
	cli_people_add_list(spec, "scopes_most", a->scopes, a->n_scopes);
	cli_people_add_list(spec, "address_ranges_most", a->ranges, a->n_ranges);
	if (a->expires_s > 0)
		cJSON_AddNumberToObject(spec, "lifetime_most_s", (double)a->expires_s);
	if (a->no_bounds && a->n_scopes == 0)
		cJSON_AddNullToObject(spec, "scopes_most");
	if (a->no_bounds && a->n_ranges == 0)
		cJSON_AddNullToObject(spec, "address_ranges_most");
	if (a->no_bounds && a->expires_s == 0)
		cJSON_AddNullToObject(spec, "lifetime_most_s");
	if (a->disable || a->enable)
		cJSON_AddBoolToObject(spec, "disabled", a->disable);
	text = cJSON_PrintUnformatted(spec);
	CHECK(text != NULL);
	cJSON_Delete(spec);
	return text;
}

static int run_add(struct cli_people *a)
{
	char *spec = team_spec(a, a->operands[0]);
	const char *const values[] = {NULL, spec};
	cJSON *team = cli_people_ask(a, PEOPLE_TEAM_ADD, values, 2);

	cJSON_free(spec);
	return told(a, team, "is made");
}

static int run_set(struct cli_people *a)
{
	char *spec;
	cJSON *team;

	if (a->disable && a->enable)
		return cli_people_usage(a, "--disable or --enable, not both");
	spec = team_spec(a, a->name);
	team = cli_people_ask(a, PEOPLE_TEAM_CHANGE,
			      (const char *const[]){NULL, a->operands[0], spec}, 3);
	cJSON_free(spec);
	return told(a, team, "is changed");
}

static int run_remove(struct cli_people *a)
{
	const char *const values[] = {NULL, a->operands[0]};

	return told(a, cli_people_ask(a, PEOPLE_TEAM_REMOVE, values, 2), "is removed");
}

static int run_member(struct cli_people *a)
{
	const char *values[] = {NULL, a->operands[0], a->operands[1], a->role};

	if (a->role == NULL)
		return cli_people_usage(a, "--role is missing: manager, viewer or none");
	if (strcmp(a->role, "none") == 0)
		values[3] = NULL;
	return told(a, cli_people_ask(a, PEOPLE_MEMBER_SET, values, 4), "is changed");
}

static void print_team(const cJSON *team)
{
	const cJSON *member, *off = cJSON_GetObjectItemCaseSensitive(team, "disabled_at");

	printf("%-6.0f %-24s %-9s %-7.0f ",
	       cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(team, "id")),
	       cli_people_text(team, "name"), cJSON_IsNull(off) ? "active" : "disabled",
	       cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(team, "tokens")));
	cJSON_ArrayForEach(member, cJSON_GetObjectItemCaseSensitive(team, "members"))
		printf("%s:%s ", cli_people_text(member, "name"),
		       cli_people_text(member, "role"));
	putchar('\n');
}

static int run_list(struct cli_people *a)
{
	cJSON *all = cli_people_all(a, PEOPLE_TEAM_LIST);
	const cJSON *team;

	if (all == NULL)
		return 1;
	if (a->json) {
		cli_people_print(all);
		return 0;
	}
	printf("%-6s %-24s %-9s %-7s %s\n", "ID", "NAME", "STATE", "TOKENS", "MEMBERS");
	cJSON_ArrayForEach(team, all) print_team(team);
	cJSON_Delete(all);
	return 0;
}

int cli_team(int argc, char **argv)
{
	static const char *const none[] = {NULL};
	static const char *const of_add[] = {"scope", "longest", "address", NULL};
	static const char *const of_set[] = {"name",    "scope",  "longest",   "address",
					     "disable", "enable", "no-bounds", NULL};
	static const char *const of_member[] = {"role", NULL};
	static const struct cli_people_verb verbs[] = {
		{"add", 1, 1, of_add, run_add},
		{"list", 0, 0, none, run_list},
		{"set", 1, 1, of_set, run_set},
		{"member", 2, 2, of_member, run_member},
		{"remove", 1, 1, none, run_remove},
	};

	return cli_people_main("tollgate team", help, verbs, ARRAY_LEN(verbs), argc,
			       argv);
}
