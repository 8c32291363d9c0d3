/* `tollgate import`: what an older system held. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/token_scopes.h"
#include "gateway/token/kv_token.h"

#define ERROR_MAX (64u << 10)
#define FILE_MAX_BYTES ((size_t)1 << 30)
#define READ_BYTES (64u << 10)
#define BATCH_MAX 1000 /* tokens in one statement */
#define SHOWN_MAX 20   /* faults that people are told of */
#define SCOPES_MAX 200 /* that are looked at for warnings */

/* What became of the entries, as names of the answer's fields. */
static const char *const counted[] = {"made", "there", "bare", "filled", "expired"};

struct import {
	const struct cli_call *call;
	struct pg_sync *db;
	struct sbuf text; /* the file */
	struct sbuf error;
	cJSON *batch; /* specs that wait */
	struct kv_token waiting[BATCH_MAX];
	size_t n[ARRAY_LEN(counted)];
	size_t n_ended, n_disabled, n_all;
	cJSON *bad;     /* [{"line", "token_hash", "fault"}] */
	cJSON *ignored; /* field -> count */
	cJSON *scopes;  /* of what was made, each once */
};

/* --- reading --- */

static bool read_all(struct import *m, FILE *in)
{
	size_t n = 1;

	while (n > 0 && !m->text.overflow) {
		char *room = sbuf_reserve(&m->text, READ_BYTES);

		if (room == NULL)
			break;
		n = fread(room, 1, READ_BYTES, in);
		m->text.n += n;
	}
	return !m->text.overflow && !ferror(in);
}

static bool read_file(struct import *m, const char *name)
{
	bool is_input = strcmp(name, "-") == 0, ok;
	FILE *in = is_input ? stdin : fopen(name, "rb");

	if (in == NULL) {
		cli_fail(m->call, "%s: %s", name, strerror(errno));
		return false;
	}
	ok = read_all(m, in);
	if (!ok && m->text.overflow)
		cli_fail(m->call, "%s: more than 1 GB; import it in parts", name);
	else if (!ok)
		cli_fail(m->call, "%s: %s", name, strerror(errno));
	if (!is_input)
		fclose(in);
	return ok;
}

/* --- what becomes of an entry --- */

static void add_bad(struct import *m, const struct kv_token *t, const char *why)
{
	cJSON *bad = cJSON_CreateObject();

	cJSON_AddNumberToObject(bad, "line", t->line);
	if (t->hash[0] != '\0')
		cJSON_AddStringToObject(bad, "token_hash", t->hash);
	else
		cJSON_AddNullToObject(bad, "token_hash");
	cJSON_AddStringToObject(bad, "fault", why);
	cJSON_AddItemToArray(m->bad, bad);
}

static void add_scopes(struct import *m, const cJSON *spec)
{
	const cJSON *scope;

	cJSON_ArrayForEach(scope, cJSON_GetObjectItemCaseSensitive(spec, "scopes"))
	{
		if (cJSON_GetArraySize(m->scopes) < SCOPES_MAX &&
		    !cJSON_HasObjectItem(m->scopes, scope->valuestring))
			cJSON_AddTrueToObject(m->scopes, scope->valuestring);
	}
}

static void count(struct import *m, const char *did, const cJSON *spec)
{
	size_t i = 0;

	while (i < ARRAY_LEN(counted) && strcmp(counted[i], did) != 0)
		i++;
	CHECK(i < ARRAY_LEN(counted));
	m->n[i]++;
	if (i == 0)
		m->n_disabled += cJSON_HasObjectItem(spec, "disabled");
	if (i == 0 || strcmp(did, "filled") == 0)
		add_scopes(m, spec);
}

static void take_answers(struct import *m, const char *text)
{
	cJSON *answers = cJSON_Parse(text);
	const cJSON *spec = m->batch->child, *a;
	size_t i = 0;

	CHECK(cJSON_GetArraySize(answers) == cJSON_GetArraySize(m->batch));
	cJSON_ArrayForEach(a, answers)
	{
		const char *did = cJSON_GetStringValue(cJSON_GetObjectItem(a, "did"));

		if (did != NULL)
			count(m, did, spec);
		else
			add_bad(m, &m->waiting[i],
				cJSON_GetObjectItem(a, "fault")->valuestring);
		spec = spec->next;
		i++;
	}
	cJSON_Delete(answers);
}

