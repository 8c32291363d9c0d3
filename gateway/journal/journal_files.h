/* Files of a lane group: mapped with room promised, read with every fault an error;
 * folders listed and removed. */
#ifndef GATEWAY_JOURNAL_JOURNAL_FILES_H
#define GATEWAY_JOURNAL_JOURNAL_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/journal_format.h"

/* What is asked of the kernel at once: for as long as it copies or frees, a worker that
 * shares the processor may have to wait (4 MiB: 2 to 4 ms). */
#define JOURNAL_IO_PIECE ((size_t)64 * 1024)

/* Makes a file of n bytes, all of them allocated, with this head (sealed here), and maps
 * it for reading and writing. NULL: errno tells. The caller unmaps. */
void *journal_file_map(int folder, const char *name, struct journal_file_head *head,
		       size_t n);
bool journal_file_put_head(int fd, struct journal_file_head *head);
/* Opens a regular file; never waits, as for a named pipe's other end, and follows no
 * link. What it makes is of mode 0600. -1: errno tells. */
int journal_file_open(int folder, const char *name, int flags);
/* Which file that is, for the log: its group (head->group) and name. */
#define JOURNAL_SHOWN_MAX (JOURNAL_GROUP_HEX + JOURNAL_NAME_MAX + 2)
const char *journal_file_shown(char out[JOURNAL_SHOWN_MAX],
			       const struct journal_file_head *head, const char *name);
/* NULL: *head is good; else why not, a static sentence. */
const char *journal_file_read_head(int fd, struct journal_file_head *head,
				   enum journal_file_kind kind);
/* The tail that a lane's ring file notes; head->lane tells which. False: no such file. */
bool journal_file_note(int folder, const struct journal_file_head *head, uint64_t *tail);
/* A lane's counters into n bytes of memory; left zero where the file is missing or
 * damaged. */
void journal_file_read_counts(int folder, const struct journal_file_head *head,
			      void *memory, size_t n);
/* The lap behind the head of one of a lane's files, as far as it goes; the rest is zero,
 * which holds no record. False: it is not there, or not to be read, as the log tells. */
bool journal_file_read_lap(int folder, const char *name,
			   const struct journal_file_head *like,
			   enum journal_file_kind kind, unsigned char *to);

/* Piece by piece, so that a large file holds up nobody. False: it is still there; errno
 * tells. */
bool journal_file_remove(int folder, const char *name);
/* The caller closes it. NULL: errno tells. */
DIR *journal_folder_list(int folder);
/* Of its files; 0 where there is no such folder. */
uint64_t journal_folder_bytes(int directory, const char *name);
/* Logs first, what tells of their end last. On the disk before it returns. False: the
 * folder may be there still, with some of its files, `group` among them; the log
 * tells. */
bool journal_folder_remove(int directory, const char *name, int folder);

#endif
