/* Small private files: read whole, written whole or not at all. */
#ifndef GATEWAY_DEV_FILES_H
#define GATEWAY_DEV_FILES_H

#include <sys/types.h>

#include "common/str.h"

/* Appends the file's bytes. False: errno; EFBIG past the buffer's cap. */
bool file_read(const char *path, struct sbuf *out);
/* The file's first line without its end, NUL-terminated. False: unreadable, empty, too
 * long. */
bool file_read_line(const char *path, char *out, size_t size);
/* Writes beside the file and renames: readers see the old or the new one, mode 0600 from
 * the first byte on. False: errno. */
bool file_write_private(const char *path, struct str content);
/* A path from parts, NULL at the end; must be freed. */
char *path_join(const char *folder, const char *name);
/* Makes a folder and those above it. */
bool make_folders(const char *path, mode_t mode);

#endif
