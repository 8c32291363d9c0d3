/* `tollgate user`: the people and services that may sign in. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"

static const char help[] =
	"usage: tollgate user add --name NAME --role admin|manager|viewer [--team TEAM]\n"
	"                     [--email ADDRESS] [--service] [--expires 90d]\n"
	"       tollgate user list\n"
	"       tollgate user key USER [--expires 90d]\n"
	"       tollgate user disable|enable|remove USER\n"
	"       tollgate user link USER\n\n"
	"add and key print a key to sign in with, once: only its SHA-256 is kept. USER is a\n"
	"name or an id. link prints where a browser signs in as this user, within 5 minutes.\n"
	"Who was removed stays out until they are enabled, by their id.\n\n"
	"  --name NAME      what people call them\n"
	"  --role ROLE      admin: everything; manager or viewer: in each --team\n"
	"  --team TEAM      a team's name or id; may be given again\n"
	"  --service        a program: it signs in by its keys alone\n"
	"  --expires TIME   how long the key lives: 12h, 30d, 1y; without: for ever\n"
	"  --json           answer in JSON\n" CLI_DB_HELP "\n"
	"  tollgate user add --name ada --role admin\n"
	"  tollgate user add --name reports --service --role viewer --team research\n";

static char *print(const cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	CHECK(text != NULL);
	return text;
}

/* Prints the answer with the key that belongs to it. */
static void print_key(const struct cli_people *a, cJSON *json, const char *name,
		      const char *key)
{
	if (a->json) {
		cJSON_AddStringToObject(json, "key", key);
		cli_people_print(json);
		return;
	}
	fprintf(stderr, "'%s' signs in with this key, which is not shown again:\n", name);
	puts(key);
	cJSON_Delete(json);
}

static cJSON *user_spec(const struct cli_people *a, const char *key)
{
	cJSON *spec = cJSON_CreateObject();
	bool is_admin = strcmp(a->role, "admin") == 0;
	cJSON *teams = cJSON_AddArrayToObject(spec, "teams");

	cJSON_AddStringToObject(spec, "name", a->name);
	cJSON_AddStringToObject(spec, "kind", a->service ? "service" : "person");
	cJSON_AddBoolToObject(spec, "is_admin", is_admin);
	if (a->email != NULL)
		cJSON_AddStringToObject(spec, "email", a->email);
	for (int i = 0; i < a->n_teams; i++) {
		cJSON *team = cJSON_CreateObject();

		cJSON_AddStringToObject(team, "team", a->teams[i]);
		cJSON_AddStringToObject(team, "role", is_admin ? "manager" : a->role);
		cJSON_AddItemToArray(teams, team);
	}
	cJSON_AddItemToObject(spec, "key", people_key_json(key, "first", a->expires_s));
	return spec;
}

static const char *check_add(const struct cli_people *a)
{
	if (a->name == NULL)
		return "--name is missing";
	if (a->role == NULL)
		return "--role is missing: admin, manager or viewer";
	if (strcmp(a->role, "admin") == 0)
		return NULL;
	if (strcmp(a->role, "manager") != 0 && strcmp(a->role, "viewer") != 0)
		return "--role takes admin, manager or viewer";
	return a->n_teams == 0 ? "--team is missing: a manager or viewer is one of a team"
			       : NULL;
}

static int run_add(struct cli_people *a)
{
	const char *why = check_add(a);
	char key[KEY_LENGTH + 1];
	const char *values[2] = {NULL};
	cJSON *spec, *made;
	char *text;

	if (why != NULL)
		return cli_people_usage(a, why);
	CHECK(people_key_make(key));
	spec = user_spec(a, key);
	values[1] = text = print(spec);
	made = cli_people_ask(a, PEOPLE_USER_ADD, values, 2);
	if (made != NULL)
		print_key(a, made, a->name, key);
	cJSON_free(text);
	cJSON_Delete(spec);
	OPENSSL_cleanse(key, sizeof key);
	return made != NULL ? 0 : 1;
}

