/* `tollgate token`: create, list, revoke and import API keys. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/pg_value.h"
#include "common/str.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/settings.h"
#include "gateway/token/key.h"
#include "gateway/token/token_admin.h"

#define ERROR_MAX (64u << 10)
#define SCOPES_MAX 64

static const char help[] =
	"usage: tollgate token create --name NAME --scope SCOPE[,SCOPE...] [--expires 30d]\n"
	"       tollgate token list\n"
	"       tollgate token revoke ID|NAME, or --id ID, or --name NAME\n"
	"       tollgate token import --name NAME --scope SCOPE[,SCOPE...] [--file FILE] [--hash]\n\n"
	"create prints the new key, once: only its SHA-256 is kept. Gateways know it at once.\n"
	"import reads an existing key of any shape (or, with --hash, its SHA-256 in hex) from\n"
	"FILE or from standard input. With --config both warn of scopes that no route asks for.\n\n"
	"  --name NAME      what people call it\n"
	"  --id ID          revoke the token with this id\n"
	"  --scope SCOPE    a scope of routes that it may call; * for all; may be given again\n"
	"  --expires TIME   how long it lives: 90s, 15m, 12h, 30d, 2w, 1y; without: for ever\n"
	"  --json           answer in JSON\n" CLI_DB_HELP;

struct arguments {
	struct cli_db db;
	struct token_spec spec;
	const char *scopes[SCOPES_MAX];
	const char *file; /* NULL: standard input */
	bool hash, json;
	const char *id;      /* --id */
	const char *operand; /* after the options; NULL: none */
};

/* --- answers --- */

static void print_json(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	CHECK(text != NULL);
	puts(text);
	OPENSSL_cleanse(text, strlen(text)); /* it may hold a key */
	free(text);
	cJSON_Delete(json);
}

static void add_scopes(cJSON *json, struct str scopes)
{
	cJSON *list = cJSON_AddArrayToObject(json, "scopes");

	while (scopes.n) {
		const char *space = memchr(scopes.p, ' ', scopes.n);
		size_t n = space ? (size_t)(space - scopes.p) : scopes.n;
		char *name = xstrndup(scopes.p, n);

		if (n > 0)
			cJSON_AddItemToArray(list, cJSON_CreateString(name));
		free(name);
		scopes.p += space ? n + 1 : n;
		scopes.n -= space ? n + 1 : n;
	}
}

static cJSON *token_json(const struct arguments *a, const char *id)
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

static int fail(struct sbuf *error)
{
	fprintf(stderr, "tollgate token: %.*s\n", (int)error->n,
		error->p ? error->p : "");
	return 1;
}

/* --- subcommands --- */

static int run_create(struct pg_sync *db, const struct arguments *a, struct sbuf *error)
{
	char key[KEY_LENGTH + 1] = "", id[TOKEN_ID_TEXT_MAX];
	cJSON *json;

	if (!token_admin_create(db, &a->spec, key, id, error))
		return fail(error);
	if (a->json) {
		json = token_json(a, id);
		cJSON_AddStringToObject(json, "key", key);
		print_json(json);
	} else {
		fprintf(stderr,
			"token %s '%s'; this is its key, which is not shown again:\n", id,
			a->spec.name);
		puts(key);
	}
	OPENSSL_cleanse(key, sizeof key);
	return 0;
}

static void print_row(const PGresult *r, int i)
{
	printf("%-6s %-24s %-10s %-8s %-24s %s\n", PQgetvalue(r, i, 0),
	       PQgetvalue(r, i, 1), PQgetisnull(r, i, 2) ? "-" : PQgetvalue(r, i, 2),
	       PQgetvalue(r, i, 4), PQgetvalue(r, i, 3),
	       PQgetisnull(r, i, 6) ? "" : PQgetvalue(r, i, 6));
}

static cJSON *row_json(const PGresult *r, int i)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddItemToObject(json, "id", cJSON_CreateRaw(PQgetvalue(r, i, 0)));
	for (int column = 1; column < PQnfields(r); column++) {
		const char *name = PQfname(r, column);

		if (strcmp(name, "scopes") == 0)
			add_scopes(json, pg_value_text(r, i, column));
		else if (PQgetisnull(r, i, column))
			cJSON_AddNullToObject(json, name);
		else
			cJSON_AddStringToObject(json, name, PQgetvalue(r, i, column));
	}
	return json;
}

