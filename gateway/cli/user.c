/* `tollgate user`: the people and services that may sign in. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"
#include "gateway/cli/user_access.h"
#include "gateway/cli/user_change.h"
#include "gateway/token/token_calls.h"

/* Prints the answer with the key that belongs to it. */
static void print_key(const struct cli_people *a, cJSON *json, const char *name,
		      const char *key)
{
	if (cli_has(a->call, "json")) {
		cJSON_AddStringToObject(json, "key", key);
		screen_print_json(json);
		return;
	}
	cli_say(stderr, "'%s' signs in with this key, which is not shown again:\n", name);
	puts(key);
	cJSON_Delete(json);
}

static void add_teams(const struct cli_call *c, cJSON *spec, const char *role)
{
	cJSON *teams = cJSON_AddArrayToObject(spec, "teams");
	size_t n;
	const char **names = cli_list(c, "team", &n);

	for (size_t i = 0; i < n; i++) {
		cJSON *team = cJSON_CreateObject();

		cJSON_AddStringToObject(team, "team", names[i]);
		cJSON_AddStringToObject(team, "role", role);
		cJSON_AddItemToArray(teams, team);
	}
	free(names);
}

static cJSON *user_spec(const struct cli_call *c, const char *key)
{
	const char *role = cli_text(c, "role"), *email = cli_text(c, "email");
	bool is_admin = strcmp(role, "admin") == 0;
	cJSON *spec = cJSON_CreateObject();

	cJSON_AddStringToObject(spec, "name", cli_text(c, "name"));
	cJSON_AddStringToObject(spec, "kind",
				cli_has(c, "service") ? "service" : "person");
	cJSON_AddBoolToObject(spec, "is_admin", is_admin);
	if (email != NULL)
		cJSON_AddStringToObject(spec, "email", email);
	add_teams(c, spec, is_admin ? "manager" : role);
	cJSON_AddItemToObject(spec, "key",
			      people_key_json(key, "first", cli_number(c, "expires", 0)));
	return spec;
}

static int add(struct cli_people *a)
{
	char key[KEY_LENGTH + 1];
	const char *values[2] = {NULL};
	cJSON *spec, *made;
	char *text;

	CHECK(people_key_make(key));
	spec = user_spec(a->call, key);
	values[1] = text = json_text_take(spec);
	made = cli_people_ask(a, PEOPLE_USER_ADD, values, 2);
	if (made != NULL)
		print_key(a, made, cli_text(a->call, "name"), key);
	free(text);
	OPENSSL_cleanse(key, sizeof key);
	return made != NULL ? 0 : 1;
}

static int add_key(struct cli_people *a)
{
	const char *who = a->call->operands[0], *name = cli_text(a->call, "name");
	char key[KEY_LENGTH + 1];
	const char *values[3] = {NULL, who};
	cJSON *spec, *made;
	char *text;

	CHECK(people_key_make(key));
	spec = people_key_json(key, name ? name : "", cli_number(a->call, "expires", 0));
	values[2] = text = json_text_take(spec);
	made = cli_people_ask(a, PEOPLE_KEY_ADD, values, 3);
	if (made != NULL)
		print_key(a, made, who, key);
	free(text);
	OPENSSL_cleanse(key, sizeof key);
	return made != NULL ? 0 : 1;
}

static void print_users(const cJSON *all)
{
	static const struct table_column columns[] = {
		{"ID", TABLE_TEXT, 6},   {"NAME", TABLE_TEXT, 24},
		{"KIND", TABLE_TEXT, 8}, {"STATE", TABLE_TEXT, 9},
		{"MAY", TABLE_TEXT, 0},  {"SINCE", TABLE_EXTRA_TIME, 0},
	};
	struct table *t = table_new(columns, ARRAY_LEN(columns));
	const cJSON *user;

	cJSON_ArrayForEach(user, all)
	{
		const char *state = cli_people_text(user, "state");

		cli_people_cell(t, user, "id");
		cli_people_cell(t, user, "name");
		cli_people_cell(t, user, "kind");
		table_add_painted(t, state, cli_people_state_paint(state));
		cli_people_roles_cell(
			t, cJSON_GetObjectItemCaseSensitive(user, "teams"),
			cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(user, "is_admin"))
				? "admin"
				: NULL);
		cli_people_cell(t, user, "created_at");
	}
	table_print(&t);
}

