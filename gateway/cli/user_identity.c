/* `tollgate user identities`, `identify`, `forget`, `requests`, `let-in` and `refuse`:
 * whom providers vouch for. */
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/user_change.h"

static int list_identities(struct cli_people *a)
{
	static const struct table_column columns[] = {
		{"ID", TABLE_TEXT, 6},
		{"ISSUER", TABLE_TEXT, 32},
		{"SUBJECT", TABLE_TEXT, 32},
		{"SINCE", TABLE_TIME, 0},
	};
	static const char *const fields[] = {"id", "issuer", "subject", "created_at"};

	return cli_people_list(
		a, cli_people_all(a, PEOPLE_IDENTITY_LIST, a->call->operands[0], NULL),
		columns, fields, ARRAY_LEN(fields));
}

static int tell_identity(struct cli_people *a, cJSON *identity, const char *what)
{
	if (identity == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(identity);
		return 0;
	}
	cli_say(stdout, "'%s' of %s %s '%s'\n", cli_people_text(identity, "subject"),
		cli_people_text(identity, "issuer"), what, a->call->operands[0]);
	cJSON_Delete(identity);
	return 0;
}

static int identify(struct cli_people *a)
{
	const char *const *of = a->call->operands;
	const char *const values[] = {NULL, of[0], of[1], of[2]};

	return tell_identity(a, cli_people_ask(a, PEOPLE_IDENTITY_ADD, values, 4),
			     "signs in as");
}

static int forget(struct cli_people *a)
{
	const char *const *of = a->call->operands;
	const char *const values[] = {NULL, of[0], of[1]};

	return tell_identity(a, cli_people_ask(a, PEOPLE_IDENTITY_REMOVE, values, 3),
			     "does not sign in any more as");
}

/* --- who asks to be let in --- */

static int list_requests(struct cli_people *a)
{
	static const struct table_column columns[] = {
		{"ID", TABLE_TEXT, 6},        {"NAME", TABLE_TEXT, 24},
		{"EMAIL", TABLE_TEXT, 32},    {"ISSUER", TABLE_TEXT, 32},
		{"SUBJECT", TABLE_TEXT, 32},  {"STATE", TABLE_TEXT, 8},
		{"LAST HERE", TABLE_TIME, 0},
	};
	static const char *const fields[] = {"id",      "name",  "email",  "issuer",
					     "subject", "state", "last_at"};
	cJSON *filter = cJSON_CreateObject(), *all;

	cli_people_add_text(a->call, filter, "state", "state");
	all = cli_people_all(a, PEOPLE_ACCESS_LIST, NULL, filter);
	cJSON_Delete(filter);
	return cli_people_list(a, all, columns, fields, ARRAY_LEN(fields));
}

/* False: there is no such user, which it said. */
static bool add_user(struct cli_people *a, cJSON *spec)
{
	const char *const values[] = {NULL, cli_text(a->call, "user")};
	cJSON *user;

	if (values[1] == NULL)
		return true;
	user = cli_people_ask(a, PEOPLE_USER_READ, values, 2);
	if (user != NULL)
		cJSON_AddItemToObject(
			spec, "user_id",
			cJSON_DetachItemFromObjectCaseSensitive(user, "id"));
	cJSON_Delete(user);
	return user != NULL;
}

static void add_role(const struct cli_call *c, cJSON *spec)
{
	const char *role = cli_text(c, "role");

	if (role == NULL)
		return;
	if (strcmp(role, "admin") == 0)
		cJSON_AddTrueToObject(spec, "is_admin");
	else
		cJSON_AddStringToObject(spec, "role", role);
}

static int let_in(struct cli_people *a)
{
	const struct cli_call *c = a->call;
	cJSON *spec = cJSON_CreateObject(), *user = NULL;
	char *text;

	cli_people_add_text(c, spec, "name", "name");
	cli_people_add_text(c, spec, "email", "email");
	cli_people_add_text(c, spec, "team", "team");
	add_role(c, spec);
	if (add_user(a, spec)) {
		text = cJSON_PrintUnformatted(spec);
		CHECK(text != NULL);
		user = cli_people_ask(a, PEOPLE_ACCESS_GRANT,
				      (const char *const[]){NULL, c->operands[0], text},
				      3);
		cJSON_free(text);
	}
	cJSON_Delete(spec);
	return cli_people_told(a, user, "is let in");
}

static int refuse(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0]};
	cJSON *request = cli_people_ask(a, PEOPLE_ACCESS_REFUSE, values, 2);

	if (request == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(request);
		return 0;
	}
	cli_say(stdout, "'%s' of %s is refused\n", cli_people_text(request, "subject"),
		cli_people_text(request, "issuer"));
	cJSON_Delete(request);
	return 0;
}

