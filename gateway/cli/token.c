/* `tollgate token`: create and import API keys; the rest is beside it. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/str.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/token_change.h"
#include "gateway/cli/token_list.h"
#include "gateway/cli/token_scopes.h"
#include "gateway/cli/token_switch.h"
#include "gateway/token/key.h"
#include "gateway/token/token_admin.h"

#define ERROR_MAX (64u << 10)

/* A subcommand at work. */
struct action {
	const struct cli_call *call;
	struct cli_db database;
	struct pg_sync *db;
	struct token_spec spec; /* create, import */
	struct sbuf error;
};

/* --- answers --- */

static cJSON *token_json(const struct action *a, const char *id)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *list;

	cJSON_AddItemToObject(json, "id", cJSON_CreateRaw(id));
	cJSON_AddStringToObject(json, "name", a->spec.name);
	list = cJSON_AddArrayToObject(json, "scopes");
	for (size_t i = 0; i < a->spec.n_scopes; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(a->spec.scopes[i]));
	return json;
}

static int fail(const struct action *a)
{
	return cli_refused(a->call, &a->error);
}

/* --- subcommands --- */

static int create(struct action *a)
{
	struct token_secret secret;
	char id[TOKEN_ID_TEXT_MAX];
	cJSON *json;

	if (!token_admin_create(a->db, &a->spec, &secret, id, &a->error))
		return fail(a);
	if (cli_has(a->call, "json")) {
		json = token_json(a, id);
		cJSON_AddStringToObject(json, "key", secret.key);
		screen_print_json(json);
	} else {
		cli_say(stderr,
			"token %s '%s'; this is its key, which is not shown again:\n", id,
			a->spec.name);
		puts(secret.key);
	}
	token_secret_wipe(&secret);
	return 0;
}

/* The input without its line end. False: nothing, too much, or unreadable. */
static bool read_key(const char *file, char *out, size_t room, size_t *n,
		     struct sbuf *error)
{
	FILE *in = file ? fopen(file, "rb") : stdin;
	bool ok = false;

	if (in == NULL) {
		sbuf_printf(error, "%s: %s", file, strerror(errno));
		return false;
	}
	if (file == NULL && isatty(STDIN_FILENO))
		fprintf(stderr, "the key, then Enter and Ctrl-D: ");
	setvbuf(in, NULL, _IONBF, 0); /* no copy of the key is left in a buffer */
	*n = fread(out, 1, room, in);
	if (ferror(in))
		sbuf_printf(error, "cannot read the key: %s", strerror(errno));
	else
		ok = true;
	if (file)
		fclose(in);
	if (*n > 0 && out[*n - 1] == '\n')
		--*n;
	if (*n > 0 && out[*n - 1] == '\r')
		--*n;
	return ok;
}

/* NULL: it may be a key; else what it is in truth. */
static const char *mistaken_for_key(struct str s)
{
	static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	char first = s.n > 0 ? s.p[0] : '\0', last = s.n > 0 ? s.p[s.n - 1] : '\0';
	size_t name = 0;

	if (first == '{' || first == '[')
		return "this is JSON, not a key: give the value of its key alone "
		       "(`jq -r .key FILE | tollgate token import ...`)";
	if (s.n > 1 && first == last && strchr("\"'`", first) != NULL)
		return "there are quotes around the key: give it without them";
	while (name < s.n && strchr(upper, s.p[name]) != NULL)
		name++;
	if (name > 0 && name + 1 < s.n && s.p[name] == '=' && s.p[name + 1] != '=')
		return "this is a variable with its value, not a key: give what stands "
		       "behind the `=` alone";
	return NULL;
}

static bool import_key(struct action *a, struct str key, char id[TOKEN_ID_TEXT_MAX])
{
	const char *mistake = mistaken_for_key(str_trim(key));

	if (mistake == NULL)
		return token_admin_import_key(a->db, &a->spec, key, id, &a->error);
	sbuf_printf(&a->error, "%s", mistake);
	return false;
}

static int import(struct action *a)
{
	char bytes[KEY_MAX + 3], id[TOKEN_ID_TEXT_MAX];
	struct str input = {bytes, 0};
	bool ok = read_key(cli_text(a->call, "file"), bytes, sizeof bytes, &input.n,
			   &a->error);

	if (ok && cli_has(a->call, "hash"))
		ok = token_admin_import_hash(a->db, &a->spec, input, id, &a->error);
	else if (ok)
		ok = import_key(a, input, id);
	OPENSSL_cleanse(bytes, sizeof bytes);
	if (!ok)
		return fail(a);
	if (cli_has(a->call, "json"))
		screen_print_json(token_json(a, id));
	else
		cli_say(stdout, "token %s '%s' is imported\n", id, a->spec.name);
	return 0;
}

/* --- commands --- */

static int run(const struct cli_call *c, int (*act)(struct action *a))
{
	struct action a = {.call = c, .database = cli_db_of(c)};
	int status;

	a.db = cli_db_open(&a.database, c->path);
	if (a.db == NULL)
		return 1;
	sbuf_init(&a.error, ERROR_MAX);
	status = act(&a);
	pg_sync_close(&a.db);
	sbuf_fini(&a.error);
	return status;
}