static int run_list(struct pg_sync *db, const struct arguments *a, struct sbuf *error)
{
	PGresult *r = token_admin_list(db, error);
	cJSON *json;

	if (r == NULL)
		return fail(error);
	if (a->json) {
		json = cJSON_CreateArray();
		for (int i = 0; i < PQntuples(r); i++)
			cJSON_AddItemToArray(json, row_json(r, i));
		print_json(json);
	} else {
		printf("%-6s %-24s %-10s %-8s %-24s %s\n", "ID", "NAME", "KEY", "STATE",
		       "SCOPES", "EXPIRES");
		for (int i = 0; i < PQntuples(r); i++)
			print_row(r, i);
	}
	PQclear(r);
	return 0;
}

static struct token_choice choice(const struct arguments *a)
{
	if (a->id != NULL)
		return (struct token_choice){a->id, TOKEN_BY_ID};
	if (a->spec.name != NULL)
		return (struct token_choice){a->spec.name, TOKEN_BY_NAME};
	return (struct token_choice){a->operand, TOKEN_BY_EITHER};
}

static void print_revoked(const struct arguments *a, const char *id, const char *name)
{
	cJSON *json;

	if (!a->json) {
		printf("token %s, '%s', is revoked\n", id, name);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "id", cJSON_CreateRaw(id));
	cJSON_AddStringToObject(json, "name", name);
	cJSON_AddStringToObject(json, "state", "revoked");
	print_json(json);
}

