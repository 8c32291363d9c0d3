/* The command line of `tollgate dev`. */
#include "gateway/cli/dev_options.h"
#include "gateway/cli/cli_options.h"

#include <stdio.h>

#include "gateway/dev/dev_database.h"
#include "gateway/dev/say.h"

static const char help[] =
	"usage: tollgate dev [options]\n\n"
	"Runs everything on this machine: a private PostgreSQL, demo upstreams, the gateway and\n"
	"the manager. Prints a key and calls that work, then a line per call. Ctrl-C stops all\n"
	"of it; the data stays.\n\n"
	"  --config FILE          the configuration (config/tollgate.json), with its overlay\n"
	"                         \"dev\"; .env and .dev.vars beside it are read. Routes, timeouts\n"
	"                         and secrets follow its changes\n"
	"  --env-file FILE        variables, before .dev.vars and .env; may be given again\n"
	"  --state DIR            where data and dev.env are (.tollgate)\n"
	"  --fresh                start over: a new database, a new key\n"
	"  --live                 call real upstreams. Without it, what leaves this machine goes\n"
	"                         to a mock; with it, still what has no secret\n"
	"  --listen ADDRESS       the gateway's address, or a port (8787) on 127.0.0.1 and ::1;\n"
	"                         0 is a free one. Several, comma-separated or repeated\n"
	"  --manager-listen ADDRESS  the manager's (8000)\n"
	"  --database URL         use this PostgreSQL instead of a private one. Its tables are\n"
	"                         brought up to date; it never gets the demo key. DATABASE_URL\n"
	"                         is not looked at\n"
	"  --yes                  allow a --database that is not on this machine\n";

enum {
	OPT_CONFIG = 'c',
	OPT_ENV_FILE,
	OPT_STATE,
	OPT_FRESH,
	OPT_LIVE,
	OPT_LISTEN,
	OPT_MANAGER_LISTEN,
	OPT_DATABASE,
	OPT_YES,
	OPT_HELP
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"env-file", required_argument, NULL, OPT_ENV_FILE},
	{"state", required_argument, NULL, OPT_STATE},
	{"fresh", no_argument, NULL, OPT_FRESH},
	{"live", no_argument, NULL, OPT_LIVE},
	{"listen", required_argument, NULL, OPT_LISTEN},
	{"manager-listen", required_argument, NULL, OPT_MANAGER_LISTEN},
	{"database", required_argument, NULL, OPT_DATABASE},
	{"yes", no_argument, NULL, OPT_YES},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static bool take(struct dev_options *o, int option)
{
	switch (option) {
	case OPT_CONFIG:
		o->config = optarg;
		return true;
	case OPT_ENV_FILE:
		env_file_list_add(&o->env_files, optarg);
		return true;
	case OPT_STATE:
		o->state = optarg;
		return true;
	case OPT_FRESH:
		o->fresh = true;
		return true;
	case OPT_LIVE:
		o->live = true;
		return true;
	case OPT_LISTEN:
		return dev_listeners_add(&o->listen, optarg);
	case OPT_MANAGER_LISTEN:
		return dev_listeners_add(&o->manager_listen, optarg);
	case OPT_DATABASE:
		o->database = optarg;
		return true;
	case OPT_YES:
		o->yes = true;
		return true;
	default:
		return false;
	}
}

static bool make_sense(const struct dev_options *o)
{
	if (o->database != NULL && o->fresh) {
		complain("--fresh would not start over with --database: only a private "
			 "PostgreSQL is ever emptied");
		return false;
	}
	if (o->database != NULL && !o->yes && !dev_database_is_local(o->database)) {
		complain("--database is not on this machine, and its tables would be "
			 "created or updated: add --yes if that is meant");
		return false;
	}
	return true;
}

enum dev_verdict dev_options_parse(struct dev_options *o, int argc, char **argv)
{
	int option;

	*o = (struct dev_options){.config = "config/tollgate.json", .state = ".tollgate"};
	optind = 0; /* getopt(3): start anew, also in a second call */
	while ((option = cli_next_option(argc, argv, options)) != -1) {
		if (option == OPT_HELP) {
			fputs(help, stdout);
			return DEV_HELP;
		}
		if (!take(o, option))
			return DEV_USAGE;
	}
	if (optind < argc) {
		complain("'%s' is not expected; `tollgate dev --help` tells the options",
			 cli_shown(argv[optind]));
		return DEV_USAGE;
	}
	return make_sense(o) ? DEV_RUN : DEV_USAGE;
}