static int run_key(struct cli_people *a)
{
	char key[KEY_LENGTH + 1];
	const char *values[3] = {NULL, a->operands[0]};
	cJSON *spec, *made;
	char *text;

	CHECK(people_key_make(key));
	spec = people_key_json(key, a->name ? a->name : "", a->expires_s);
	values[2] = text = print(spec);
	made = cli_people_ask(a, PEOPLE_KEY_ADD, values, 3);
	if (made != NULL)
		print_key(a, made, a->operands[0], key);
	cJSON_free(text);
	cJSON_Delete(spec);
	OPENSSL_cleanse(key, sizeof key);
	return made != NULL ? 0 : 1;
}

static void print_user(const cJSON *user)
{
	const cJSON *team;

	printf("%-6.0f %-24s %-8s %-9s %s",
	       cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(user, "id")),
	       cli_people_text(user, "name"), cli_people_text(user, "kind"),
	       cli_people_text(user, "state"),
	       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(user, "is_admin")) ? "admin "
										: "");
	cJSON_ArrayForEach(team, cJSON_GetObjectItemCaseSensitive(user, "teams")) printf(
		"%s:%s ", cli_people_text(team, "name"), cli_people_text(team, "role"));
	putchar('\n');
}

static int run_list(struct cli_people *a)
{
	cJSON *all = cli_people_all(a, PEOPLE_USER_LIST);
	const cJSON *user;

	if (all == NULL)
		return 1;
	if (a->json) {
		cli_people_print(all);
		return 0;
	}
	printf("%-6s %-24s %-8s %-9s %s\n", "ID", "NAME", "KIND", "STATE", "MAY");
	cJSON_ArrayForEach(user, all) print_user(user);
	cJSON_Delete(all);
	return 0;
}

static int told(const struct cli_people *a, cJSON *user)
{
	if (user == NULL)
		return 1;
	if (a->json) {
		cli_people_print(user);
		return 0;
	}
	printf("user '%s' is %s\n", cli_people_text(user, "name"),
	       cli_people_text(user, "state"));
	cJSON_Delete(user);
	return 0;
}

static int run_disable(struct cli_people *a)
{
	const char *const values[] = {NULL, a->operands[0], "{\"disabled\":true}"};

	return told(a, cli_people_ask(a, PEOPLE_USER_CHANGE, values, 3));
}

static int run_enable(struct cli_people *a)
{
	const char *const values[] = {NULL, a->operands[0], "{\"disabled\":false}"};

	return told(a, cli_people_ask(a, PEOPLE_USER_CHANGE, values, 3));
}

static int run_remove(struct cli_people *a)
{
	const char *const values[] = {NULL, a->operands[0]};

	return told(a, cli_people_ask(a, PEOPLE_USER_REMOVE, values, 2));
}

static int run_link(struct cli_people *a)
{
	char code[KEY_LENGTH + 1], hash[KEY_HASH_HEX + 1], lifetime[16];
	const char *const values[] = {NULL, a->operands[0], hash, lifetime};
	cJSON *user;

	CHECK(people_key_make(code));
	people_hash_hex(code, hash);
	snprintf(lifetime, sizeof lifetime, "%d", PEOPLE_LINK_S);
	user = cli_people_ask(a, PEOPLE_LINK, values, 4);
	if (user != NULL && a->json) {
		cJSON_AddStringToObject(user, "code", code);
		cli_people_print(user);
	} else if (user != NULL) {
		fprintf(stderr,
			"open this on the manager within 5 minutes, once, to sign in as "
			"'%s':\n",
			cli_people_text(user, "name"));
		printf("/sign-in#%s\n", code);
		cJSON_Delete(user);
	}
	OPENSSL_cleanse(code, sizeof code);
	return user != NULL ? 0 : 1;
}

int cli_user(int argc, char **argv)
{
	static const char *const none[] = {NULL};
	static const char *const of_add[] = {"name",    "role",    "team", "email",
					     "expires", "service", NULL};
	static const char *const of_key[] = {"name", "expires", NULL};
	static const struct cli_people_verb verbs[] = {
		{"add", 0, 0, of_add, run_add},     {"list", 0, 0, none, run_list},
		{"key", 1, 1, of_key, run_key},     {"disable", 1, 1, none, run_disable},
		{"enable", 1, 1, none, run_enable}, {"remove", 1, 1, none, run_remove},
		{"link", 1, 1, none, run_link},
	};

	return cli_people_main("tollgate user", help, verbs, ARRAY_LEN(verbs), argc,
			       argv);
}
