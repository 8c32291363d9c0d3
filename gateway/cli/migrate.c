/* `tollgate migrate`: creates or updates the database's tables. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/db/migrate.h"

#define ERROR_MAX (64u << 10)

static const char help[] =
	"usage: tollgate migrate [options]\n\n"
	"Creates or updates the tables, once each, and does nothing where nothing is to do.\n"
	"Connect as a superuser, or as a member of tollgate_owner.\n\n" CLI_DB_HELP
	"  --adopt-time-zone ZONE\n"
	"                   the zone of the times in an older token_usage_logs, whose rows\n"
	"                   are then copied (Asia/Taipei, UTC, ...)\n"
	"  --adopt-teams COLUMN\n"
	"                   makes teams of the values of this column of tokens (integer,\n"
	"                   uuid or text), named by an older table `teams` if there is one\n";

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
	fflush(stdout);
}

static int run(const struct cli_db *db, struct db_migrate_options o)
{
	char *conninfo = cli_db_conninfo(db);
	struct sbuf error;
	bool ok;

	if (conninfo == NULL)
		return 1;
	o.conninfo = conninfo;
	sbuf_init(&error, ERROR_MAX);
	ok = db_migrate(&o, &error);
	if (!ok)
		fprintf(stderr, "tollgate migrate: %.*s\n", (int)error.n,
			error.p ? error.p : "");
	sbuf_fini(&error);
	free(conninfo);
	return ok ? 0 : 1;
}

int cli_migrate(int argc, char **argv)
{
	static const struct option options[] = {
		CLI_DB_OPTIONS,
		{"adopt-time-zone", required_argument, NULL, 'z'},
		{"adopt-teams", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct cli_db db = {0};
	struct db_migrate_options o = {.report = print_line};
	int c;

	while ((c = cli_next_option(argc, argv, options)) != -1) {
		if (cli_db_take(&db, c, optarg))
			continue;
		switch (c) {
		case 'z':
			o.adopt_time_zone = optarg;
			break;
		case 't':
			o.adopt_teams = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			return 2;
		}
	}
	if (optind != argc) {
		fputs(help, stderr);
		return 2;
	}
	return run(&db, o);
}
