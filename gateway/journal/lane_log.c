/* A lane's logs: each holds a lap of the ring, byte for byte, behind a file's head.
 *
 * The ring's pages are never synced by us: a store into a page that is being written back
 * may wait for the disk (docs/adr/0006-usage-journal.md). The journal's thread copies
 * them here instead, and syncs the copies. Logs are read into memory rather than mapped,
 * so that a disk's fault is an error and no signal. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/journal/group_files.h"
#include "gateway/journal/lane_state.h"

#define PENDING_MAX 4 /* finished logs that wait for their sync */

struct lane_log {
	int folder;
	struct journal_file_head head; /* of the next file */
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
	bool ring_missing;
};

void lane_ring_name(char out[LANE_FILE_NAME_MAX], uint32_t lane)
{
	snprintf(out, LANE_FILE_NAME_MAX, "lane-%" PRIu32 ".ring", lane);
}

void lane_log_name(char out[LANE_FILE_NAME_MAX], uint32_t lane, uint64_t lap)
{
	snprintf(out, LANE_FILE_NAME_MAX, "lane-%" PRIu32 "-%016" PRIx64 ".log", lane,
		 lap);
}

bool lane_log_name_read(const char *name, uint32_t *lane, uint64_t *lap)
{
	char again[LANE_FILE_NAME_MAX];
	char *end;

	if (strncmp(name, "lane-", 5) != 0)
		return false;
	*lane = (uint32_t)strtoul(name + 5, &end, 10);
	if (*end != '-')
		return false;
	*lap = strtoull(end + 1, NULL, 16);
	lane_log_name(again, *lane, *lap);
	return strcmp(name, again) == 0 && *lap <= LANE_POSITION_MAX / JOURNAL_LAP_MIN;
}

struct lane_log *lane_log_new(int folder, const struct journal_file_head *head)
{
	struct lane_log *log = xcalloc(1, sizeof *log);

