/* Files of a lane group: mapped with room promised, read with every fault an error;
 * folders listed and removed. */
#ifndef GATEWAY_JOURNAL_GROUP_FILES_H
#define GATEWAY_JOURNAL_GROUP_FILES_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/journal/journal_format.h"

#define GROUP_FRESH ".new-" /* begins the name of a folder that is being made */
#define GROUP_LANES_MAX 1024
/* What is asked of the kernel at once: for as long as it copies or frees, a worker that
 * shares the processor may have to wait (4 MiB: 2 to 4 ms). */
#define GROUP_IO_PIECE ((size_t)64 * 1024)

void group_counts_name(char out[64], uint32_t lane);

/* Makes a file of n bytes, all of them allocated, with this head (sealed here), and maps
 * it for reading and writing. NULL: errno tells. The caller unmaps. */
void *group_file_map(int folder, const char *name, struct journal_file_head *head,
		     size_t n);
bool group_file_put_head(int fd, struct journal_file_head *head);
/* Opens a regular file; never waits, as for a named pipe's other end, and follows no
 * link. What it makes is of mode 0600. -1: errno tells. */
int group_file_open(int folder, const char *name, int flags);
/* NULL: *head is good; else why not, a static sentence. */
const char *group_file_read_head(int fd, struct journal_file_head *head,
				 enum journal_file_kind kind);
/* The tail that a lane's ring file notes; head->lane tells which. False: no such file. */
bool group_file_note(int folder, const struct journal_file_head *head, uint64_t *tail);
/* A lane's counters into n bytes of memory; left zero where the file is missing or
 * damaged. */
void group_counts_read(int folder, const struct journal_file_head *head, void *memory,
		       size_t n);

/* Piece by piece, so that a large file holds up nobody. False: it is still there; errno
 * tells. */
bool group_file_remove(int folder, const char *name);
/* The caller closes it. NULL: errno tells. */
DIR *group_folder_list(int folder);
bool group_is_name(const char *name);
/* Of its files; 0 where there is no such folder. */
uint64_t group_folder_bytes(int directory, const char *name);
/* Logs first, what tells of their end last. On the disk before it returns. False: the
 * folder may be there still, with some of its files, `group` among them; the log
 * tells. */
bool group_folder_remove(int directory, const char *name, int folder);

#endif
