/* Which database a command works on. Main thread. */
#ifndef GATEWAY_CLI_CLI_DB_H
#define GATEWAY_CLI_CLI_DB_H

struct cli_db {
	const char *config;   /* --config */
	const char *env;      /* --env */
	const char *database; /* --database */
};

/* The first that is given: --database; `database` of --config (with --env); DATABASE_URL.
 * The caller frees. NULL: the reason is on stderr. */
char *cli_db_conninfo(const struct cli_db *o);
/* A session with it, which pg_sync_close ends. NULL: the reason is on stderr, behind the
 * command's name ("tollgate token"). */
struct pg_sync *cli_db_open(const struct cli_db *o, const char *command);
/* The settings of --config (with --env), for what else a command takes from them; NULL
 * without it, or where it has errors. Secrets of routes need not be set. */
struct settings *cli_db_settings(const struct cli_db *o);

#define CLI_DB_HELP                                                                      \
	"  --config FILE    take `database` from this configuration\n"                   \
	"  --env NAME       with its overlay of this name\n"                             \
	"  --database URL   or this database; without either: DATABASE_URL\n"

#endif