	log->folder = folder;
	log->head = *head;
	log->head.kind = JOURNAL_LOG_FILE;
	log->fd = -1;
	log->loaded = LANE_NO_LAP;
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

const struct journal_file_head *lane_log_head(const struct lane_log *log)
{
	return &log->head;
}

void lane_log_adopt(struct lane_log *log, uint64_t oldest, uint64_t last)
{
	log->oldest = oldest;
	log->last = last;
}

/* --- copying --- */

static size_t piece_of(size_t n)
{
	return n < GROUP_IO_PIECE ? n : GROUP_IO_PIECE;
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
	int fd = group_file_open(log->folder, name, O_CREAT | O_TRUNC | O_RDWR);
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
			       bool (*may_grow)(void *ctx), void *ctx)
{
	char name[LANE_FILE_NAME_MAX];

	if (log->fd >= 0 && log->lap == lap)
		return LANE_COPIED;
	if (!finish_log(log))
		return LANE_FAULT;
	lane_log_name(name, log->head.lane, lap);
	log->lap = lap;
	if (log->oldest <= lap && log->last == lap)
		log->fd = group_file_open(log->folder, name, O_RDWR);
	if (log->fd >= 0)
		return LANE_COPIED;
	if (!may_grow(ctx))
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

enum lane_copy lane_copy(struct usage_lane *lane, bool (*may_grow)(void *ctx), void *ctx)
{
	struct lane_log *log = lane->log;
	uint64_t tail = usage_lane_tail(lane), mask = lane->size - 1;
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_acquire);
	uint64_t from = lane->copied > tail ? lane->copied : tail;
	enum lane_copy result = LANE_COPIED;

	while (from < head && result == LANE_COPIED) {
		uint64_t place = from & mask, to_end = lane->size - place;
		uint64_t n = head - from < to_end ? head - from : to_end;

		result = open_log(log, from / lane->size, may_grow, ctx);
		if (result != LANE_COPIED)
			break;
		if (!write_all(log->fd, lane->ring + place, n, JOURNAL_FILE_HEAD + place))
			result = LANE_FAULT;
		else
			from += n;
		log->unsynced = true;
	}
	if (from > lane->copied)
		lane_note_copied(lane, from);
	return result;
}

bool lane_sync(struct usage_lane *lane)
{
	struct lane_log *log = lane->log;
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
static uint64_t lap_after(const struct usage_lane *lane, uint64_t lap)
{
	uint64_t found, best = LANE_NO_LAP;
	struct dirent *entry;
	uint32_t number;
	DIR *dir;

	if (!lane->adopted)
		return lap + 1;
	dir = group_folder_list(lane->log->folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (lane_log_name_read(entry->d_name, &number, &found) &&
		    number == lane->number && found > lap && found < best)
			best = found;
	if (dir != NULL)
		closedir(dir);
	return best;
}

void lane_log_trim(struct usage_lane *lane)
{
	struct lane_log *log = lane->log;
	uint64_t until = usage_lane_tail(lane) / lane->size;
	char name[LANE_FILE_NAME_MAX];

	for (; log->oldest <= log->last && log->oldest < until;
	     log->oldest = lap_after(lane, log->oldest)) {
		lane_log_name(name, lane->number, log->oldest);
		group_file_remove(log->folder, name);
		if (log->fd >= 0 && log->lap == log->oldest) {
			close(log->fd);
			log->fd = -1;
			log->unsynced = log->n_pending > 0;
		}
	}
}

/* --- reading --- */

static bool read_all(int fd, void *bytes, size_t n, uint64_t at)
{
	char *p = bytes;

	while (n > 0) {
		ssize_t r = pread(fd, p, piece_of(n), (off_t)at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return false;
		if (r == 0)
			break; /* truncated: the rest holds no record */
		p += r;
		n -= (size_t)r;
		at += (uint64_t)r;
	}
	memset(p, 0, n);
	return true;
}

static bool is_ours(const struct lane_log *log, const struct journal_file_head *h,
		    enum journal_file_kind kind)
{
	return journal_file_head_fault(h, kind) == NULL && h->lane == log->head.lane &&
	       h->ring_bytes == log->head.ring_bytes &&
	       memcmp(h->group, log->head.group, sizeof h->group) == 0;
}

/* The lap behind the head of a file; false: not there, or not to be read. */
static bool read_lap(const struct lane_log *log, const char *name,
		     enum journal_file_kind kind, unsigned char *to)
{
	struct journal_file_head head;
	int fd = group_file_open(log->folder, name, O_RDONLY);
	bool ok;

	if (fd < 0) {
		if (errno != ENOENT)
			log_error("usage journal: %s: %s", name, strerror(errno));
		return false;
	}
	/* No more at once than is asked for, either. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	ok = read_all(fd, &head, sizeof head, 0) && is_ours(log, &head, kind) &&
	     read_all(fd, to, log->head.ring_bytes, JOURNAL_FILE_HEAD);
	close(fd);
	if (!ok)
		log_error("usage journal: %s cannot be read", name);
	return ok;
}

static bool load(struct lane_log *log, uint64_t lap)
{
	char name[LANE_FILE_NAME_MAX];

	if (log->bytes == NULL) {
		log->bytes = aligned_alloc(CACHE_LINE, log->head.ring_bytes);
		CHECK(log->bytes != NULL);
	}
	lane_log_name(name, log->head.lane, lap);
	log->loaded = lap;
	log->loaded_ok = read_lap(log, name, JOURNAL_LOG_FILE, log->bytes);
	return log->loaded_ok;
}

static bool has(const struct usage_lane *lane, const unsigned char *bytes,
		uint64_t position)
{
	uint64_t place = position & (lane->size - 1);

	return journal_record_valid(bytes + place, lane->size - place, lane->seed,
				    position, USAGE_RECORD_MAX);
}

const unsigned char *lane_log_find(struct usage_lane *lane, uint64_t position)
{
	struct lane_log *log = lane->log;
	uint64_t lap = position / lane->size;
	bool fresh = log->loaded != lap;

	log->used = true;
	if (fresh)
		load(log, lap);
	/* The log of a lane in use may have grown since it was loaded. */
	if (!fresh && !lane->adopted &&
	    !(log->loaded_ok && has(lane, log->bytes, position)))
		load(log, lap);
	if (!log->loaded_ok || !has(lane, log->bytes, position))
		return NULL;
	return log->bytes + (position & (lane->size - 1));
}

/* The first record from `position` on that these bytes hold of any lap. */
static uint64_t seek_in(const struct usage_lane *lane, const unsigned char *bytes,
			uint64_t position, uint64_t best)
{
	for (uint64_t place = 0; place < lane->size; place += JOURNAL_ALIGN) {
		const struct journal_record_head *h =
			(const struct journal_record_head *)(bytes + place);

		if (h->position >= position && h->position < best &&
		    (h->position & (lane->size - 1)) == place &&
		    has(lane, bytes, h->position))
			best = h->position;
	}
	return best;
}

uint64_t lane_log_seek(struct usage_lane *lane, uint64_t position, uint64_t limit)
{
	struct lane_log *log = lane->log;
	uint64_t best = limit, oldest = log->oldest, last = log->last;
	uint64_t lap = position / lane->size;

	if (lane->adopted && lane_ring_load(lane))
		best = seek_in(lane, lane->ring, position, best);
	for (lap = lap > oldest ? lap : oldest;
	     lap <= last && lap < best / lane->size + 1; lap = lap_after(lane, lap))
		if (load(log, lap))
			best = seek_in(lane, log->bytes, position, best);
	return best < limit ? best : LANE_NO_LAP;
}

bool lane_ring_load(struct usage_lane *lane)
{
	struct lane_log *log = lane->log;
	char name[LANE_FILE_NAME_MAX];
	unsigned char *bytes;

	if (lane->ring != NULL)
		return true;
	if (log->ring_missing)
		return false;
	bytes = aligned_alloc(CACHE_LINE, lane->size);
	CHECK(bytes != NULL);
	lane_ring_name(name, lane->number);
	log->ring_missing = !read_lap(log, name, JOURNAL_RING_FILE, bytes);
	if (log->ring_missing)
		free(bytes);
	else
		lane->ring = bytes;
	return !log->ring_missing;
}

void lane_log_rest(struct usage_lane *lane)
{
	struct lane_log *log = lane->log;

	if (!log->used) {
		free(log->bytes);
		log->bytes = NULL;
		log->loaded = LANE_NO_LAP;
	}
	log->used = false;
}
