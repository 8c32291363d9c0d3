/* `tollgate token show`, `addresses`, `change`, `rotate` and `lookup`: by the functions
 * of the database that the manager calls. */
#include "gateway/cli/token_change.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/table.h"
#include "gateway/cli/token_action.h"

static const char *text_of(const cJSON *json, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static double number_of(const cJSON *json, const char *name)
{
	return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* --- what is printed --- */

static void print_list(const cJSON *list)
{
	const cJSON *item;

	if (cJSON_GetArraySize(list) == 0)
		cli_say(stdout, "none");
	cJSON_ArrayForEach(item, list)
		cli_say(stdout, "%s%s", item == list->child ? "" : ", ",
			cJSON_GetStringValue(item));
}

static void print_field(const struct token_action *a, const cJSON *field)
{
	cli_say(stdout, "%-17s", field->string);
	if (strcmp(field->string, "id") == 0)
		cli_say(stdout, "%s", a->id);
	else if (cJSON_IsString(field))
		cli_say(stdout, "%s", field->valuestring);
	else if (cJSON_IsArray(field))
		print_list(field);
	else if (cJSON_IsObject(field))
		cli_say(stdout, "%s",
			cJSON_GetStringValue(
				cJSON_GetObjectItemCaseSensitive(field, "name")));
	if (cJSON_IsString(field))
		screen_print_ago(field->string, field->valuestring);
	cli_say(stdout, "\n");
}

static int show_answer(const struct token_action *a, const PGresult *r)
{
	cJSON *json;
	const cJSON *field;

	if (cli_has(a->call, "json")) {
		screen_print_json_text(PQgetvalue(r, 0, 0));
		return 0;
	}
	json = token_action_parsed(r);
	cJSON_ArrayForEach(field, json) if (!cJSON_IsNull(field)) print_field(a, field);
	cJSON_Delete(json);
	return 0;
}

static int say_done(const struct token_action *a, const PGresult *r, const char *done)
{
	cJSON *json;

	if (cli_has(a->call, "json")) {
		screen_print_json_text(PQgetvalue(r, 0, 0));
		return 0;
	}
	json = token_action_parsed(r);
	cli_say(stdout, "token %s, '%s', is %s\n", a->id,
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "name")),
		done);
	cJSON_Delete(json);
	return 0;
}

/* --- what is asked --- */

static int show(struct token_action *a)
{
	const char *const values[] = {NULL, a->id};
	PGresult *r = token_action_ask(a, TOKEN_GET, values, 2);
	int status = r != NULL ? show_answer(a, r) : token_action_fail(a);

	PQclear(r);
	return status;
}

/* False: there is no such team. */
static bool add_team(struct token_action *a, cJSON *patch)
{
	const char *name = cli_text(a->call, "team");
	PGresult *r;

	if (name == NULL)
		return true;
	if (strcmp(name, "none") == 0) {
		cJSON_AddNullToObject(patch, "team_id");
		return true;
	}
	r = pg_sync_query(a->db, "SELECT people_team_id($1)", &name, 1, &a->error);
	if (r != NULL)
		cJSON_AddItemToObject(patch, "team_id",
				      cJSON_CreateRaw(PQgetvalue(r, 0, 0)));
	PQclear(r);
	return r != NULL;
}

/* A list, or that it is to be `none`, where either was given. */
static void add_list(const struct token_action *a, cJSON *patch, const char *name,
		     const char *option, const char *no_option, cJSON *(*none)(void))
{
	size_t n;
	const char **list = cli_list(a->call, option, &n);

	if (n > 0)
		cJSON_AddItemToObject(patch, name, cJSON_CreateStringArray(list, (int)n));
	else if (cli_has(a->call, no_option))
		cJSON_AddItemToObject(patch, name, none());
	free(list);
}

static bool make_patch(struct token_action *a, cJSON *patch)
{
	const char *description = cli_text(a->call, "description");

	if (cli_has(a->call, "name"))
		cJSON_AddStringToObject(patch, "name", cli_text(a->call, "name"));
	if (description != NULL)
		cJSON_AddItemToObject(patch, "description",
				      *description == '\0'
					      ? cJSON_CreateNull()
					      : cJSON_CreateString(description));
	add_list(a, patch, "scopes", "scope", "no-scopes", cJSON_CreateArray);
	add_list(a, patch, "address_ranges", "address", "any-address", cJSON_CreateNull);
	if (cli_has(a->call, "never-expires"))
		cJSON_AddNullToObject(patch, "expires_at");
	else if (cli_has(a->call, "expires"))
		cJSON_AddNumberToObject(patch, "lifetime_s",
					(double)cli_number(a->call, "expires", 0));
	return add_team(a, patch);
}

