/* Files of a lane group. */
#include "gateway/journal/journal_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

int journal_file_open(int folder, const char *name, int flags)
{
	int fd = openat(folder, name, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

bool journal_file_put_head(int fd, struct journal_file_head *head)
{
	journal_file_head_seal(head);
	return pwrite(fd, head, sizeof *head, 0) == (ssize_t)sizeof *head;
}

void *journal_file_map(int folder, const char *name, struct journal_file_head *head,
		       size_t n)
{
	int fd = openat(folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	void *mapping = MAP_FAILED;
	int fault;

	if (fd < 0)
		return NULL;
	/* A store into a page without room behind it would be a SIGBUS. */
	fault = posix_fallocate(fd, 0, (off_t)n);
	if (fault == 0 && !journal_file_put_head(fd, head))
		fault = errno;
	if (fault == 0) {
		mapping = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			       fd, 0);
		fault = mapping == MAP_FAILED ? errno : 0;
	}
	close(fd);
	errno = fault;
	return mapping == MAP_FAILED ? NULL : mapping;
}

/* How many of n bytes the file has there, read piece by piece; -1: errno tells. */
static ssize_t read_at(int fd, void *to, size_t n, uint64_t at)
{
	size_t got = 0;

	while (got < n) {
		size_t piece = n - got < JOURNAL_IO_PIECE ? n - got : JOURNAL_IO_PIECE;
		ssize_t r = pread(fd, (char *)to + got, piece, (off_t)(at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static bool read_whole(int fd, void *to, size_t n, uint64_t at)
{
	return read_at(fd, to, n, at) == (ssize_t)n;
}

const char *journal_file_shown(char out[JOURNAL_SHOWN_MAX],
			       const struct journal_file_head *head, const char *name)
{
	char group[JOURNAL_GROUP_HEX + 1];

	hex_encode(group, head->group, JOURNAL_GROUP_BYTES);
	snprintf(out, JOURNAL_SHOWN_MAX, "%s/%s", group, name);
	return out;
}

const char *journal_file_read_head(int fd, struct journal_file_head *head,
				   enum journal_file_kind kind)
{
	if (!read_whole(fd, head, sizeof *head, 0))
		return "its head cannot be read";
	return journal_file_head_fault(head, kind);
}

static bool is_of_lane(int fd, const struct journal_file_head *like,
		       enum journal_file_kind kind)
{
	struct journal_file_head head;

	return journal_file_read_head(fd, &head, kind) == NULL &&
	       head.lane == like->lane && head.ring_bytes == like->ring_bytes &&
	       memcmp(head.group, like->group, sizeof head.group) == 0;
}

static int open_of_lane(int folder, const char *name,
			const struct journal_file_head *like, enum journal_file_kind kind)
{
	int fd = journal_file_open(folder, name, O_RDONLY);
	char shown[JOURNAL_SHOWN_MAX];

	if (fd < 0 || is_of_lane(fd, like, kind))
		return fd;
	log_error("usage journal: %s is damaged, or another file",
		  journal_file_shown(shown, like, name));
	close(fd);
	return -1;
}

bool journal_file_note(int folder, const struct journal_file_head *head, uint64_t *tail)
{
	char name[JOURNAL_NAME_MAX];
	int fd;
	bool ok;

	journal_ring_name(name, head->lane);
	fd = open_of_lane(folder, name, head, JOURNAL_RING_FILE);
	if (fd < 0)
		return false;
	ok = read_whole(fd, tail, sizeof *tail, JOURNAL_TAIL_OFFSET);
	close(fd);
	return ok && *tail % JOURNAL_ALIGN == 0 && *tail <= JOURNAL_POSITION_MAX;
}

void journal_file_read_counts(int folder, const struct journal_file_head *head,
			      void *memory, size_t n)
{
	char name[JOURNAL_NAME_MAX], shown[JOURNAL_SHOWN_MAX];
	int fd;

	journal_counts_name(name, head->lane);
	fd = open_of_lane(folder, name, head, JOURNAL_COUNTS_FILE);
	if (fd < 0) {
		log_error("usage journal: %s is missing or not to be read: what was "
			  "counted there (drops, strangers) and not stored is lost",
			  journal_file_shown(shown, head, name));
		return;
	}
	if (!read_whole(fd, memory, n, 0)) {
		log_error("usage journal: %s is cut or cannot be read: what was counted "
			  "there (drops, strangers) and not stored is lost",
			  journal_file_shown(shown, head, name));
		memset(memory, 0, n);
	}
	close(fd);
}

bool journal_file_read_lap(int folder, const char *name,
			   const struct journal_file_head *like,
			   enum journal_file_kind kind, unsigned char *to)
{
	int fd = journal_file_open(folder, name, O_RDONLY);
	char shown[JOURNAL_SHOWN_MAX];
	ssize_t got = -1;

	journal_file_shown(shown, like, name);

	if (fd < 0) {
		if (errno != ENOENT)
			log_error("usage journal: %s: %s", shown, strerror(errno));
		return false;
	}
	/* No more at once than is asked for, either. */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (is_of_lane(fd, like, kind))
		got = read_at(fd, to, like->ring_bytes, JOURNAL_FILE_HEAD);
	close(fd);
	if (got < 0) {
		log_error("usage journal: %s cannot be read", shown);
		return false;
	}
	if ((size_t)got < like->ring_bytes)
		log_error("usage journal: %s is cut, %zu of %u bytes are left: events "
			  "behind them are lost, where no other file holds them",
			  shown, (size_t)got, like->ring_bytes);
	memset(to + got, 0, like->ring_bytes - (size_t)got);
	return true;
}

bool journal_file_remove(int folder, const char *name)
{
	int fd = journal_file_open(folder, name, O_WRONLY);
	off_t step = 4 * (off_t)JOURNAL_IO_PIECE;
	struct stat st;
	int fault;

	if (fd >= 0 && fstat(fd, &st) == 0)
		for (off_t n = st.st_size - step; n > 0; n -= step)
			if (ftruncate(fd, n) != 0)
				break;
	fault = unlinkat(folder, name, 0) == 0 ? 0 : errno;
	if (fd >= 0)
		close(fd);
	errno = fault;
	return fault == 0;
}

DIR *journal_folder_list(int folder)
{
	/* A descriptor of its own: a DIR closes it, and keeps a place in it. */
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

uint64_t journal_folder_bytes(int directory, const char *name)
{
	int folder = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
	struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	if (dir != NULL)
		closedir(dir);
	else if (folder >= 0)
		close(folder);
	return bytes;
}

/* All files whose name ends so, but for the one that tells what the folder is. */
static bool remove_files(int folder, const char *end)
{
	DIR *dir = journal_folder_list(folder);
	struct dirent *entry;
	bool ok = dir != NULL;
	int fault;

	while (ok && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && ends_in(entry->d_name, end) &&
		    strcmp(entry->d_name, JOURNAL_GROUP_NAME) != 0)
			ok = journal_file_remove(folder, entry->d_name);
	fault = errno;
	if (dir != NULL)
		closedir(dir);
	errno = fault;
	return ok;
}

static bool remove_folder(int directory, const char *name, int folder)
{
	/* Without the ring nobody knows how far its logs are stored: logs go first. */
	static const char *const order[] = {".log", ".counts", ".ring", ""};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (!remove_files(folder, order[i]))
			return false;
	if (!journal_file_remove(folder, JOURNAL_GROUP_NAME) && errno != ENOENT)
		return false;
	return unlinkat(directory, name, AT_REMOVEDIR) == 0 && fsync(directory) == 0;
}

bool journal_folder_remove(int directory, const char *name, int folder)
{
	if (remove_folder(directory, name, folder))
		return true;
	log_error("usage journal: cannot remove %s: %s", name, strerror(errno));
	return false;
}
