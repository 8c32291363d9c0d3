/* Which database a command works on. */
#include "gateway/cli/service_files.h"
#include "gateway/cli/cli_db.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/str.h"
#include "gateway/cli/cli_settings.h"
#include "gateway/cli/dev_env_file.h"
#include "gateway/db/schema.h"
#include "gateway/settings/settings.h"
#include "gateway/token/token_calls.h"

#define REPORT_MAX (1u << 20)
#define ERROR_MAX (64u << 10)

struct cli_db cli_db_of(const struct cli_call *c)
{
	struct cli_db db = {.config = cli_text(c, "config"),
			    .env = cli_text(c, "env"),
			    .database = cli_text(c, "database")};

	cli_env_files_of(c, &db.env_files);
	return db;
}

/* Secrets of routes are of no interest here: they need not be set. */
static struct settings *load(const struct cli_db *o, struct env_file *variables,
			     struct sbuf *report)
{
	struct settings_options options = {
		.env = o->env,
		.allow_missing_secrets = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};

	return settings_load(o->config, &options, report);
}

static char *from_config(const struct cli_db *o, struct env_file *variables)
{
	struct settings *s;
	struct sbuf report;
	char *conninfo = NULL;

	sbuf_init(&report, REPORT_MAX);
	s = load(o, variables, &report);
	if (s == NULL)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	else if (s->database == NULL)
		fprintf(stderr, "tollgate: %s names no database\n", o->config);
	else
		conninfo = xstrdup(s->database);
	settings_unref(&s);
	sbuf_fini(&report);
	return conninfo;
}

static char *from_variable(struct env_file *variables)
{
	const char *url = env_file_variable(variables, "DATABASE_URL");

	if (url != NULL && *url != '\0')
		return xstrdup(url);
	fprintf(stderr,
		"tollgate: which database? Give --config FILE, --database URL, or set DATABASE_URL\n");
	return NULL;
}

static bool read_variables(const struct cli_db *o, struct env_file *variables)
{
	struct sbuf report;
	bool ok;

	sbuf_init(&report, REPORT_MAX);
	ok = env_file_list_read(&o->env_files, variables, &report);
	fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	sbuf_fini(&report);
	return ok;
}

/* With the files of the `tollgate dev` of this folder, or the service's, where nothing
 * else is named. */
static struct cli_db completed(const struct cli_db *o)
{
	const char *url = getenv("DATABASE_URL"), *dev;
	struct cli_db all = *o;

	if (o->config != NULL || o->database != NULL || o->env_files.n > 0 ||
	    (url != NULL && *url != '\0'))
		return all;
	dev = cli_dev_env();
	if (dev != NULL)
		env_file_list_add(&all.env_files, dev);
	else if (!o->named_only)
		cli_take_files(&all.config, &all.env_files);
	return all;
}

char *cli_db_conninfo(const struct cli_db *given)
{
	struct cli_db all = completed(given), *o = &all;
	struct env_file *variables;
	char *conninfo = NULL;

	if (o->env && !o->config) {
		fprintf(stderr, "tollgate: --env goes with --config\n");
		return NULL;
	}
	if (o->database)
		return xstrdup(o->database);
	variables = env_file_new();
	if (read_variables(o, variables))
		conninfo =
			o->config ? from_config(o, variables) : from_variable(variables);
	env_file_free(&variables);
	return conninfo;
}

/* False: there is nothing to work on. */
static bool is_migrated(struct pg_sync *db, const char *command)
{
	enum db_schema_state state;
	struct sbuf what;

	sbuf_init(&what, ERROR_MAX);
	state = db_schema_ask(db, &what);
	if (state != DB_SCHEMA_SAME)
		fprintf(stderr, "%s: %s" STR_FMT "\n", command,
			state == DB_SCHEMA_NONE ? "" : "warning: ",
			STR_ARG(sbuf_view(&what)));
	sbuf_fini(&what);
	return state != DB_SCHEMA_NONE;
}

void cli_db_explain(const char *conninfo, const char *command)
{
	struct sbuf error;
	struct pg_sync *db;

	sbuf_init(&error, ERROR_MAX);
	db = pg_sync_open(conninfo, command, &error);
	if (db != NULL)
		is_migrated(db, command);
	pg_sync_close(&db);
	sbuf_fini(&error);
}

struct pg_sync *cli_db_open(const struct cli_db *o, const char *command)
{
	char *conninfo = cli_db_conninfo(o);
	struct pg_sync *db;
	struct sbuf error;

	if (conninfo == NULL)
		return NULL;
	sbuf_init(&error, ERROR_MAX);
	db = pg_sync_open(conninfo, command, &error);
	if (db == NULL)
		fprintf(stderr, "%s: " STR_FMT "\n", command, STR_ARG(sbuf_view(&error)));
	else if (!is_migrated(db, command))
		pg_sync_close(&db);
	sbuf_fini(&error);
	OPENSSL_cleanse(conninfo, strlen(conninfo));
	free(conninfo);
	return db;
}

struct settings *cli_db_settings(const struct cli_db *given)
{
	struct cli_db all = completed(given);
	struct cli_config files = {all.config, all.env, all.env_files};
	struct settings *s = NULL;
	struct sbuf report;

	if (all.config == NULL)
		return all.database == NULL ? cli_dev_settings() : NULL;
	sbuf_init(&report, REPORT_MAX);
	s = cli_settings(&files, &report);
	sbuf_fini(&report);
	return s;
}

int cli_refused(const struct cli_call *c, const struct sbuf *error)
{
	return cli_fail(c, STR_FMT, STR_ARG(token_refusal(sbuf_view(error))));
}
