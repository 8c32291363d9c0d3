/* A lane's logs: each holds a lap of the ring, byte for byte, behind a file's head.
 *
 * The ring's pages are never synced by us: a store into a page that is being written back
 * may wait for the disk (docs/adr/0006-usage-journal.md). The journal's thread copies
 * them here instead, and syncs the copies. Logs are read into memory rather than mapped,
 * so that a disk's fault is an error and no signal. */
#include "gateway/journal/lane_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/journal/event.h"
#include "gateway/journal/journal_files.h"

#define CACHE_LINE 64
#define PENDING_MAX 4 /* finished logs that wait for their sync */

struct lane_log {
	int folder;
	struct journal_file_head head; /* of the next file */
	uint32_t seed;
	bool adopted; /* no process writes to it any more */
	/* Journal's thread. */
	int fd; /* the log being written; -1: none */
	uint64_t lap;
	bool unsynced, made; /* bytes; a file, so that the folder needs a sync as well */
	int pending[PENDING_MAX];
	size_t n_pending;
	/* Logs that may exist; oldest > last: none. Written by the journal's thread, in
	 * an adopted lane by the consumer. */
	_Atomic uint64_t oldest, last;
	/* Consumer. */
	unsigned char *bytes; /* of the lap that is loaded */
	uint64_t loaded;
	bool loaded_ok, used;
};

struct lane_log *lane_log_new(int folder, const struct journal_file_head *head)
{
	struct lane_log *log = xcalloc(1, sizeof *log);

	log->folder = folder;
	log->head = *head;
	log->head.kind = JOURNAL_LOG_FILE;
	log->seed = journal_lane_seed(head->group, head->lane);
	log->fd = -1;
	log->loaded = JOURNAL_NONE;
	log->oldest = 1;
	return log;
}

void lane_log_free(struct lane_log **log)
{
	struct lane_log *l = *log;

	*log = NULL;
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_pending; i++)
		close(l->pending[i]);
	if (l->fd >= 0)
		close(l->fd);
	free(l->bytes);
	free(l);
}

int lane_log_folder(const struct lane_log *log)
{
	return log->folder;
}

const struct journal_file_head *lane_log_head(const struct lane_log *log)
{
	return &log->head;
}

void lane_log_adopt(struct lane_log *log, uint64_t oldest, uint64_t last)
{
	log->adopted = true;
	log->oldest = oldest;
	log->last = last;
}

/* --- copying --- */

static size_t piece_of(size_t n)
{
	return n < JOURNAL_IO_PIECE ? n : JOURNAL_IO_PIECE;
}