/* With the name, scopes and lifetime that were given. */
static int make(struct action *a, int (*act)(struct action *a))
{
	const char **scopes = cli_list(a->call, "scope", &a->spec.n_scopes);
	const char **ranges = cli_list(a->call, "address", &a->spec.n_address_ranges);
	int status;

	a->spec.name = cli_text(a->call, "name");
	a->spec.scopes = scopes;
	a->spec.lifetime_s = cli_number(a->call, "expires", 0);
	a->spec.team = cli_text(a->call, "team");
	a->spec.description = cli_text(a->call, "description");
	a->spec.address_ranges = ranges;
	status = act(a);
	if (status == 0)
		token_scopes_warn(a->call, &a->database, scopes, a->spec.n_scopes);
	free(ranges);
	free(scopes);
	return status;
}

static int make_new(struct action *a)
{
	return make(a, create);
}

static int make_imported(struct action *a)
{
	return make(a, import);
}

/* Scopes, or that there are none. */
static int run_with_scopes(const struct cli_call *c, int (*act)(struct action *a))
{
	if (cli_has(c, "scope") && cli_has(c, "no-scopes"))
		return cli_usage_error(c, "--scope or --no-scopes, not both");
	return run(c, act);
}

static int run_create(const struct cli_call *c)
{
	return run_with_scopes(c, make_new);
}

static int run_import(const struct cli_call *c)
{
	if (c->n_operands > 0)
		return cli_usage_error(c, "a key is never an argument, where other users "
					  "and the shell's history see it: give it with "
					  "--file FILE or on standard input");
	return run_with_scopes(c, make_imported);
}

#define NAME                                                                             \
	{                                                                                \
		.name = "name", .kind = CLI_TEXT, .value = "NAME",                       \
		.help = "what people call it", .demand = "what people call it"           \
	}
#define SCOPE                                                                            \
	{                                                                                \
		.name = "scope", .kind = CLI_LIST, .value = "SCOPE",                     \
		.help = "a scope of routes that it may call; * for all; several with "   \
			"commas, or given again",                                        \
		.separators = ", ",                                                      \
		.demand = "those of the routes it may call, or '*'; or --no-scopes",     \
		.unless = "no-scopes"                                                    \
	}
#define EXPIRES                                                                          \
	CLI_OPTION("expires", CLI_LIFETIME, "TIME",                                      \
		   "how long it lives: 90s, 15m, 12h, 30d, 2w, 1y; without it for "      \
		   "ever")

#define MORE                                                                             \
	CLI_OPTION("no-scopes", CLI_FLAG, NULL,                                          \
		   "instead of --scope: it calls only routes that ask for none"),        \
		CLI_OPTION("team", CLI_TEXT, "TEAM",                                     \
			   "whose it is, by name or id; without it the admins'"),        \
		CLI_OPTION("description", CLI_TEXT, "TEXT", "what it is for"),           \
		CLI_OPTION("address", CLI_LIST, "RANGE",                                 \
			   "it is used from there alone: 10.0.0.0/8, 203.0.113.9; "      \
			   "several with commas, or given again")

static const struct cli_option create_options[] = {NAME, SCOPE, EXPIRES, MORE, {0}};
static const struct cli_option import_options[] = {
	NAME,
	SCOPE,
	EXPIRES,
	MORE,
	CLI_OPTION("file", CLI_TEXT, "FILE",
		   "where the key is; without it, on standard input"),
	CLI_OPTION("hash", CLI_FLAG, NULL, "what is read is the key's SHA-256 in hex"),
	{0},
};

static const struct cli_command *list_at(size_t i)
{
	return i == 0 ? cli_token_list() : NULL;
}

static const struct cli_command *making_at(size_t i)
{
	static const struct cli_command all[] = {
		{.name = "create",
		 .summary = "make a key",
		 .text = "Prints the new key, once: only its SHA-256 is kept. Gateways "
			 "know it at once. With --config it warns of scopes that no route "
			 "asks for.",
		 .options = create_options,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples = {"tollgate token create --name my-workflow --scope openai",
			      "tollgate token create --name ci --scope '*' --expires 90d "
			      "--team research"},
		 .run = run_create},
		{.name = "import",
		 .summary = "take in a key that exists already",
		 .most = -1,
		 .text = "Reads an existing key of any shape (or, with --hash, its "
			 "SHA-256 in hex) from FILE or from standard input. With --config "
			 "it warns of scopes that no route asks for.",
		 .options = import_options,
		 .shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		 .examples =
			 {"tollgate token import --name old --scope openai --file key.txt",
			  "tollgate token import --name old --scope openai --hash "
			  "--file hash.txt"},
		 .run = run_import},
	};

	return i < ARRAY_LEN(all) ? &all[i] : NULL;
}

/* These, then those of the files beside this one. */
static const struct cli_command *command_at(size_t i)
{
	static const cli_command_at tables[] = {making_at, list_at, cli_token_change_at,
						cli_token_switch_at, NULL};

	return cli_command_of(tables, i);
}

const struct cli_command *cli_token(void)
{
	static const struct cli_command command = {
		.name = "token",
		.summary = "create, list, change, rotate and revoke API keys",
		.examples = {"tollgate token list",
			     "tollgate token create --name my-workflow --scope openai"},
		.subcommand = command_at,
	};

	return &command;
}
