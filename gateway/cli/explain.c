/* `tollgate explain`: what would become of a request, or became of one, and why. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/pg_sync.h"
#include "gateway/api/explanation.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/explain_call.h"
#include "gateway/cli/explain_show.h"
#include "gateway/cli/screen.h"
#include "gateway/settings/settings.h"
#include "gateway/token/token_rows.h"

#define ERROR_MAX (64u << 10)
#define KEY_ROOM (KEY_MAX + 3)

/* A request that is asked about. */
struct asking {
	const struct cli_call *call;
	struct cli_db database;
	struct explanation_question q;
	struct net_ip peer;
	char key[KEY_ROOM];
};

/* --- what the database knows of its keys --- */

static void add_hash(struct sbuf *list, const char *hash)
{
	sbuf_printf(list, "%s%s", list->n > 1 ? "," : "", hash);
}

static struct token_table *table_of(const PGresult *r)
{
	struct token_builder *b = token_builder_new();
	struct token_row row;

	for (int i = 0; i < PQntuples(r); i++)
		if (token_row_read(&row, r, i))
			token_builder_add(b, &row);
	return token_builder_finish(&b);
}

/* A table of the keys in the request alone. NULL: the reason is on stderr. */
static struct token_table *load_tokens(struct asking *a, char hashes[][KEY_HASH_HEX + 1],
				       size_t n)
{
	static const char sql[] = "SELECT " TOKEN_COLUMNS " FROM public.token_lookup "
				  "WHERE token_hash = ANY ($1::text[])";
	struct pg_sync *db = cli_db_open(&a->database, a->call->path);
	struct token_table *table = NULL;
	const char *values[1];
	struct sbuf list, error;
	PGresult *r;

	if (db == NULL)
		return NULL;
	sbuf_init(&list, ERROR_MAX);
	sbuf_init(&error, ERROR_MAX);
	sbuf_lit(&list, "{");
	for (size_t i = 0; i < n; i++)
		add_hash(&list, hashes[i]);
	sbuf_lit(&list, "}");
	values[0] = sbuf_text(&list);
	r = pg_sync_query(db, sql, values, 1, &error);
	if (r != NULL)
		table = table_of(r);
	else
		cli_refused(a->call, &error);
	PQclear(r);
	pg_sync_close(&db);
	sbuf_fini(&list);
	sbuf_fini(&error);
	return table;
}

/* --- what is asked --- */

/* -1, or an exit status. */
static int read_key(struct asking *a)
{
	size_t n;

	if (!cli_has(a->call, "key-stdin"))
		return -1;
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "the key, then Enter and Ctrl-D: ");
	setvbuf(stdin, NULL, _IONBF, 0); /* no copy of the key is left in a buffer */
	n = fread(a->key, 1, sizeof a->key - 1, stdin);
	while (n > 0 && (a->key[n - 1] == '\n' || a->key[n - 1] == '\r'))
		n--;
	a->key[n] = '\0';
	if (n == 0 || n > KEY_MAX || strlen(a->key) != n ||
	    !http_is_field_value((struct str){a->key, n}))
		return cli_fail(a->call, "what is on standard input is no key");
	a->q.request.key = a->key;
	return -1;
}

static int read_peer(struct asking *a)
{
	const char *text = cli_text(a->call, "address");

	if (text == NULL)
		return -1;
	if (!net_ip_parse(&a->peer, str_of(text)))
		return cli_usage_error(a->call, "--address '%s' is no IP address", text);
	a->q.peer = &a->peer;
	return -1;
}

/* Their values may be secrets. */
static int check_fields(const struct asking *a)
{
	size_t length = 0;

	if (a->q.request.n_fields > EXPLAINED_FIELDS_MAX)
		return cli_usage_error(a->call, "--header: %d at most",
				       EXPLAINED_FIELDS_MAX);
	for (size_t i = 0; i < a->q.request.n_fields; i++) {
		length += strlen(a->q.request.fields[i]);
		if (!explained_is_field(a->q.request.fields[i]))
			return cli_usage_error(
				a->call,
				"--header is like 'Name: value'; the %zu. is not", i + 1);
	}
	if (length > EXPLAINED_FIELDS_BYTES)
		return cli_usage_error(a->call, "--header: %d bytes at most, in all",
				       EXPLAINED_FIELDS_BYTES);
	return -1;
}

