/* What a command is called, takes and does: rows of tables, which parsing, messages and
 * help are made from. Main thread.
 *
 * A command's options are those of its own table and the groups that it shares with
 * others (`shares`). Exit statuses are the same in all: 0 fine, 1 failed, 2 wrong use. */
#ifndef GATEWAY_CLI_COMMAND_TABLE_H
#define GATEWAY_CLI_COMMAND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_kind {
	CLI_FLAG,   /* takes nothing */
	CLI_TEXT,   /* any text; given twice, the latter holds */
	CLI_TEXTS,  /* the same, and all that are given hold */
	CLI_LIST,   /* parts between `separators`, of `words`; all that are given hold */
	CLI_WORD,   /* one of `words` */
	CLI_NUMBER, /* from `least` to `most` */
	CLI_LIFETIME, /* 90s, 15m, 12h, 30d, 2w, 1y; its number is in seconds */
};

struct cli_option {
	const char *name; /* without its dashes; NULL ends a table */
	enum cli_kind kind;
	const char *value;      /* what stands for it in help: "TIME"; NULL of a flag */
	const char *help;       /* wrapped where it is printed */
	const char *separators; /* CLI_LIST; NULL: "," */
	const char *words;      /* CLI_WORD, CLI_LIST: "calls errors time"; NULL: any */
	int64_t least, most;
	const char
		*otherwise; /* what `--name` alone stands for; NULL: it needs a value */
	/* It must be given; a message goes on with this: "those of the routes..." */
	const char *demand;
	const char *unless; /* the option beside which it is not demanded; NULL: none */
	char letter;        /* `-X` is the same; 0: none */
};

/* A row; its further fields may follow, with their names. */
#define CLI_OPTION(name_, kind_, value_, help_, ...)                                     \
	{                                                                                \
		.name = name_, .kind = kind_, .value = value_, .help = help_,            \
		##__VA_ARGS__                                                            \
	}

/* Groups of options that several commands take; bits of `shares`. */
enum {
	CLI_TAKES_CONFIG = 1,   /* --config, --env, --env-file: the configuration */
	CLI_TAKES_DATABASE = 2, /* the same and --database: which database */
	CLI_TAKES_JSON = 4,     /* --json */
};

struct cli_call;

struct cli_command {
	const char *name;
	const char *summary;   /* a phrase, for lists of commands */
	const char *arguments; /* behind its options: "TEAM USER"; NULL: none */
	int least, most;       /* how many; most < 0: any number */
	const char *text;      /* paragraphs of its help; NULL: the summary says it */
	const char *more;      /* a list behind its options, as it is; NULL: none */
	const struct cli_option *options; /* of its own; NULL: none */
	unsigned shares;
	const char *examples[2];
	const char *fails; /* when the exit status is 1, beside what is plain */
	const char *none;  /* of a list: told on a terminal where it is empty, and without
			    * filters: "no teams yet: tollgate team add NAME" */
	/* Returns the exit status. NULL: it has subcommands. */
	int (*run)(const struct cli_call *c);
	/* The i-th, from 0; NULL: there are no more. */
	const struct cli_command *(*subcommand)(size_t i);
};

/* The i-th command of some tables, one behind the other; NULL ends them. */
typedef const struct cli_command *(*cli_command_at)(size_t i);
const struct cli_command *cli_command_of(const cli_command_at *tables, size_t i);
/* The i-th option of a command, its own first, then those of the groups; NULL: there are
 * no more. */
const struct cli_option *cli_option_at(const struct cli_command *command, size_t i);
/* The subcommand of that name, or NULL. */
const struct cli_command *cli_subcommand(const struct cli_command *of, const char *name);
/* A command's option of that name, or NULL. */
const struct cli_option *cli_option_named(const struct cli_command *command,
					  const char *name);

#endif
