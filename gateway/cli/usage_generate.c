/* `tollgate usage generate`: makes up usage, and takes it away again. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/settings/settings.h"
#include "gateway/usage/generate.h"

#define ERROR_MAX (64u << 10)
#define REPORT_MAX (1u << 20)

static const char help[] = "usage: tollgate usage generate [options]\n"
			   "       tollgate usage generate --remove [options]\n"
			   "\n"
			   "Makes up 100 calls of the tokens and routes that there are, "
			   "one an hour back from now,\n"
			   "to see what pages show. They are marked; --remove takes away "
			   "everything that was made\n"
			   "up: rows, statistics and tokens.\n"
			   "\n"
			   "  --remove         take away what was made up (as a login "
			   "for `tollgate migrate`)\n" CLI_DB_HELP;

struct arguments {
	struct cli_db db;
	bool remove;
};

/* The older system's routes. */
static const char *const known_paths[] = {"/api/openai", "/api/perplexity",
					  "/api/cloudconvert"};

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
	fflush(stdout);
}

/* NULL without --config. Faults of the file were told when its database was read. */
static struct settings *load_settings(const struct cli_db *db)
{
	struct settings_options options = {
		.env = db->env, .allow_missing_secrets = true, .database_optional = true};
	struct settings *s = NULL;
	struct sbuf report;

	sbuf_init(&report, REPORT_MAX);
	if (db->config != NULL)
		s = settings_load(db->config, &options, &report);
	sbuf_fini(&report);
	return s;
}

static int run(const struct arguments *a, const char *conninfo, const struct settings *s)
{
	size_t n = s != NULL && s->n_routes ? s->n_routes : ARRAY_LEN(known_paths);
	const char **paths = xcalloc(n, sizeof *paths);
	struct generate_options o = {.paths = paths, .n_paths = n, .report = print_line};
	struct sbuf error;
	bool ok = false;

	for (size_t i = 0; i < n; i++)
		paths[i] = s != NULL && s->n_routes ? s->routes[i].path : known_paths[i];
	sbuf_init(&error, ERROR_MAX);
	o.error = &error;
	o.db = pg_sync_open(conninfo, "tollgate usage generate", &error);
	if (o.db != NULL)
		ok = a->remove ? usage_generate_remove(&o) : usage_generate_sample(&o);
	if (!ok)
		fprintf(stderr, "tollgate usage generate: %.*s\n", (int)error.n,
			error.p ? error.p : "");
	pg_sync_close(&o.db);
	sbuf_fini(&error);
	free(paths);
	return ok ? 0 : 1;
}

/* 0 on success; else the exit status plus one. */
static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"env", required_argument, NULL, 'e'},
		{"database", required_argument, NULL, 'd'},
		{"remove", no_argument, NULL, 'x'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (c == 'x')
			a->remove = true;
		else if (c == 'c' || c == 'e' || c == 'd')
			*(c == 'c'   ? &a->db.config
			  : c == 'e' ? &a->db.env
				     : &a->db.database) = optarg;
		else
			return 3;
	}
	if (optind == argc)
		return 0;
	fputs(help, stderr);
	return 3;
}

int cli_usage_generate(int argc, char **argv)
{
	struct arguments a = {0};
	int status = parse(&a, argc, argv), rc;
	struct settings *s;
	char *conninfo;

	if (status != 0)
		return status - 1;
	conninfo = cli_db_conninfo(&a.db);
	if (conninfo == NULL)
		return 1;
	s = load_settings(&a.db);
	rc = run(&a, conninfo, s);
	settings_unref(&s);
	free(conninfo);
	return rc;
}