static int list(struct cli_people *a)
{
	cJSON *filter = cJSON_CreateObject();

	cli_people_add_text(a->call, filter, "q", "search");
	cli_people_add_text(a->call, filter, "state", "state");
	cli_people_add_text(a->call, filter, "kind", "kind");
	return cli_people_found(a, PEOPLE_USER_LIST, LIST_USERS, filter, print_users);
}

/* As what they are from now on. */
static int told(struct cli_people *a, cJSON *user)
{
	struct sbuf what;
	int status;

	sbuf_init(&what, 256);
	sbuf_printf(&what, "is %s", cli_people_text(user, "state"));
	status = cli_people_told(a, user, sbuf_text(&what));
	sbuf_fini(&what);
	return status;
}

static int disable(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0], "{\"disabled\":true}"};

	return told(a, cli_people_ask(a, PEOPLE_USER_CHANGE, values, 3));
}

static int enable(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0], "{\"disabled\":false}"};

	return told(a, cli_people_ask(a, PEOPLE_USER_CHANGE, values, 3));
}

static int remove_user(struct cli_people *a)
{
	const char *const values[] = {NULL, a->call->operands[0]};

	return told(a, cli_people_ask(a, PEOPLE_USER_REMOVE, values, 2));
}

static int make_link(struct cli_people *a)
{
	char code[KEY_LENGTH + 1], hash[KEY_HASH_HEX + 1], lifetime[16];
	const char *const values[] = {NULL, a->call->operands[0], hash, lifetime};
	cJSON *user;

	CHECK(people_key_make(code));
	token_hash_hex(str_of(code), hash);
	snprintf(lifetime, sizeof lifetime, "%d", PEOPLE_LINK_S);
	user = cli_people_ask(a, PEOPLE_LINK, values, 4);
	if (user != NULL && cli_has(a->call, "json")) {
		cJSON_AddStringToObject(user, "code", code);
		screen_print_json(user);
	} else if (user != NULL) {
		cli_say(stderr,
			"open this on the manager within 5 minutes, once, to sign in as "
			"'%s':\n",
			cli_people_text(user, "name"));
		printf("/sign-in#%s\n", code);
		cJSON_Delete(user);
	}
	OPENSSL_cleanse(code, sizeof code);
	return user != NULL ? 0 : 1;
}

#define RUN(name, act)                                                                   \
	static int name(const struct cli_call *c)                                        \
	{                                                                                \
		return cli_people_run(c, act);                                           \
	}

RUN(run_list, list)
RUN(run_key, add_key)
RUN(run_disable, disable)
RUN(run_enable, enable)
RUN(run_remove, remove_user)
RUN(run_link, make_link)

static int run_add(const struct cli_call *c)
{
	if (strcmp(cli_text(c, "role"), "admin") != 0 && !cli_has(c, "team"))
		return cli_usage_error(c, "--team is missing: a manager or viewer is one "
					  "of a team");
	return cli_people_run(c, add);
}

#define EXPIRES                                                                          \
	CLI_OPTION("expires", CLI_LIFETIME, "TIME",                                      \
		   "how long the key lives: 12h, 30d, 1y; without it for ever, "         \
		   "a service's for a year")

static const struct cli_option add_options[] = {
	CLI_OPTION("name", CLI_TEXT, "NAME", "what people call them",
		   .demand = "what people call them"),
	CLI_OPTION("role", CLI_WORD, "ROLE",
		   "admin: everything; manager or viewer: in each --team",
		   .words = "admin manager viewer", .demand = "admin, manager or viewer"),
	CLI_OPTION("team", CLI_LIST, "TEAM", "a team's name or id; may be given again"),
	CLI_OPTION("email", CLI_TEXT, "ADDRESS", "their address"),
	CLI_OPTION("service", CLI_FLAG, NULL, "a program: it signs in by its keys alone"),
	EXPIRES,
	{0},
};
static const struct cli_option list_options[] = {
	CLI_OPTION("search", CLI_TEXT, "TEXT", "with this in the name or the address"),
	CLI_OPTION("state", CLI_WORD, "STATE", "active, disabled or removed",
		   .words = "active disabled removed"),
	CLI_OPTION("kind", CLI_WORD, "KIND", "person or service",
		   .words = "person service"),
	LINES_OPTION,
	{0},
};
static const struct cli_option sign_out_options[] = {
	CLI_OPTION("session", CLI_TEXT, "ID",
		   "this one alone, as `tollgate user sessions USER` tells"),
	{0},
};
static const struct cli_option key_options[] = {
	CLI_OPTION("name", CLI_TEXT, "NAME", "what the key is for"),
	EXPIRES,
	{0},
};

