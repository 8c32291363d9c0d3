/* `tollgate explain REQUEST_ID`: what became of a call. */
#include "gateway/cli/explain_call.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/api/explained_call.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/dev_env_file.h"
#include "gateway/cli/explain_show.h"
#include "gateway/cli/journal_event.h"
#include "gateway/cli/screen.h"
#include "gateway/journal/inspect.h"
#include "gateway/settings/settings.h"
#include "gateway/statistics/ask.h"
#include "gateway/statistics/question_fields.h"

#define ERROR_MAX (64u << 10)
#define ID_ROOM 37 /* a UUID, and NUL */

struct searching {
	const struct cli_call *call;
	struct cli_db database;
	char id[ID_ROOM];
	cJSON *row;        /* what was found */
	struct sbuf error; /* why the database could not be asked */
	char *journal;     /* NULL: nobody says where it is */
};

/* --- where it may be --- */

static void ask_database(struct searching *s)
{
	struct question q = {
		.kind = QUESTION_ROW, .all_tokens = true, .request_id = s->id};
	char *conninfo = cli_db_conninfo(&s->database), *answer;
	struct question_text t;

	if (conninfo == NULL) {
		sbuf_lit(&s->error, "no database is named");
		return;
	}
	CHECK(question_build(&q, &t, &s->error));
	answer = question_ask(conninfo, &t, &s->error);
	if (answer != NULL)
		s->row = cJSON_Parse(answer);
	if (!cJSON_IsObject(s->row)) {
		cJSON_Delete(s->row);
		s->row = NULL;
	}
	free(answer);
	question_text_fini(&t);
	OPENSSL_cleanse(conninfo, strlen(conninfo));
	free(conninfo);
}

#define ADD_NULL(number, member, column, kind, width)                                    \
	if (!cJSON_HasObjectItem(row, column))                                           \
		CHECK(cJSON_AddNullToObject(row, column) != NULL);

/* With what a row of the usage log has besides, though nobody knows it here. */
static void complete(cJSON *row)
{
	static const char *const database_s[] = {"id", "token_name"};

	USAGE_FIELDS(ADD_NULL)
	for (size_t i = 0; i < ARRAY_LEN(database_s); i++)
		CHECK(cJSON_AddNullToObject(row, database_s[i]) != NULL);
	cJSON_DeleteItemFromObjectCaseSensitive(row, "token_hash");
}

/* As the database's row is read: an event's numbers are texts so far. Ends `row`. */
static cJSON *read_again(cJSON *row)
{
	char *text = cJSON_PrintUnformatted(row);
	cJSON *again;

	CHECK(text != NULL);
	again = cJSON_Parse(text);
	CHECK(again != NULL);
	cJSON_free(text);
	cJSON_Delete(row);
	return again;
}

static void on_event(void *ctx, const struct inspect_group *group, size_t lane,
		     uint64_t position, const struct usage_event *e)
{
	struct searching *s = ctx;
	cJSON *row;

	(void)lane;
	(void)position;
	if (s->row != NULL || !str_eq(e->request_id, str_of(s->id)))
		return;
	row = cJSON_CreateObject();
	journal_event_add(row, e);
	journal_event_add_text(row, "node", str_of(group->node));
	complete(row);
	s->row = read_again(row);
}

/* As run/ places it; beside dev.env for the `tollgate dev` of this folder. */
static char *journal_directory(const struct cli_db *database)
{
	struct settings *s = cli_db_settings(database);
	const char *dev = cli_dev_env(), *slash = dev != NULL ? strrchr(dev, '/') : NULL;
	char *directory = NULL;

	if (s != NULL && s->journal.directory != NULL)
		directory = xstrdup(s->journal.directory);
	else if (s != NULL && s->state_dir != NULL)
		directory = xasprintf("%s/usage", s->state_dir);
	else if (slash != NULL && database->config == NULL)
		directory = xasprintf("%.*s/usage", (int)(slash - dev), dev);
	settings_unref(&s);
	return directory;
}

static void search_journal(struct searching *s)
{
	struct inspect_sink sink = {.event = on_event, .ctx = s};

	s->journal = journal_directory(&s->database);
	if (s->journal == NULL || !usage_journal_inspect(s->journal, &sink) ||
	    s->row == NULL)
		return;
	cli_warn(s->call, "it waits in %s for the database", s->journal);
}

/* --- what is told --- */

static int tell_nothing(const struct searching *s)
{
	if (s->error.n > 0)
		return cli_fail(s->call, STR_FMT "%s%s", STR_ARG(sbuf_view(&s->error)),
				s->journal != NULL ? "\n  and it does not wait in " : "",
				s->journal != NULL ? s->journal : "");
	return cli_fail(
		s->call,
		"there is no such call%s%s: only calls of known keys have rows, for "
		"`usage.retention_days`; what was refused for its key is in the access log",
		s->journal != NULL ? ", nor does it wait in " : "",
		s->journal != NULL ? s->journal : "");
}

static int tell(const struct searching *s)
{
	if (s->row == NULL)
		return tell_nothing(s);
	CHECK(cJSON_AddItemToObject(s->row, "explanation", explained_call(s->row)));
	if (cli_has(s->call, "json")) {
		char *text = cJSON_PrintUnformatted(s->row);

		CHECK(text != NULL);
		screen_print_json_text(text);
		cJSON_free(text);
	} else {
		explain_show_call(s->row);
	}
	return 0;
}

static bool take_id(struct searching *s, const char *text)
{
	int64_t ms;

	if (!question_id_time(text, &ms))
		return false;
	snprintf(s->id, sizeof s->id, "%s", text);
	for (char *p = s->id; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return true;
}

int explain_call(const struct cli_call *c, const char *request_id)
{
	struct searching s = {.call = c, .database = cli_db_of(c)};
	int status;

	if (!take_id(&s, request_id))
		return cli_usage_error(c,
				       "'%s' is neither a path, which begins with /, nor "
				       "an id that the gateway made "
				       "(Tollgate-Request-Id)",
				       cli_shown(request_id));
	sbuf_init(&s.error, ERROR_MAX);
	ask_database(&s);
	if (s.row == NULL)
		search_journal(&s);
	/* It may have been stored, and so have left the journal, since the
	 * database was asked. */
	if (s.row == NULL && s.error.n == 0)
		ask_database(&s);
	status = tell(&s);
	cJSON_Delete(s.row);
	free(s.journal);
	sbuf_fini(&s.error);
	return status;
}
