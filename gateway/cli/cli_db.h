/* Which database a command works on. */
#ifndef GATEWAY_CLI_CLI_DB_H
#define GATEWAY_CLI_CLI_DB_H

struct cli_db {
	const char *config;   /* --config */
	const char *env;      /* --env */
	const char *database; /* --database */
};

/* The first that is given: --database; `database` of --config (with --env); DATABASE_URL.
 * The caller frees. NULL: the reason is on stderr. Main thread. */
char *cli_db_conninfo(const struct cli_db *o);

#define CLI_DB_HELP                                                                      \
	"  --config FILE    take `database` from this configuration\n"                   \
	"  --env NAME       with its overlay of this name\n"                             \
	"  --database URL   or this database; without either: DATABASE_URL\n"

#endif