static bool send_batch(struct import *m)
{
	char *text = cJSON_PrintUnformatted(m->batch);
	const char *const values[] = {text, cli_has(m->call, "fill") ? "t" : "f"};
	PGresult *r;

	CHECK(text != NULL);
	r = pg_sync_query(m->db,
			  "SELECT public.token_import(NULL, $1::jsonb, $2::boolean)",
			  values, ARRAY_LEN(values), &m->error);
	if (r != NULL)
		take_answers(m, PQgetvalue(r, 0, 0));
	PQclear(r);
	cJSON_free(text);
	cJSON_Delete(m->batch);
	m->batch = cJSON_CreateArray();
	return r != NULL;
}

/* False: the database refused. */
static bool add_entry(struct import *m, const struct kv_entry *e)
{
	size_t n = (size_t)cJSON_GetArraySize(m->batch);
	struct kv_token t;
	const char *prefix = cli_text(m->call, "prefix");

	kv_token_read(&t, e, str_of(prefix != NULL ? prefix : ""), m->ignored);
	m->n_all++;
	if (t.spec != NULL) {
		m->waiting[n] = t;
		m->waiting[n].spec = NULL;
		cJSON_AddItemToArray(m->batch, t.spec);
		return n + 1 < BATCH_MAX || send_batch(m);
	}
	if (t.fault[0] != '\0')
		add_bad(m, &t, t.fault);
	else
		m->n_ended++;
	kv_token_fini(&t);
	return true;
}

/* False: what is wrong has been told. */
static bool take_entries(struct import *m)
{
	struct kv_dump dump;
	struct kv_entry e;
	bool ok = true;

	kv_dump_init(&dump, sbuf_view(&m->text));
	while (ok && kv_dump_next(&dump, &e))
		ok = add_entry(m, &e);
	if (ok)
		ok = m->batch->child == NULL || send_batch(m);
	if (!ok) {
		cli_refused(m->call, &m->error);
	} else if (dump.fault != NULL) {
		cli_fail(m->call, "line %u: %s; nothing was imported", dump.fault_line,
			 dump.fault);
		ok = false;
	} else if (m->n_all == 0) {
		cli_fail(m->call, "there is nothing in it");
		ok = false;
	}
	return ok;
}

/* --- what is told --- */

static void say_bad(const struct import *m)
{
	int n = cJSON_GetArraySize(m->bad), shown = 0;
	const cJSON *bad;

	cJSON_ArrayForEach(bad, m->bad)
	{
		const char *hash = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(bad, "token_hash"));

		if (shown++ == SHOWN_MAX)
			break;
		cli_say(stderr, "line %.0f%s%.12s: %s\n",
			cJSON_GetObjectItem(bad, "line")->valuedouble,
			hash != NULL ? ", " : "", hash != NULL ? hash : "",
			cJSON_GetObjectItem(bad, "fault")->valuestring);
	}
	if (n > SHOWN_MAX)
		cli_say(stderr, "and %d more: --json tells all\n", n - SHOWN_MAX);
}

static void say_ignored(const struct import *m)
{
	const cJSON *field;

	cJSON_ArrayForEach(field, m->ignored)
		cli_warn(m->call,
			 "warning: '%s' is not taken over (%.0f times); where it "
			 "was a bound, set it by `tollgate token change`",
			 field->string, field->valuedouble);
}

static void warn_of_scopes(const struct import *m)
{
	struct cli_db db = cli_db_of(m->call);
	const char *scopes[SCOPES_MAX];
	const cJSON *scope;
	size_t n = 0;

	cJSON_ArrayForEach(scope, m->scopes) scopes[n++] = scope->string;
	token_scopes_warn(m->call, &db, scopes, n);
}

/* Each with what became of so many. */
static void say_counts(const struct import *m)
{
	const struct {
		size_t n;
		const char *what;
	} lines[] = {
		{m->n[0], "imported"},
		{m->n_disabled, "of these disabled, as they were there"},
		{m->n[1], "there already"},
		{m->n[2], "there without scopes: --fill gives them those of the file"},
		{m->n[3], "there already, and got the file's scopes"},
		{m->n[4], "left out: expired"},
		{m->n_ended, "left out: revoked or deleted there"},
		{(size_t)cJSON_GetArraySize(m->bad), "bad"},
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (i == 0 || lines[i].n > 0)
			printf("%8zu %s\n", lines[i].n, lines[i].what);
}

static void print_json(struct import *m, bool is_kept)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddBoolToObject(json, "kept", is_kept);
	cJSON_AddBoolToObject(json, "dry_run", cli_has(m->call, "dry-run"));
	for (size_t i = 0; i < ARRAY_LEN(counted); i++)
		cJSON_AddNumberToObject(json, counted[i], (double)m->n[i]);
	cJSON_AddNumberToObject(json, "disabled", (double)m->n_disabled);
	cJSON_AddNumberToObject(json, "ended", (double)m->n_ended);
	cJSON_AddItemToObject(json, "bad", m->bad);
	cJSON_AddItemToObject(json, "ignored", m->ignored);
	m->bad = m->ignored = NULL;
	screen_print_json(json);
}