static int change(struct token_action *a)
{
	cJSON *patch = cJSON_CreateObject();
	PGresult *r = NULL;
	char *text;
	int status;

	if (make_patch(a, patch)) {
		text = cJSON_PrintUnformatted(patch);
		CHECK(text != NULL);
		r = token_action_ask(a, TOKEN_CHANGE, (const char *[]){NULL, a->id, text},
				     3);
		cJSON_free(text);
	}
	status = r != NULL ? say_done(a, r, "changed") : token_action_fail(a);
	PQclear(r);
	cJSON_Delete(patch);
	return status;
}

static void print_key(const struct token_action *a, const struct token_secret *secret)
{
	cJSON *json;

	if (!cli_has(a->call, "json")) {
		cli_say(stderr, "token %s has another key, which is not shown again:\n",
			a->id);
		puts(secret->key);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "id", cJSON_CreateRaw(a->id));
	cJSON_AddStringToObject(json, "key", secret->key);
	screen_print_json(json);
}

static int rotate(struct token_action *a)
{
	struct token_secret secret;
	char spec[256];
	PGresult *r = NULL;
	int status;

	if (token_secret_make(&secret)) {
		snprintf(
			spec, sizeof spec,
			"{\"token_hash\": \"%s\", \"key_start\": \"%s\", \"grace_s\": %lld}",
			secret.hash, secret.start,
			(long long)cli_number(a->call, "grace", 0));
		r = token_action_ask(a, TOKEN_ROTATE,
				     (const char *[]){NULL, a->id, spec, NULL}, 4);
	} else {
		sbuf_lit(&a->error, "OpenSSL has no randomness to make a key from");
	}
	if (r != NULL)
		print_key(a, &secret);
	status = r != NULL ? 0 : token_action_fail(a);
	PQclear(r);
	token_secret_wipe(&secret);
	return status;
}

static void print_addresses(const struct cli_call *c, const cJSON *list)
{
	static const struct table_column columns[] = {
		{"ADDRESS", TABLE_TEXT, 40},  {"KEY", TABLE_TEXT, 8},
		{"CALLS", TABLE_NUMBER, 8},   {"", TABLE_BAR, 0},
		{"LAST USED", TABLE_TIME, 0},
	};
	struct table *t;
	const cJSON *item;
	double most = 0;

	if (table_says_none(c, (size_t)cJSON_GetArraySize(list)))
		return;
	t = table_new(columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) most = fmax(most, number_of(item, "calls"));
	cJSON_ArrayForEach(item, list)
	{
		table_add(t, text_of(item, "address"));
		table_add(t, text_of(item, "secret"));
		table_add_number(t, number_of(item, "calls"));
		table_add_share(t, number_of(item, "calls") / most);
		table_add(t, text_of(item, "last_used_at"));
	}
	table_print(&t);
}

static int addresses(struct token_action *a)
{
	const char *const values[] = {NULL, a->id};
	PGresult *r = token_action_ask(a, TOKEN_ADDRESSES, values, 2);
	cJSON *json;

	if (r == NULL)
		return token_action_fail(a);
	if (cli_has(a->call, "json")) {
		screen_print_json_text(PQgetvalue(r, 0, 0));
	} else {
		json = token_action_parsed(r);
		print_addresses(a->call, cJSON_GetObjectItemCaseSensitive(json, "items"));
		if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "complete")))
			cli_warn(a->call, "only the latest 20,000 calls were looked "
					  "through: there may be more addresses");
		cJSON_Delete(json);
	}
	PQclear(r);
	return 0;
}

/* Of the key on standard input. */
static void read_hash(char hash[KEY_HASH_HEX + 1])
{
	char bytes[KEY_MAX + 3];
	struct str key = {bytes, 0};

	setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the key is left in a buffer */
	key.n = fread(bytes, 1, sizeof bytes, stdin);
	token_hash_hex(str_trim(key), hash);
	OPENSSL_cleanse(bytes, sizeof bytes);
}

static int look_up(struct token_action *a)
{
	char hash[KEY_HASH_HEX + 1];
	const char *values[] = {NULL, cli_text(a->call, "hash")};
	PGresult *r;
	int status;

	if (values[1] == NULL) {
		read_hash(hash);
		values[1] = hash;
	}
	r = token_action_ask(a, TOKEN_BY_HASH, values, 2);
	if (r == NULL) {
		status = token_action_fail(a);
	} else {
		cJSON *json = token_action_parsed(r);
		const cJSON *token = cJSON_GetObjectItemCaseSensitive(json, "token");

		if (cli_has(a->call, "json"))
			screen_print_json_text(PQgetvalue(r, 0, 0));
		else
			cli_say(stdout, "the %s key of token %.0f, '%s', which is %s\n",
				cJSON_GetStringValue(
					cJSON_GetObjectItemCaseSensitive(json, "secret")),
				cJSON_GetNumberValue(
					cJSON_GetObjectItemCaseSensitive(token, "id")),
				cJSON_GetStringValue(
					cJSON_GetObjectItemCaseSensitive(token, "name")),
				cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
					token, "state")));
		cJSON_Delete(json);
		status = 0;
	}
	PQclear(r);
	return status;
}

