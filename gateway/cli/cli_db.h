/* Which database a command works on. Main thread. */
#ifndef GATEWAY_CLI_CLI_DB_H
#define GATEWAY_CLI_CLI_DB_H

#include <stdbool.h>

#include "common/str.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/env_file.h"

struct cli_db {
	const char *config;             /* --config */
	const char *env;                /* --env */
	const char *database;           /* --database */
	struct env_file_list env_files; /* --env-file */
	bool named_only; /* the service's own files are not taken (cli_take_files) */
};

/* Of CLI_TAKES_DATABASE, as given. */
struct cli_db cli_db_of(const struct cli_call *c);

/* The first that is given: --database; `database` of --config (with --env); DATABASE_URL;
 * that of the `tollgate dev` that runs in this folder (cli_dev_env); `database` of the
 * service's configuration on this machine (cli_take_files).
 * Variables come from the environment, then from --env-file.
 * The caller frees. NULL: the reason is on stderr. */
char *cli_db_conninfo(const struct cli_db *o);
/* A session with it, which pg_sync_close ends. NULL: the reason is on stderr, behind the
 * command's name ("tollgate token"); so is that nobody has migrated it. What is behind or
 * ahead of this program is warned of. */
struct pg_sync *cli_db_open(const struct cli_db *o, const char *command);
/* Fails with what pg_sync has told: of a refusal of ours the sentence, else PostgreSQL's
 * message as it is. Returns 1. */
int cli_refused(const struct cli_call *c, const struct sbuf *error);
/* After a failure: says on stderr if the database is not migrated, or behind. */
void cli_db_explain(const char *conninfo, const char *command);
/* The settings of --config (with --env), or of the `tollgate dev` of this folder, for
 * what else a command takes from them; NULL without either, or where it has errors.
 * Secrets of routes need not be set. */
struct settings *cli_db_settings(const struct cli_db *o);

#endif