static int run_revoke(struct pg_sync *db, const struct arguments *a, struct sbuf *error)
{
	struct token_choice which = choice(a);
	char id[TOKEN_ID_TEXT_MAX];
	struct sbuf name;
	bool ok;

	sbuf_init(&name, ERROR_MAX);
	ok = token_admin_revoke(db, &which, id, &name, error);
	if (ok)
		print_revoked(a, id, sbuf_text(&name));
	sbuf_fini(&name);
	return ok ? 0 : fail(error);
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

static bool import_key(struct pg_sync *db, const struct token_spec *spec, struct str key,
		       char id[TOKEN_ID_TEXT_MAX], struct sbuf *error)
{
	const char *mistake = mistaken_for_key(str_trim(key));

	if (mistake == NULL)
		return token_admin_import_key(db, spec, key, id, error);
	sbuf_printf(error, "%s", mistake);
	return false;
}

static int run_import(struct pg_sync *db, const struct arguments *a, struct sbuf *error)
{
	char bytes[KEY_MAX + 3], id[TOKEN_ID_TEXT_MAX];
	struct str input = {bytes, 0};
	bool ok = read_key(a->file, bytes, sizeof bytes, &input.n, error);

	if (ok && a->hash)
		ok = token_admin_import_hash(db, &a->spec, input, id, error);
	else if (ok)
		ok = import_key(db, &a->spec, input, id, error);
	OPENSSL_cleanse(bytes, sizeof bytes);
	if (!ok)
		return fail(error);
	if (a->json)
		print_json(token_json(a, id));
	else
		printf("token %s '%s' is imported\n", id, a->spec.name);
	return 0;
}

/* --- arguments --- */

static const struct subcommand {
	const char *name;
	bool makes; /* takes --name and --scope */
	int (*run)(struct pg_sync *db, const struct arguments *a, struct sbuf *error);
} subcommands[] = {
	{"create", true, run_create},
	{"list", false, run_list},
	{"revoke", false, run_revoke},
	{"import", true, run_import},
};

/* Splits at commas, in place: getopt's strings are ours to change. */
static bool add_scope_argument(struct arguments *a, char *text)
{
	for (char *save, *s = strtok_r(text, ", ", &save); s;
	     s = strtok_r(NULL, ", ", &save)) {
		if (a->spec.n_scopes == SCOPES_MAX)
			return false;
		a->scopes[a->spec.n_scopes++] = s;
	}
	return true;
}

static int usage(const char *why)
{
	fprintf(stderr, "tollgate token: %s; `tollgate token --help` tells more\n", why);
	return 2;
}

static const struct option options[] = {
	CLI_DB_OPTIONS,
	{"name", required_argument, NULL, 'n'},
	{"id", required_argument, NULL, 'i'},
	{"scope", required_argument, NULL, 's'},
	{"expires", required_argument, NULL, 'x'},
	{"file", required_argument, NULL, 'f'},
	{"hash", no_argument, NULL, 'H'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* NULL: fine; else what is wrong with this option. */
static const char *take_option(struct arguments *a, int option, char *value)
{
	if (cli_db_take(&a->db, option, value))
		return NULL;
	switch (option) {
	case 'n':
		a->spec.name = value;
		return NULL;
	case 's':
		return add_scope_argument(a, value) ? NULL : "too many scopes";
	case 'x':
		return token_lifetime_parse(value, &a->spec.lifetime_s)
			       ? NULL
			       : "--expires takes a number and a unit (90s, 15m, 12h, "
				 "30d, 2w, 1y), up to 100 years";
	case 'f':
		a->file = value;
		return NULL;
	case 'i':
		a->id = value;
		return NULL;
	case 'H':
		a->hash = true;
		return NULL;
	case 'j':
		a->json = true;
		return NULL;
	default:
		return "unknown option";
	}
}

static const char *check_spec(const struct arguments *a)
{
	if (a->spec.name == NULL)
		return "--name is missing";
	if (a->spec.n_scopes == 0)
		return "--scope is missing: those of the routes it may call, or '*'";
	return a->id ? "--id goes with revoke" : NULL;
}

static const char *check_arguments(const struct subcommand *c, const struct arguments *a,
				   int n_operands)
{
	bool is_import = c->run == run_import, is_revoke = c->run == run_revoke;
	int named = is_revoke ? n_operands + (a->id != NULL) + (a->spec.name != NULL)
			      : n_operands;

	if (is_import && n_operands > 0)
		return "a key is never an argument, where other users and the shell's "
		       "history see it: give it with --file FILE or on standard input";
	if (is_revoke && named != 1)
		return "revoke takes one id or name";
	if (!is_revoke && n_operands > 0)
		return "too many arguments";
	if (!is_import && (a->file || a->hash))
		return "--file and --hash go with import";
	if (c->makes)
		return check_spec(a);
	if ((!is_revoke && (a->spec.name || a->id)) || a->spec.n_scopes)
		return "--name and --scope go with create and import";
	return a->spec.lifetime_s ? "--expires goes with create and import" : NULL;
}

/* --- scopes that open nothing --- */

static bool is_asked_for(const struct settings *s, const char *scope)
{
	if (strcmp(scope, "*") == 0)
		return true;
	for (size_t i = 0; i < s->n_routes; i++)
		if (s->routes[i].scope != NULL && strcmp(s->routes[i].scope, scope) == 0)
			return true;
	return false;
}

/* Each scope once, in the routes' order. */
static void list_scopes(const struct settings *s, struct sbuf *out)
{
	for (size_t i = 0; i < s->n_routes; i++) {
		const char *scope = s->routes[i].scope;
		bool is_new = scope != NULL;

		for (size_t j = 0; is_new && j < i; j++)
			is_new = s->routes[j].scope == NULL ||
				 strcmp(s->routes[j].scope, scope) != 0;
		if (is_new)
			sbuf_printf(out, "%s%s", out->n ? ", " : "", scope);
	}
	if (out->n == 0)
		sbuf_lit(out, "none");
}

/* It may be that of a route to come. */
static void warn_of_scopes(const struct arguments *a)
{
	struct settings *s = cli_db_settings(&a->db);
	struct sbuf known;

	if (s == NULL)
		return;
	sbuf_init(&known, ERROR_MAX);
	list_scopes(s, &known);
	for (size_t i = 0; i < a->spec.n_scopes; i++)
		if (!is_asked_for(s, a->spec.scopes[i]))
			fprintf(stderr,
				"tollgate token: warning: no route of %s asks for the "
				"scope '%s'; the routes' scopes: %s\n",
				a->db.config, a->spec.scopes[i], sbuf_text(&known));
	sbuf_fini(&known);
	settings_unref(&s);
}

static int run(const struct subcommand *c, const struct arguments *a)
{
	struct pg_sync *db = cli_db_open(&a->db, "tollgate token");
	struct sbuf error;
	int status;

	if (db == NULL)
		return 1;
	sbuf_init(&error, ERROR_MAX);
	status = c->run(db, a, &error);
	if (status == 0 && c->makes)
		warn_of_scopes(a);
	pg_sync_close(&db);
	sbuf_fini(&error);
	return status;
}

static int run_subcommand(const struct subcommand *c, int argc, char **argv)
{
	struct arguments a = {0};
	const char *why;
	int option;

	a.spec.scopes = a.scopes;
	while ((option = cli_next_option(argc, argv, options)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (option == '?')
			return 2;
		why = take_option(&a, option, optarg);
		if (why != NULL)
			return usage(why);
	}
	a.operand = argv[optind];
	why = check_arguments(c, &a, argc - optind);
	return why ? usage(why) : run(c, &a);
}

int cli_token(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0) {
		fputs(help, stdout);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		if (strcmp(name, subcommands[i].name) == 0)
			return run_subcommand(&subcommands[i], argc - 1, argv + 1);
	fputs(help, stderr);
	return 2;
}