/* --- commands --- */

static int run_show(const struct cli_call *c)
{
	return token_action_run(c, show);
}

static int run_addresses(const struct cli_call *c)
{
	return token_action_run(c, addresses);
}

static int run_change(const struct cli_call *c)
{
	static const char *const pairs[][2] = {{"scope", "no-scopes"},
					       {"address", "any-address"},
					       {"expires", "never-expires"}};
	bool is_any =
		cli_has(c, "name") || cli_has(c, "description") || cli_has(c, "team");

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		bool is_set = cli_has(c, pairs[i][0]), is_none = cli_has(c, pairs[i][1]);

		if (is_set && is_none)
			return cli_usage_error(c, "--%s or --%s, not both", pairs[i][0],
					       pairs[i][1]);
		is_any = is_any || is_set || is_none;
	}
	if (!is_any)
		return cli_usage_error(c, "what is to change? Give --name, --scope ...");
	return token_action_run(c, change);
}

static int run_rotate(const struct cli_call *c)
{
	return token_action_run(c, rotate);
}

static int run_lookup(const struct cli_call *c)
{
	return token_action_run(c, look_up);
}

static const struct cli_option change_options[] = {
	CLI_OPTION("name", CLI_TEXT, "NAME", "its new name"),
	{.name = "scope",
	 .kind = CLI_LIST,
	 .value = "SCOPE",
	 .help = "the scopes that it has from now on",
	 .separators = ", "},
	CLI_OPTION("no-scopes", CLI_FLAG, NULL, "it calls only routes that ask for none"),
	CLI_OPTION("expires", CLI_LIFETIME, "TIME", "how long it lives from now on"),
	CLI_OPTION("never-expires", CLI_FLAG, NULL, "it lives for ever"),
	CLI_OPTION("description", CLI_TEXT, "TEXT", "what it is for; '' takes it away"),
	CLI_OPTION("team", CLI_TEXT, "TEAM", "whose it is, by name or id; or none"),
	CLI_OPTION("address", CLI_LIST, "RANGE",
		   "it is used from there alone from now on: 10.0.0.0/8, 203.0.113.9"),
	CLI_OPTION("any-address", CLI_FLAG, NULL, "it is used from anywhere"),
	{0},
};
static const struct cli_option rotate_options[] = {
	CLI_OPTION("grace", CLI_LIFETIME, "TIME",
		   "how long the key before goes on; without it, it ends at once"),
	{0},
};
static const struct cli_option lookup_options[] = {
	CLI_OPTION("hash", CLI_TEXT, "HASH",
		   "the key's SHA-256 in hex; without it the key is read from standard "
		   "input"),
	{0},
};

const struct cli_command *cli_token_change_at(size_t i)
{
	static const struct cli_command all[] = {
		{.name = "show",
		 .summary = "tell all that is known of a token",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token show my-workflow",
			      "tollgate token show 17 --json"},
		 .run = run_show},
		{.name = "addresses",
		 .summary = "tell from where a token was used in the last 24 hours",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .text = "By key (the current one, and old ones) and address, the latest "
			 "first: what rotating or revoking it would hit.",
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token addresses my-workflow",
			      "tollgate token addresses 17 --json"},
		 .none = "not used in the last 24 hours",
		 .run = run_addresses},
		{.name = "change",
		 .summary = "change a token's name, scopes, end, team, addresses",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .text = "What is not given stays. Gateways know it at once.",
		 .options = change_options,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token change my-workflow --scope openai,mail",
			      "tollgate token change 17 --team research --expires 90d"},
		 .run = run_change},
		{.name = "rotate",
		 .summary = "give a token another key",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .text = "Prints the new key, once. The token's id, name and statistics "
			 "stay.",
		 .options = rotate_options,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token rotate my-workflow --grace 7d",
			      "tollgate token rotate 17 --json"},
		 .run = run_rotate},
		{.name = "lookup",
		 .summary = "tell whose a key is",
		 .options = lookup_options,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token lookup --hash HASH",
			      "tollgate token lookup --json"},
		 .run = run_lookup},
	};

	return i < ARRAY_LEN(all) ? &all[i] : NULL;
}