/* --- commands --- */

static int run_identities(const struct cli_call *c)
{
	return cli_people_run(c, list_identities);
}

static int run_identify(const struct cli_call *c)
{
	return cli_people_run(c, identify);
}

static int run_forget(const struct cli_call *c)
{
	if (!cli_people_is_id(c->operands[1]))
		return cli_people_no_id(c, c->operands[1]);
	return cli_people_run(c, forget);
}

static int run_requests(const struct cli_call *c)
{
	return cli_people_run(c, list_requests);
}

static int run_let_in(const struct cli_call *c)
{
	const char *role = cli_text(c, "role");
	bool in_team = role != NULL && strcmp(role, "admin") != 0;

	if (!cli_people_is_id(c->operands[0]))
		return cli_people_no_id(c, c->operands[0]);
	if (role == NULL && !cli_has(c, "user"))
		return cli_usage_error(c,
				       "--role is missing: admin, or manager or viewer "
				       "of a --team; or --user");
	if (in_team != cli_has(c, "team"))
		return cli_usage_error(c, "--team and --role manager or viewer go "
					  "together");
	return cli_people_run(c, let_in);
}

static int run_refuse(const struct cli_call *c)
{
	if (!cli_people_is_id(c->operands[0]))
		return cli_people_no_id(c, c->operands[0]);
	return cli_people_run(c, refuse);
}

static const struct cli_option request_options[] = {
	CLI_OPTION("state", CLI_WORD, "STATE", "open (without it), or refused",
		   .words = "open refused"),
	{0},
};
static const struct cli_option let_in_options[] = {
	CLI_OPTION("role", CLI_WORD, "ROLE",
		   "admin: everything; manager or viewer of --team",
		   .words = "admin manager viewer"),
	CLI_OPTION("team", CLI_TEXT, "TEAM", "by name or id"),
	CLI_OPTION("name", CLI_TEXT, "NAME",
		   "what people call them; without it as the provider does"),
	CLI_OPTION("email", CLI_TEXT, "ADDRESS", "their address; the provider's without"),
	CLI_OPTION("user", CLI_TEXT, "USER", "it is someone who is a user already"),
	{0},
};

#define SHARES .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON

const struct cli_command *cli_user_identity_at(size_t i)
{
	static const struct cli_command all[] = {
		{.name = "identities",
		 .summary = "list as whom providers know a user",
		 .arguments = "USER",
		 .least = 1,
		 .most = 1,
		 SHARES,
		 .examples = {"tollgate user identities ada",
			      "tollgate user identities 3 --json"},
		 .none = "no identities yet: tollgate user identify USER ISSUER SUBJECT",
		 .run = run_identities},
		{.name = "identify",
		 .summary = "let someone whom a provider knows sign in as a user",
		 .arguments = "USER ISSUER SUBJECT",
		 .least = 3,
		 .most = 3,
		 .text = "ISSUER and SUBJECT are `iss` and `sub` of the provider's tokens.",
		 SHARES,
		 .examples =
			 {"tollgate user identify ada https://clerk.example.org user_2x",
			  "tollgate user identify 3 https://id.example.org 117 "
			  "--json"},
		 .run = run_identify},
		{.name = "forget",
		 .summary = "take an identity from a user, and end their sessions",
		 .arguments = "USER IDENTITY",
		 .least = 2,
		 .most = 2,
		 .text = "IDENTITY is its id, which `tollgate user identities USER` tells.",
		 SHARES,
		 .examples = {"tollgate user forget ada 12",
			      "tollgate user forget 3 12 --json"},
		 .run = run_forget},
		{.name = "requests",
		 .summary = "list who has signed in without having any rights",
		 .options = request_options,
		 SHARES,
		 .examples = {"tollgate user requests",
			      "tollgate user requests --state refused"},
		 .none = "nobody waits to be let in",
		 .run = run_requests},
		{.name = "let-in",
		 .summary = "give someone who asked rights, as a user",
		 .arguments = "REQUEST",
		 .least = 1,
		 .most = 1,
		 .text = "REQUEST is the id that `tollgate user requests` tells, also of "
			 "one that was refused.",
		 .options = let_in_options,
		 SHARES,
		 .examples = {"tollgate user let-in 7 --role viewer --team research",
			      "tollgate user let-in 7 --user ada"},
		 .run = run_let_in},
		{.name = "refuse",
		 .summary = "keep someone who asked out, whatever rules say",
		 .arguments = "REQUEST",
		 .least = 1,
		 .most = 1,
		 SHARES,
		 .examples = {"tollgate user refuse 7", "tollgate user refuse 7 --json"},
		 .run = run_refuse},
	};

	return i < ARRAY_LEN(all) ? &all[i] : NULL;
}
