/* `tollgate user show` and `change`. */
#include "gateway/cli/user_change.h"

#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/cli/cli_people.h"

static int show(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0]};

	return cli_people_show(a, cli_people_ask(a, PEOPLE_USER_READ, values, 2));
}

/* "" of an option takes away what there is. */
static void add_text(cJSON *patch, const char *name, const char *text)
{
	if (text != NULL)
		cJSON_AddItemToObject(patch, name,
				      *text != '\0' ? cJSON_CreateString(text)
						    : cJSON_CreateNull());
}

static int change(struct cli_people *a)
{
	const struct cli_call *c = a->call;
	const char *role = cli_text(c, "role");
	cJSON *patch = cJSON_CreateObject(), *user;
	char *text;

	if (cli_has(c, "name"))
		cJSON_AddStringToObject(patch, "name", cli_text(c, "name"));
	add_text(patch, "email", cli_text(c, "email"));
	if (role != NULL)
		cJSON_AddBoolToObject(patch, "is_admin", strcmp(role, "admin") == 0);
	text = json_text_take(patch);
	user = cli_people_ask(a, PEOPLE_USER_CHANGE,
			      (const char *const[]){NULL, c->operands[0], text}, 3);
	free(text);
	return cli_people_told(a, user, "is changed");
}

static int run_show(const struct cli_call *c)
{
	return cli_people_run(c, show);
}

static int run_change(const struct cli_call *c)
{
	if (!cli_has(c, "name") && !cli_has(c, "email") && !cli_has(c, "role"))
		return cli_usage_error(c, "what is to change? Give --name, --email or "
					  "--role");
	return cli_people_run(c, change);
}

static const struct cli_option change_options[] = {
	CLI_OPTION("name", CLI_TEXT, "NAME", "what people call them from now on"),
	CLI_OPTION("email", CLI_TEXT, "ADDRESS", "their address; '' takes it away"),
	CLI_OPTION("role", CLI_WORD, "ROLE",
		   "admin: everything; none: only what their teams give",
		   .words = "admin none"),
	{0},
};

#define SHARES .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON
#define ONE_USER .arguments = "USER", .least = 1, .most = 1

const struct cli_command *cli_user_change_at(size_t i)
{
	static const struct cli_command all[] = {
		{.name = "show",
		 .summary = "tell all that is known of a user",
		 ONE_USER,
		 SHARES,
		 .examples = {"tollgate user show ada", "tollgate user show 3 --json"},
		 .run = run_show},
		{.name = "change",
		 .summary =
			 "change a user's name, address, and whether they are an admin",
		 ONE_USER,
		 .text = "What is not given stays. Roles in teams are `tollgate team "
			 "member`'s.",
		 .options = change_options,
		 SHARES,
		 .examples = {"tollgate user change ada --name 'Ada L.'",
			      "tollgate user change 3 --role none"},
		 .run = run_change},
	};

	return i < ARRAY_LEN(all) ? &all[i] : NULL;
}
