/* One thread that writes lines to descriptors whose readers may be slow, or not read at
 * all: who has something to say never waits for them.
 *
 * Each source says where its lines go and is asked for more once what it gave before is
 * written; what it has no room for meanwhile, it counts. A reader that stands still holds
 * back its own source alone. */
#ifndef COMMON_LOG_WRITER_H
#define COMMON_LOG_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define LOG_WRITER_BATCH (64 * 1024) /* bytes, after which a source gives no more */

struct log_writer;

/* Its functions run on the writer's thread. */
struct log_source {
	int fd; /* stays the caller's */
	/* Appends whole lines, until out has LOG_WRITER_BATCH bytes. */
	void (*take)(void *ctx, struct sbuf *out);
	/* How many lines found no room, since the start. */
	uint64_t (*lost)(void *ctx);
	/* Appends a line that tells of n lost ones, those included that could not be
	 * written (the disk is full, the reader is gone). */
	void (*tell)(void *ctx, struct sbuf *out, uint64_t n);
	void *ctx;
	bool polled; /* is asked every 50 ms; the others, after log_writer_wake */
};

/* NULL: no thread can be started; errno says why. */
struct log_writer *log_writer_start(void);
/* A number for log_writer_remove. At most four sources in all. The starting thread. */
unsigned log_writer_add(struct log_writer *w, const struct log_source *s);
/* Writes what the source has left, for so long at most, and asks it no more. False: it
 * may still be asked, so what it uses has to stay; the writer is stuck in a write. */
bool log_writer_remove(struct log_writer *w, unsigned source, uint32_t limit_ms);
/* Sources have lines. Any thread, never waits. */
void log_writer_wake(struct log_writer *w);
/* Waits until all that the sources had is written, for so long at most; false: it is not.
 * Any thread; at once on the writer's own. */
bool log_writer_flush(struct log_writer *w, uint32_t limit_ms);
/* Flushes and ends the thread; the writer stays, and no source is asked any more. False:
 * time was up, and not all is written; a thread that is stuck in a write is left behind
 * and may end at any time, so nothing may be freed. */
bool log_writer_stop(struct log_writer *w, uint32_t limit_ms);
/* After a stop that returned true. Clears *w. */
void log_writer_free(struct log_writer **w);

#endif
