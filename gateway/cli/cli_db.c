/* Which database a command works on. */
#include "gateway/cli/cli_db.h"

#include <stdio.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/settings/settings.h"

#define REPORT_MAX (1u << 20)

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
		fprintf(stderr, "%.*s", (int)report.n, report.p ? report.p : "");
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