static bool is_path(const char *text)
{
	if (strlen(text) > EXPLAINED_PATH_MAX)
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return *text == '/' || strcmp(text, "*") == 0;
}

/* --- asking --- */

static int tell(struct asking *a, struct token_table *table)
{
	cJSON *answer;
	int status;

	a->q.tokens = table;
	a->q.state = TOKENS_FRESH;
	a->q.wall_us = clock_wall_us();
	answer = explanation_of_request(&a->q);
	status = explain_is_good(answer) ? 0 : 1;
	if (cli_has(a->call, "json")) {
		screen_print_json(answer);
	} else {
		explain_show_request(answer);
		cJSON_Delete(answer);
	}
	return status;
}

static int ask_database(struct asking *a)
{
	char hashes[EXPLAINED_HASHES_MAX][KEY_HASH_HEX + 1];
	size_t n = explained_hashes(&a->q.request, hashes);
	struct token_builder *none = token_builder_new();
	struct token_table *table =
		n > 0 ? load_tokens(a, hashes, n) : token_builder_finish(&none);
	int status = 1;

	token_builder_free(&none);
	if (table != NULL)
		status = tell(a, table);
	token_table_free(table);
	return status;
}

static int ask(struct asking *a)
{
	const char **fields = cli_list(a->call, "header", &a->q.request.n_fields);
	struct settings *s = NULL;
	int status;

	a->q.request.fields = fields;
	status = check_fields(a);
	if (status < 0)
		status = read_peer(a);
	if (status < 0)
		status = read_key(a);
	if (status < 0) {
		s = cli_db_settings(&a->database);
		a->q.settings = s;
		status = s != NULL ? ask_database(a)
				   : cli_fail(a->call,
					      "which routes? Give --config FILE, of a "
					      "configuration that `tollgate check` finds "
					      "fine");
	}
	settings_unref(&s);
	free(fields);
	OPENSSL_cleanse(a->key, sizeof a->key);
	return status;
}

/* Of a call that was all is known. */
static int run_call(const struct cli_call *c)
{
	static const char *const of_requests[] = {"method", "key-stdin", "header",
						  "address"};

	for (size_t i = 0; i < ARRAY_LEN(of_requests); i++)
		if (cli_has(c, of_requests[i]))
			return cli_usage_error(c,
					       "--%s goes with a path, which begins "
					       "with /",
					       of_requests[i]);
	return explain_call(c, c->operands[0]);
}

static int run(const struct cli_call *c)
{
	const char *method = cli_text(c, "method");
	struct asking a = {
		.call = c,
		.database = cli_db_of(c),
		.q.request = {.method = method != NULL ? method : "GET",
			      .path = c->operands[0]},
	};

	return is_path(a.q.request.path) ? ask(&a) : run_call(c);
}

const struct cli_command *cli_explain(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("method", CLI_WORD, "METHOD", "or -X METHOD; without it GET",
			   .words = "GET HEAD POST PUT PATCH DELETE OPTIONS",
			   .letter = 'X'),
		CLI_OPTION("key-stdin", CLI_FLAG, NULL,
			   "with the key on standard input, as X-API-Key"),
		CLI_OPTION("header", CLI_TEXTS, "FIELD",
			   "or -H FIELD: with a header, like 'Name: value'; may be given "
			   "again",
			   .letter = 'H'),
		CLI_OPTION("address", CLI_TEXT, "ADDRESS",
			   "from there: where the connection comes from"),
		{0},
	};
	static const struct cli_command command = {
		.name = "explain",
		.summary = "tell what becomes of a request, and why",
		.arguments = "PATH|REQUEST_ID",
		.least = 1,
		.most = 1,
		.text = "Judges a request step by step as the gateway would, without making "
			"it: key, token, address, route, scope, method, and which headers "
			"are added and removed on the way to the upstream. The routes are "
			"those of --config, else of the `tollgate dev` that runs in this "
			"folder, else the service's. What a running gateway has seen of its "
			"upstreams, POST /api/explain of its manager tells.\n\n"
			"Of a call that was, named by the id of its answer "
			"(Tollgate-Request-Id): how it ended, whose fault that was, what to "
			"do, and where its time went.",
		.options = options,
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate explain -X POST /api/openai/chat/completions "
			     "--key-stdin",
			     "tollgate explain 019a9b3c-7f12-7c55-9d0e-3a7be1c2f605"},
		.fails = "if it would be refused, or there is no such call",
		.run = run,
	};

	return &command;
}
