/* `tollgate doctor`: whether what a gateway needs is there. */
#include "gateway/doctor/checks.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_settings.h"
#include "gateway/cli/dev_env_file.h"
#include "gateway/cli/screen.h"
#include "gateway/cli/service_files.h"

#define REPORT_MAX (1u << 20)

/* --- where to look --- */

static struct settings *load(struct doctor *d, const struct cli_call *c)
{
	struct settings *s = cli_has(c, "config") ? NULL : cli_dev_settings();
	struct cli_config files = cli_config_of(c);
	struct sbuf report;

	if (s != NULL) {
		doctor_tell(d, "configuration", DOCTOR_OK, NULL,
			    "that of the running `tollgate dev`, %zu routes",
			    s->n_routes);
		return s;
	}
	if (files.config == NULL) {
		doctor_tell(d, "configuration", DOCTOR_WARN, "give --config FILE",
			    "there is none, so only the database is looked at");
		return NULL;
	}
	sbuf_init(&report, REPORT_MAX);
	s = cli_settings(&files, &report);
	if (s == NULL)
		doctor_tell(d, "configuration", DOCTOR_FAIL,
			    "`tollgate check --config FILE` tells all that is wrong",
			    "%s: it has errors", files.config);
	else if (report.n > 0)
		doctor_tell(d, "configuration", DOCTOR_WARN,
			    "`tollgate check --config FILE` tells them",
			    "%s: %zu routes, with warnings", files.config, s->n_routes);
	else
		doctor_tell(d, "configuration", DOCTOR_OK, NULL, "%s: %zu routes",
			    files.config, s->n_routes);
	sbuf_fini(&report);
	return s;
}

static char *journal_of(const struct settings *s, bool is_dev)
{
	const char *dev = is_dev ? cli_dev_env() : NULL;
	const char *slash = dev != NULL ? strrchr(dev, '/') : NULL;

	if (s != NULL && s->journal.directory != NULL)
		return xstrdup(s->journal.directory);
	if (s != NULL && s->state_dir != NULL)
		return xasprintf("%s/usage", s->state_dir);
	return slash != NULL ? xasprintf("%.*s/usage", (int)(slash - dev), dev) : NULL;
}

static void open_database(struct doctor *d, const struct cli_call *c)
{
	struct cli_db db = cli_db_of(c);
	char *conninfo = cli_db_conninfo(&db);
	struct sbuf error;

	if (conninfo == NULL) {
		doctor_tell(d, "database", DOCTOR_FAIL,
			    "set `database`, or DATABASE_URL: docs/database.md",
			    "none is named");
		return;
	}
	sbuf_init(&error, REPORT_MAX);
	d->db = pg_sync_open(conninfo, "tollgate doctor", &error);
	if (d->db == NULL)
		doctor_tell(d, "database", DOCTOR_FAIL,
			    "start PostgreSQL, or mend `database`; docs/database.md",
			    STR_FMT, STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	OPENSSL_cleanse(conninfo, strlen(conninfo));
	free(conninfo);
}

/* --- the answer --- */

static void print(const struct doctor *d)
{
	const cJSON *line;

	cJSON_ArrayForEach(line, d->checks)
	{
		const char *fix = cJSON_GetStringValue(
			cJSON_GetObjectItemCaseSensitive(line, "fix"));

		cli_say(stdout, "%-5s %-14s %s%s%s\n",
			cJSON_GetObjectItemCaseSensitive(line, "result")->valuestring,
			cJSON_GetObjectItemCaseSensitive(line, "check")->valuestring,
			cJSON_GetObjectItemCaseSensitive(line, "text")->valuestring,
			fix != NULL ? "; fix: " : "", fix != NULL ? fix : "");
	}
}

static void answer(struct doctor *d, bool as_json)
{
	cJSON *json;

	if (!as_json) {
		print(d);
		cJSON_Delete(d->checks);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddBoolToObject(json, "ok", !d->failed);
	cJSON_AddItemToObject(json, "checks", d->checks);
	screen_print_json(json);
}

static int run(const struct cli_call *c)
{
	struct doctor d = {.checks = cJSON_CreateArray()};
	struct settings *s = load(&d, c);
	char *journal = journal_of(s, !cli_has(c, "config"));

	d.settings = s;
	d.journal = journal;
	if (!d.failed) /* else what names the database cannot be read */
		open_database(&d, c);
	if (d.db != NULL)
		doctor_database(&d);
	if (s != NULL) {
		doctor_ports(&d);
		doctor_upstreams(&d);
	}
	if (journal != NULL)
		doctor_disk(&d);
	pg_sync_close(&d.db);
	settings_unref(&s);
	free(journal);
	answer(&d, cli_has(c, "json"));
	return d.failed ? 1 : 0;
}

const struct cli_command *cli_doctor(void)
{
	static const struct cli_command command = {
		.name = "doctor",
		.summary = "look whether all that a gateway needs is there",
		.text = "One line for each thing, ok, warn or fail, with what to do: the "
			"configuration, the database, its role, schema and clock, the ports, "
			"each upstream's name, connection and certificate, the disk, the "
			"journal. Nothing is changed. Of --config, else of the `tollgate dev` "
			"that runs in this folder, else of the service.",
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate doctor --config tollgate.json",
			     "tollgate doctor --json"},
		.fails = "if a line says fail",
		.run = run,
	};

	return &command;
}
