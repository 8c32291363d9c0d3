/* `tollgate token show`, `change`, `disable`, `enable`, `rotate`, `delete` and `lookup`:
 * by the functions of the database that the manager calls. */
#include "gateway/cli/token_change.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/screen.h"
#include "gateway/token/token_admin.h"
#include "gateway/token/token_calls.h"

#define ERROR_MAX (64u << 10)

/* A subcommand at work, on one token. */
struct action {
	const struct cli_call *call;
	struct pg_sync *db;
	struct sbuf error;
	char id[TOKEN_ID_TEXT_MAX];
};

static int fail(const struct action *a)
{
	return cli_refused(a->call, &a->error);
}

/* The answer's text in a result that the caller clears. NULL: error says why. */
static PGresult *ask(struct action *a, enum token_call what, const char *const *values,
		     int n)
{
	PGresult *r = pg_sync_query(a->db, token_sql(what), values, n, &a->error);

	if (r == NULL || !PQgetisnull(r, 0, 0))
		return r;
	sbuf_lit(&a->error, "there is no such token");
	PQclear(r);
	return NULL;
}

static cJSON *parsed(const PGresult *r)
{
	cJSON *json = cJSON_Parse(PQgetvalue(r, 0, 0));

	CHECK(json != NULL);
	return json;
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

static void print_field(const struct action *a, const cJSON *field)
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
	cli_say(stdout, "\n");
}

static int show_answer(const struct action *a, const PGresult *r)
{
	cJSON *json;
	const cJSON *field;

	if (cli_has(a->call, "json")) {
		screen_print_json_text(PQgetvalue(r, 0, 0));
		return 0;
	}
	json = parsed(r);
	cJSON_ArrayForEach(field, json) if (!cJSON_IsNull(field)) print_field(a, field);
	cJSON_Delete(json);
	return 0;
}

static int say_done(const struct action *a, const PGresult *r, const char *done)
{
	cJSON *json;

	if (cli_has(a->call, "json")) {
		screen_print_json_text(PQgetvalue(r, 0, 0));
		return 0;
	}
	json = parsed(r);
	cli_say(stdout, "token %s, '%s', is %s\n", a->id,
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "name")),
		done);
	cJSON_Delete(json);
	return 0;
}

/* --- what is asked --- */

static int show(struct action *a)
{
	const char *const values[] = {NULL, a->id};
	PGresult *r = ask(a, TOKEN_GET, values, 2);
	int status = r != NULL ? show_answer(a, r) : fail(a);

	PQclear(r);
	return status;
}

static int switch_to(struct action *a, const char *act, const char *done)
{
	const char *const values[] = {NULL, a->id, act};
	PGresult *r = ask(a, TOKEN_SWITCH, values, 3);
	int status = r != NULL ? say_done(a, r, done) : fail(a);

	PQclear(r);
	return status;
}

static int disable(struct action *a)
{
	return switch_to(a, "disable", "disabled");
}

static int enable(struct action *a)
{
	return switch_to(a, "enable", "enabled");
}

static int delete_token(struct action *a)
{
	return switch_to(a, "delete", "deleted");
}

/* False: there is no such team. */
static bool add_team(struct action *a, cJSON *patch)
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

static bool make_patch(struct action *a, cJSON *patch)
{
	size_t n;
	const char **scopes = cli_list(a->call, "scope", &n);

	if (cli_has(a->call, "name"))
		cJSON_AddStringToObject(patch, "name", cli_text(a->call, "name"));
	if (cli_has(a->call, "description"))
		cJSON_AddStringToObject(patch, "description",
					cli_text(a->call, "description"));
	if (n > 0)
		cJSON_AddItemToObject(patch, "scopes",
				      cJSON_CreateStringArray(scopes, (int)n));
	free(scopes);
	if (cli_has(a->call, "never-expires"))
		cJSON_AddNullToObject(patch, "expires_at");
	else if (cli_has(a->call, "expires"))
		cJSON_AddNumberToObject(patch, "lifetime_s",
					(double)cli_number(a->call, "expires", 0));
	return add_team(a, patch);
}