static bool write_all(int fd, const void *bytes, size_t n, uint64_t at)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t w = pwrite(fd, p, piece_of(n), (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return true;
}

static int make_file(struct lane_log *log, const char *name)
{
	int fd = journal_file_open(log->folder, name, O_CREAT | O_TRUNC | O_RDWR);
	int fault;

	if (fd < 0)
		return -1;
	/* All of it now: what was promised room cannot fail for want of it later. */
	fault = posix_fallocate(fd, 0, JOURNAL_FILE_HEAD + (off_t)log->head.ring_bytes);
	journal_file_head_seal(&log->head);
	if (fault == 0 && !write_all(fd, &log->head, sizeof log->head, 0))
		fault = errno;
	if (fault == 0)
		return fd;
	close(fd);
	unlinkat(log->folder, name, 0);
	errno = fault;
	return -1;
}

static bool finish_log(struct lane_log *log)
{
	bool ok = true;

	if (log->fd >= 0 && log->unsynced && log->n_pending < PENDING_MAX) {
		log->pending[log->n_pending++] = log->fd;
	} else if (log->fd >= 0) {
		ok = !log->unsynced || fdatasync(log->fd) == 0;
		close(log->fd);
	}
	log->fd = -1;
	log->unsynced = log->n_pending > 0;
	return ok;
}

static enum lane_copy open_log(struct lane_log *log, uint64_t lap,
			       const struct lane_room *room)
{
	char name[JOURNAL_NAME_MAX];

	if (log->fd >= 0 && log->lap == lap)
		return LANE_COPIED;
	if (!finish_log(log))
		return LANE_FAULT;
	journal_log_name(name, log->head.lane, lap);
	log->lap = lap;
	if (log->oldest <= lap && log->last == lap)
		log->fd = journal_file_open(log->folder, name, O_RDWR);
	if (log->fd >= 0)
		return LANE_COPIED;
	if (!room->may_grow(room->ctx))
		return LANE_FULL;
	log->head.lap = lap;
	log->fd = make_file(log, name);
	if (log->fd < 0)
		return LANE_FAULT;
	log->made = true;
	if (log->oldest > log->last)
		log->oldest = lap;
	log->last = lap;
	return LANE_COPIED;
}

enum lane_copy lane_log_copy(struct lane_log *log, const unsigned char *ring,
			     uint64_t *at, uint64_t to, const struct lane_room *room)
{
	uint64_t size = log->head.ring_bytes;

	while (*at < to) {
		uint64_t place = *at & (size - 1);
		uint64_t n = to - *at < size - place ? to - *at : size - place;
		enum lane_copy result = open_log(log, *at / size, room);

		if (result != LANE_COPIED)
			return result;
		log->unsynced = true;
		if (!write_all(log->fd, ring + place, n, JOURNAL_FILE_HEAD + place))
			return LANE_FAULT;
		*at += n;
	}
	return LANE_COPIED;
}

bool lane_log_sync(struct lane_log *log)
{
	bool ok = true;

	if (!log->unsynced)
		return true;
	for (size_t i = 0; i < log->n_pending; i++) {
		ok = fdatasync(log->pending[i]) == 0 && ok;
		close(log->pending[i]);
	}
	log->n_pending = 0;
	if (log->fd >= 0) {
		ok = fdatasync(log->fd) == 0 && ok;
		close(log->fd); /* so that an idle lane holds no descriptor */
		log->fd = -1;
	}
	if (log->made)
		ok = fsync(log->folder) == 0 && ok;
	log->unsynced = log->made = false;
	return ok;
}

/* Of an adopted lane the next one that there is: what its folder holds may be
 * anything. */
static uint64_t lap_after(const struct lane_log *log, uint64_t lap)
{
	uint64_t found, best = JOURNAL_NONE;
	struct dirent *entry;
	uint32_t number;
	DIR *dir;

	if (!log->adopted)
		return lap + 1;
	dir = journal_folder_list(log->folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (journal_log_name_read(entry->d_name, &number, &found) &&
		    number == log->head.lane && found > lap && found < best)
			best = found;
	if (dir != NULL)
		closedir(dir);
	return best;
}

void lane_log_trim(struct lane_log *log, uint64_t tail)
{
	uint64_t until = tail / log->head.ring_bytes;
	char name[JOURNAL_NAME_MAX];

	for (; log->oldest <= log->last && log->oldest < until;
	     log->oldest = lap_after(log, log->oldest)) {
		journal_log_name(name, log->head.lane, log->oldest);
		journal_file_remove(log->folder, name);
		if (log->fd >= 0 && log->lap == log->oldest) {
			close(log->fd);
			log->fd = -1;
			log->unsynced = log->n_pending > 0;
		}
	}
}

/* --- reading --- */

static bool load(struct lane_log *log, uint64_t lap)
{
	char name[JOURNAL_NAME_MAX];

	if (log->bytes == NULL) {
		log->bytes = aligned_alloc(CACHE_LINE, log->head.ring_bytes);
		CHECK(log->bytes != NULL);
	}
	journal_log_name(name, log->head.lane, lap);
	log->loaded = lap;
	log->loaded_ok = journal_file_read_lap(log->folder, name, &log->head,
					       JOURNAL_LOG_FILE, log->bytes);
	return log->loaded_ok;
}

static bool has(const struct lane_log *log, uint64_t position)
{
	return log->loaded_ok && journal_lap_holds(log->bytes, log->head.ring_bytes,
						   log->seed, position, USAGE_RECORD_MAX);
}

const unsigned char *lane_log_find(struct lane_log *log, uint64_t position)
{
	uint64_t size = log->head.ring_bytes, lap = position / size;
	bool fresh = log->loaded != lap;

	log->used = true;
	/* The log of a lane in use may have grown since it was loaded. */
	if (fresh || (!log->adopted && !has(log, position)))
		load(log, lap);
	return has(log, position) ? log->bytes + (position & (size - 1)) : NULL;
}

uint64_t lane_log_seek(struct lane_log *log, uint64_t position, uint64_t limit)
{
	uint64_t size = log->head.ring_bytes, lap = position / size;
	uint64_t oldest = log->oldest, last = log->last;

	for (lap = lap > oldest ? lap : oldest; lap <= last && lap < limit / size + 1;
	     lap = lap_after(log, lap))
		if (load(log, lap))
			limit = journal_lap_seek(log->bytes, size, log->seed, position,
						 limit, USAGE_RECORD_MAX);
	return limit;
}

void lane_log_rest(struct lane_log *log)
{
	if (!log->used) {
		free(log->bytes);
		log->bytes = NULL;
		log->loaded = JOURNAL_NONE;
	}
	log->used = false;
}
