/* Small files read whole: configuration, secrets, environment files. */
#ifndef GATEWAY_SETTINGS_SETTINGS_FILE_H
#define GATEWAY_SETTINGS_SETTINGS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

/* *out is the content with a NUL after its *n bytes, the caller's to free. False: *why is
 * a sentence (static or strerror's), errno is ENOENT if there is no such file. Only
 * regular files, so that a pipe or a device never blocks the start; max bytes at most. */
bool settings_file_read(const char *path, size_t max, char **out, size_t *n,
			const char **why);
/* Appends what to do about a file that cannot be read: a command, or a path. error is
 * errno after settings_file_read; nothing is appended where there is nothing to say. */
void settings_file_advise(struct sbuf *out, const char *path, int error);
/* What a message may show of a path: itself, unless it is a URL, which may hold a
 * password. */
const char *settings_file_shown(const char *path);
/* path as seen from beside `file`; absolute paths stay. The caller frees. */
char *settings_file_beside(const char *file, const char *path);

#endif
