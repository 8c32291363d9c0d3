/* Variables from files: those of --env-file, .env and .dev.vars, beside the real
 * environment.
 *
 * Lines are NAME=value, with an optional "export " before; # starts a comment. A value is
 * plain (up to " #" or the line's end, trimmed), 'literal', or "with \n \r \t \" \\ \$
 * escapes". Nothing is expanded inside. Quotes close on their line. */
#ifndef GATEWAY_SETTINGS_ENV_FILE_H
#define GATEWAY_SETTINGS_ENV_FILE_H

#include <stdbool.h>

#include "common/str.h"

struct env_file;

struct env_file *env_file_new(void);
/* Wipes the values; clears *e. */
void env_file_free(struct env_file **e);

/* Adds a file's variables; those of a file read later win. A file that does not exist is
 * fine and adds nothing. False: *report got "file:line: error: what; what to do" lines,
 * which never quote a value. */
bool env_file_read(struct env_file *e, const char *path, struct sbuf *report);
/* The same for a text in memory. */
bool env_file_read_text(struct env_file *e, const char *file, struct str text,
			struct sbuf *report);

/* Which files belong to a configuration: .env and .dev.vars beside it. Number i of
 * ENV_FILES_BESIDE; the caller frees. */
#define ENV_FILES_BESIDE 2
char *env_file_beside(const char *config, size_t i);
/* Reads them all, in that order. False if any has errors. */
bool env_files_read_beside(struct env_file *e, const char *config, struct sbuf *report);

/* The files of --env-file, in their order; names are borrowed. */
#define ENV_FILE_LIST_MAX 16
struct env_file_list {
	const char *names[ENV_FILE_LIST_MAX];
	size_t n;
	bool too_many; /* some were left out; env_file_list_read says so */
};

void env_file_list_add(struct env_file_list *list, const char *name);
/* Reads them all; each must be there. Warns of variables that the real environment has
 * with another value, which wins. False: there are errors. */
bool env_file_list_read(const struct env_file_list *list, struct env_file *e,
			struct sbuf *report);
/* Appends a note about each .env and .dev.vars that stands at the root of the
 * configuration's repository (the next folder above it with a .git) or in the working
 * directory, and that env_files_read_beside does not read. */
void env_files_note_unread(const char *config, const struct env_file_list *list,
			   struct sbuf *report);

/* The files' own value, or NULL. It lives until the next read. */
const char *env_file_get(const struct env_file *e, const char *name);
/* For settings_options.variable, ctx being a struct env_file: the real environment's
 * value where it is set and not empty, else the files'. */
const char *env_file_variable(void *ctx, const char *name);

#endif