#define SHARES .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON
#define ONE_USER .arguments = "USER", .least = 1, .most = 1

static const struct cli_command commands[] = {
	{.name = "add",
	 .summary = "make a user and print a key to sign in with",
	 .text = "Prints a key to sign in with, once: only its SHA-256 is kept. It "
		 "works on a database that has no user yet: that is the first "
		 "admin's way.",
	 .options = add_options,
	 SHARES,
	 .examples = {"tollgate user add --name ada --role admin",
		      "tollgate user add --name reports --service --role viewer "
		      "--team research"},
	 .run = run_add},
	{.name = "list",
	 .summary = "list users and what they may",
	 .text = "All but those who were removed, whom --state removed lists.",
	 .options = list_options,
	 SHARES,
	 .examples = {"tollgate user list", "tollgate user list --kind service --json"},
	 .none = "no users yet: tollgate user add --name NAME --role admin",
	 .run = run_list},
	{.name = "key",
	 .summary = "print a further key of a user",
	 ONE_USER,
	 .options = key_options,
	 SHARES,
	 .examples = {"tollgate user key ada",
		      "tollgate user key reports --name ci --expires 90d"},
	 .run = run_key},
	{.name = "keys",
	 .summary = "list a user's keys",
	 ONE_USER,
	 SHARES,
	 .examples = {"tollgate user keys ada", "tollgate user keys ada --json"},
	 .none = "no keys yet: tollgate user key USER",
	 .run = cli_user_keys},
	{.name = "revoke",
	 .summary = "revoke a key of a user, and end the sessions that it began",
	 .arguments = "USER KEY",
	 .least = 2,
	 .most = 2,
	 .text = "KEY is the key's id, which `tollgate user keys USER` tells.",
	 SHARES,
	 .examples = {"tollgate user revoke ada 12", "tollgate user revoke 3 12 --json"},
	 .run = cli_user_revoke},
	{.name = "sessions",
	 .summary = "list where a user is signed in by a browser",
	 ONE_USER,
	 SHARES,
	 .examples = {"tollgate user sessions ada", "tollgate user sessions ada --json"},
	 .none = "no sessions: signed in by no browser",
	 .run = cli_user_sessions},
	{.name = "sign-out",
	 .summary = "end sessions of a user",
	 ONE_USER,
	 .options = sign_out_options,
	 SHARES,
	 .examples = {"tollgate user sign-out ada",
		      "tollgate user sign-out 3 --session 12"},
	 .run = cli_user_sign_out},
	{.name = "disable",
	 .summary = "keep a user out, until `enable`",
	 ONE_USER,
	 SHARES,
	 .examples = {"tollgate user disable bob", "tollgate user disable 3"},
	 .run = run_disable},
	{.name = "enable",
	 .summary = "let a disabled or removed user in again",
	 ONE_USER,
	 .text = "USER is a name or an id; of someone who was removed, the id.",
	 SHARES,
	 .examples = {"tollgate user enable bob", "tollgate user enable 3"},
	 .run = run_enable},
	{.name = "remove",
	 .summary = "end a user's keys, sessions and memberships",
	 ONE_USER,
	 .text = "Who was removed stays out until they are enabled, by their id.",
	 SHARES,
	 .examples = {"tollgate user remove bob", "tollgate user remove 3"},
	 .run = run_remove},
	{.name = "link",
	 .summary = "print where a browser signs in as this user, once",
	 ONE_USER,
	 .text = "Prints where a browser signs in as this user, once, within 5 "
		 "minutes.",
	 SHARES,
	 .examples = {"tollgate user link ada", "tollgate user link ada --json"},
	 .run = run_link},
};

static const struct cli_command *own_at(size_t i)
{
	return i < ARRAY_LEN(commands) ? &commands[i] : NULL;
}

static const struct cli_command *command_at(size_t i)
{
	static const cli_command_at tables[] = {own_at, cli_user_change_at,
						cli_user_identity_at, NULL};

	return cli_command_of(tables, i);
}

const struct cli_command *cli_user(void)
{
	static const struct cli_command command = {
		.name = "user",
		.summary = "the people who may sign in, and their keys",
		.examples = {"tollgate user add --name ada --role admin",
			     "tollgate user list"},
		.subcommand = command_at,
	};

	return &command;
}