static int change(struct action *a)
{
	cJSON *patch = cJSON_CreateObject();
	PGresult *r = NULL;
	char *text;
	int status;

	if (make_patch(a, patch)) {
		text = cJSON_PrintUnformatted(patch);
		CHECK(text != NULL);
		r = ask(a, TOKEN_CHANGE, (const char *[]){NULL, a->id, text}, 3);
		cJSON_free(text);
	}
	status = r != NULL ? say_done(a, r, "changed") : fail(a);
	PQclear(r);
	cJSON_Delete(patch);
	return status;
}

static void print_key(const struct action *a, const struct token_secret *secret)
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

static int rotate(struct action *a)
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
		r = ask(a, TOKEN_ROTATE, (const char *[]){NULL, a->id, spec, NULL}, 4);
	} else {
		sbuf_lit(&a->error, "OpenSSL has no randomness to make a key from");
	}
	if (r != NULL)
		print_key(a, &secret);
	status = r != NULL ? 0 : fail(a);
	PQclear(r);
	token_secret_wipe(&secret);
	return status;
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

static int look_up(struct action *a)
{
	char hash[KEY_HASH_HEX + 1];
	const char *values[] = {NULL, cli_text(a->call, "hash")};
	PGresult *r;
	int status;

	if (values[1] == NULL) {
		read_hash(hash);
		values[1] = hash;
	}
	r = ask(a, TOKEN_BY_HASH, values, 2);
	if (r == NULL) {
		status = fail(a);
	} else {
		cJSON *json = parsed(r);
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

/* The token that the operand names; without one, none is looked for. */
static int run(const struct cli_call *c, int (*act)(struct action *a))
{
	struct action a = {.call = c};
	struct cli_db database = cli_db_of(c);
	struct token_choice which = {.by = TOKEN_BY_EITHER};
	struct sbuf name;
	int status;

	a.db = cli_db_open(&database, c->path);
	if (a.db == NULL)
		return 1;
	sbuf_init(&a.error, ERROR_MAX);
	sbuf_init(&name, ERROR_MAX);
	if (c->n_operands > 0)
		which.text = c->operands[0];
	if (which.text != NULL && !token_admin_find(a.db, &which, a.id, &name, &a.error))
		status = fail(&a);
	else
		status = act(&a);
	sbuf_fini(&name);
	sbuf_fini(&a.error);
	pg_sync_close(&a.db);
	return status;
}

static int run_show(const struct cli_call *c)
{
	return run(c, show);
}

static int run_change(const struct cli_call *c)
{
	return run(c, change);
}

static int run_disable(const struct cli_call *c)
{
	return run(c, disable);
}

static int run_enable(const struct cli_call *c)
{
	return run(c, enable);
}

static int run_rotate(const struct cli_call *c)
{
	return run(c, rotate);
}

static int run_delete(const struct cli_call *c)
{
	return run(c, delete_token);
}

static int run_lookup(const struct cli_call *c)
{
	return run(c, look_up);
}

static const struct cli_option change_options[] = {
	CLI_OPTION("name", CLI_TEXT, "NAME", "its new name"),
	{.name = "scope",
	 .kind = CLI_LIST,
	 .value = "SCOPE",
	 .help = "the scopes that it has from now on",
	 .separators = ", "},
	CLI_OPTION("expires", CLI_LIFETIME, "TIME", "how long it lives from now on"),
	CLI_OPTION("never-expires", CLI_FLAG, NULL, "it lives for ever"),
	CLI_OPTION("description", CLI_TEXT, "TEXT", "what it is for"),
	CLI_OPTION("team", CLI_TEXT, "TEAM", "whose it is, by name or id; or none"),
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
		{.name = "change",
		 .summary = "change a token's name, scopes, end, team",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .text = "What is not given stays. Gateways know it at once.",
		 .options = change_options,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token change my-workflow --scope openai,mail",
			      "tollgate token change 17 --team research --expires 90d"},
		 .run = run_change},
		{.name = "disable",
		 .summary = "refuse a key until it is enabled",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token disable my-workflow",
			      "tollgate token disable 17 --json"},
		 .run = run_disable},
		{.name = "enable",
		 .summary = "take a disabled key again",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token enable my-workflow",
			      "tollgate token enable 17 --json"},
		 .run = run_enable},
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
		{.name = "delete",
		 .summary = "revoke a key and hide it from lists",
		 .arguments = "TOKEN",
		 .least = 1,
		 .most = 1,
		 .text = "Its usage keeps its name.",
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token delete my-workflow",
			      "tollgate token delete 17 --json"},
		 .run = run_delete},
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
