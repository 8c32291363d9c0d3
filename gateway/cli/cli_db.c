/* Which database a command works on. */
#include "gateway/cli/cli_db.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/str.h"
#include "gateway/settings/settings.h"

#define REPORT_MAX (1u << 20)
#define ERROR_MAX (64u << 10)

/* Secrets of routes are of no interest here: they need not be set. */
static char *from_config(const struct cli_db *o)
{
	struct settings_options options = {.env = o->env, .allow_missing_secrets = true};
	struct settings *s;
	struct sbuf report;
	char *conninfo = NULL;

	sbuf_init(&report, REPORT_MAX);
	s = settings_load(o->config, &options, &report);
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

char *cli_db_conninfo(const struct cli_db *o)
{
	const char *url = getenv("DATABASE_URL");

	if (o->env && !o->config) {
		fprintf(stderr, "tollgate: --env goes with --config\n");
		return NULL;
	}
	if (o->database)
		return xstrdup(o->database);
	if (o->config)
		return from_config(o);
	if (url && *url)
		return xstrdup(url);
	fprintf(stderr,
		"tollgate: which database? Give --config FILE, --database URL, or set DATABASE_URL\n");
	return NULL;
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
	sbuf_fini(&error);
	OPENSSL_cleanse(conninfo, strlen(conninfo));
	free(conninfo);
	return db;
}

struct settings *cli_db_settings(const struct cli_db *o)
{
	struct settings_options options = {
		.env = o->env, .allow_missing_secrets = true, .database_optional = true};
	struct settings *s;
	struct sbuf report;

	if (o->config == NULL)
		return NULL;
	sbuf_init(&report, REPORT_MAX);
	s = settings_load(o->config, &options, &report);
	sbuf_fini(&report);
	return s;
}
