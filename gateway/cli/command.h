/* The frame of the command line: finds the command, parses its options, says what is
 * wrong with them. Main thread. */
#ifndef GATEWAY_CLI_COMMAND_H
#define GATEWAY_CLI_COMMAND_H

#include <stdio.h>

#include "gateway/cli/command_table.h"

struct cli_given {
	const struct cli_option *option;
	const char *value; /* NULL of a flag */
	int64_t number;    /* CLI_NUMBER, CLI_LIFETIME */
};

#define CLI_PATH_MAX 80

/* A command as it was called. Strings are argv's. */
struct cli_call {
	const struct cli_command *command;
	const struct cli_command *group; /* above it; NULL: it is the root */
	char path[CLI_PATH_MAX];         /* "tollgate token create" */
	const char *const *operands;
	int n_operands;
	struct cli_given *given;
	size_t n_given, room;
};

/* Finds the command below `root` ("tollgate"), parses what is behind its name, runs it.
 * Prints help where it is asked for, and what is wrong with the line. Returns the exit
 * status. */
int cli_run(const struct cli_command *root, int argc, char **argv);
/* Parses what stands behind the command's name (argv[0]) into *c, with c->command and
 * c->path set. -1: fine; else an exit status: help was printed (0), or what is wrong (2).
 * cli_call_fini in any case. */
int cli_parse(struct cli_call *c, int argc, char **argv);
void cli_call_fini(struct cli_call *c);

/* What was given for an option of the command, without its dashes. A name that it does
 * not have is a programmer's error. */
bool cli_has(const struct cli_call *c, const char *option);
const char *cli_text(const struct cli_call *c, const char *option); /* NULL: not given */
int64_t cli_number(const struct cli_call *c, const char *option, int64_t otherwise);
/* All parts of a CLI_TEXTS or CLI_LIST, in an array that the caller frees. */
const char **cli_list(const struct cli_call *c, const char *option, size_t *n);
/* Which of its words, from 0, was given for a CLI_WORD; -1: none. */
int cli_word(const struct cli_call *c, const char *option);

/* Wrong use: says why on stderr, with the usage line; returns 2. */
int cli_usage_error(const struct cli_call *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Any other failure: "tollgate token create: why" on stderr; returns 1. Control
 * characters are shown as escapes, line ends stay. */
int cli_fail(const struct cli_call *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same without being a failure. */
void cli_warn(const struct cli_call *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Anything with names in it that is no table, JSON or key: control characters are shown
 * as escapes, line ends stay. */
void cli_say(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes *c a call of a subcommand of c->command. */
void cli_enter(struct cli_call *c, const struct cli_command *sub);

#endif