static int tell(struct import *m, bool is_kept)
{
	bool is_bad = m->bad->child != NULL, is_dry = cli_has(m->call, "dry-run");
	int n = cJSON_GetArraySize(m->bad);

	if (cli_has(m->call, "json")) {
		print_json(m, is_kept);
	} else {
		say_bad(m);
		say_ignored(m);
		say_counts(m);
		warn_of_scopes(m);
	}
	if (is_dry)
		cli_warn(m->call, "dry run: nothing was changed");
	else if (!is_kept)
		return cli_fail(m->call,
				"nothing was imported, since %d of %zu entries cannot be "
				"taken: mend them, or take the others with --skip-bad",
				n, m->n_all);
	return is_bad && !cli_has(m->call, "skip-bad") ? 1 : 0;
}

/* --- the command --- */

static int import(struct import *m)
{
	bool ok = pg_sync_run(m->db, "BEGIN", &m->error), is_kept;

	if (!ok)
		return cli_refused(m->call, &m->error);
	if (!take_entries(m))
		return 1; /* the session ends, and with it what was begun */
	is_kept = !cli_has(m->call, "dry-run") &&
		  (m->bad->child == NULL || cli_has(m->call, "skip-bad"));
	if (!pg_sync_run(m->db, is_kept ? "COMMIT" : "ROLLBACK", &m->error))
		return cli_refused(m->call, &m->error);
	return tell(m, is_kept);
}

static int run_kv(const struct cli_call *c)
{
	struct import *m = xcalloc(1, sizeof *m);
	struct cli_db db = cli_db_of(c);
	int status = 1;

	m->call = c;
	sbuf_init(&m->text, FILE_MAX_BYTES);
	sbuf_init(&m->error, ERROR_MAX);
	m->batch = cJSON_CreateArray();
	m->bad = cJSON_CreateArray();
	m->ignored = cJSON_CreateObject();
	m->scopes = cJSON_CreateObject();
	if (read_file(m, c->operands[0]))
		m->db = cli_db_open(&db, c->path);
	if (m->db != NULL)
		status = import(m);
	pg_sync_close(&m->db);
	cJSON_Delete(m->batch);
	cJSON_Delete(m->bad);
	cJSON_Delete(m->ignored);
	cJSON_Delete(m->scopes);
	sbuf_fini(&m->error);
	sbuf_fini(&m->text);
	free(m);
	return status;
}

static const struct cli_option kv_options[] = {
	CLI_OPTION("dry-run", CLI_FLAG, NULL,
		   "tell what it would do, and change nothing"),
	CLI_OPTION("skip-bad", CLI_FLAG, NULL,
		   "take the good entries although others are bad"),
	CLI_OPTION("fill", CLI_FLAG, NULL,
		   "tokens that are there already without scopes get the file's"),
	CLI_OPTION("prefix", CLI_TEXT, "TEXT",
		   "what stands before the hashes in the store's keys: token:"),
	{0},
};

static const struct cli_command *command_at(size_t i)
{
	static const struct cli_command kv = {
		.name = "kv",
		.summary = "take in the tokens of an edge Worker's key-value store",
		.arguments = "FILE",
		.least = 1,
		.most = 1,
		.text = "Reads FILE (- is standard input) with the store's entries, the "
			"SHA-256 of each key and {\"name\", \"scopes\", ...}: as one object, as "
			"the array that `wrangler kv bulk put` takes, as `wrangler kv bulk get` "
			"prints them, as JSON lines, or as lines of hash, tab and JSON "
			"(docs/migrating.md). All of it is taken or, where an entry is bad, "
			"nothing; hashes that are known already are counted, so that it may be "
			"run again.",
		.options = kv_options,
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate import kv tokens.json --dry-run",
			     "tollgate import kv - --prefix token: --fill"},
		.fails = "an entry is bad (without --skip-bad)",
		.run = run_kv,
	};

	return i == 0 ? &kv : NULL;
}

const struct cli_command *cli_import(void)
{
	static const struct cli_command command = {
		.name = "import",
		.summary = "take over what an older system held",
		.examples = {"tollgate import kv tokens.json --dry-run",
			     "tollgate import kv tokens.json"},
		.subcommand = command_at,
	};

	return &command;
}
