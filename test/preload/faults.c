/* Loaded before libc by LD_PRELOAD: shifts the wall clock, and keeps what a power cut
 * would leave.
 *
 * TOLLGATE_TEST_CLOCK names a file whose first eight bytes are added to the wall clock,
 * in nanoseconds; it may change at any time. TOLLGATE_TEST_SYNCED names a folder that
 * gets, after each successful fsync or fdatasync below TOLLGATE_TEST_SYNCED_OF, a copy of
 * the file, or the list of the directory, under the inode's name; and a line in `times`
 * for each sync and each write. What was never synced is not there: that is what a power
 * cut may cost. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static int (*real_gettime)(clockid_t, struct timespec *);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static const int64_t *shift;
static const char *copies, *watched;

__attribute__((constructor)) static void set_up(void)
{
	const char *clock = getenv("TOLLGATE_TEST_CLOCK");
	int fd;

	*(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	*(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite");
	copies = getenv("TOLLGATE_TEST_SYNCED");
	watched = getenv("TOLLGATE_TEST_SYNCED_OF");
	if (clock == NULL)
		return;
	fd = open(clock, O_RDONLY | O_CLOEXEC);
	shift = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || shift == MAP_FAILED)
		abort();
	close(fd);
}

/* --- the clock --- */

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = real_gettime(id, ts);
	int64_t ns;

	if (rc != 0 || shift == NULL ||
	    (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return rc;
	ns = ts->tv_sec * SECOND + ts->tv_nsec + __atomic_load_n(shift, __ATOMIC_RELAXED);
	ts->tv_sec = ns / SECOND;
	ts->tv_nsec = ns % SECOND;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	*tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
	return 0;
}

/* --- what was synced --- */

/* An inode's number may come again, its time of birth not. */
static void name_of(int at, const char *path, int flags, char out[64], uint64_t *size,
		    char *kind)
{
	struct statx st;

	if (statx(at, path, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
		  &st) != 0)
		abort();
	snprintf(out, 64, "%llu-%lld.%09u", (unsigned long long)st.stx_ino,
		 (long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	*size = st.stx_size;
	*kind = S_ISDIR(st.stx_mode) ? 'd' : 'f';
}

static void copy_bytes(int from, FILE *to)
{
	static _Thread_local char bytes[1 << 16];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, bytes, sizeof bytes, at)) > 0) {
		fwrite(bytes, 1, (size_t)n, to);
		at += n;
	}
}

static void list_entries(int folder, FILE *to)
{
	DIR *dir = fdopendir(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;
	char inode[64], kind;
	uint64_t size;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		name_of(folder, e->d_name, 0, inode, &size, &kind);
		fprintf(to, "%c %s %" PRIu64 " %s\n", kind, inode, size, e->d_name);
	}
	if (dir != NULL)
		closedir(dir);
}

static void note_time(const char *what)
{
	char path[4096], line[64];
	struct timespec ts;
	int fd, n;

	snprintf(path, sizeof path, "%s/times", copies);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	real_gettime(CLOCK_MONOTONIC, &ts);
	n = snprintf(line, sizeof line, "%s %lld.%09ld\n", what, (long long)ts.tv_sec,
		     ts.tv_nsec);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static int is_watched(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	if (copies == NULL || watched == NULL)
		return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	return strncmp(path, watched, strlen(watched)) == 0;
}

/* The copy takes its place by rename: a process that is killed meanwhile leaves the one
 * before, as if it had been killed a moment earlier. */
static void keep(int fd)
{
	char inode[64], kind, path[4096], fresh[4096];
	uint64_t size;
	FILE *to;

	name_of(fd, "", AT_EMPTY_PATH, inode, &size, &kind);
	snprintf(path, sizeof path, "%s/%s", copies, inode);
	snprintf(fresh, sizeof fresh, "%s/new-%d", copies, gettid());
	to = fopen(fresh, "we");
	if (to == NULL)
		abort();
	if (kind == 'd')
		list_entries(fd, to);
	else
		copy_bytes(fd, to);
	fclose(to);
	if (rename(fresh, path) != 0)
		abort();
	if (kind == 'f')
		note_time("sync");
}

static int sync_by(int (*how)(int), int fd)
{
	int rc = how(fd), fault = errno;

	if (rc == 0 && is_watched(fd))
		keep(fd);
	errno = fault;
	return rc;
}

int fsync(int fd)
{
	return sync_by(real_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_by(real_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	if (is_watched(fd))
		note_time("write");
	return real_pwrite(fd, bytes, n, at);
}
