/* What a command is called, takes and does. */
#include "gateway/cli/command_table.h"

#include <string.h>

#include "common/check.h"
#include "gateway/cli/service_files.h"

static const struct cli_option *group_at(unsigned shares, size_t i)
{
	static const struct cli_option config[] = {
		CLI_OPTION(
			"config", CLI_TEXT, "FILE",
			"the configuration (docs/configuration.md); without it: " CLI_CONFIG
			" with tollgate.env beside it"),
		CLI_OPTION("env", CLI_TEXT, "NAME", "apply its overlay of that name"),
		CLI_OPTION(
			"env-file", CLI_TEXTS, "FILE",
			"variables, NAME=value a line; those of the environment win. May be "
			"given again, the later wins"),
	};
	static const struct cli_option database[] = {
		CLI_OPTION("config", CLI_TEXT, "FILE",
			   "take `database` from this configuration"),
		CLI_OPTION("env", CLI_TEXT, "NAME", "with its overlay of this name"),
		CLI_OPTION("env-file", CLI_TEXTS, "FILE",
			   "variables beside the environment's; may be given again"),
		CLI_OPTION(
			"database", CLI_TEXT, "URL",
			"or this database. Without any of these: DATABASE_URL, else that of the "
			"`tollgate dev` that runs in this folder, else that of " CLI_CONFIG),
	};
	static const struct cli_option json[] = {
		CLI_OPTION("json", CLI_FLAG, NULL, "answer in JSON"),
	};

	if (shares & CLI_TAKES_JSON) {
		if (i < ARRAY_LEN(json))
			return &json[i];
		i -= ARRAY_LEN(json);
	}
	if (shares & CLI_TAKES_CONFIG)
		return i < ARRAY_LEN(config) ? &config[i] : NULL;
	if (shares & CLI_TAKES_DATABASE)
		return i < ARRAY_LEN(database) ? &database[i] : NULL;
	return NULL;
}

const struct cli_command *cli_command_of(const cli_command_at *tables, size_t i)
{
	for (; *tables != NULL; tables++) {
		size_t n = 0;

		while (n <= i && (*tables)(n) != NULL)
			n++;
		if (n > i)
			return (*tables)(i);
		i -= n;
	}
	return NULL;
}

const struct cli_option *cli_option_at(const struct cli_command *command, size_t i)
{
	const struct cli_option *own = command->options;

	for (; own != NULL && own->name != NULL; own++, i--)
		if (i == 0)
			return own;
	return group_at(command->shares, i);
}

const struct cli_command *cli_subcommand(const struct cli_command *of, const char *name)
{
	const struct cli_command *sub;

	for (size_t i = 0; of->subcommand && (sub = of->subcommand(i)) != NULL; i++)
		if (strcmp(sub->name, name) == 0)
			return sub;
	return NULL;
}

const struct cli_option *cli_option_named(const struct cli_command *command,
					  const char *name)
{
	const struct cli_option *o;

	for (size_t i = 0; (o = cli_option_at(command, i)) != NULL; i++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}
