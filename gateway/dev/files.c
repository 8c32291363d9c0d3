/* Small private files. */
#include "gateway/dev/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"

char *path_join(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

bool file_read(const char *path, struct sbuf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	char piece[4096];
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, piece, sizeof piece)) > 0 && !out->overflow)
		sbuf_add(out, piece, (size_t)n);
	saved = out->overflow ? EFBIG : errno;
	close(fd);
	errno = saved;
	return n == 0 && !out->overflow;
}

bool file_read_line(const char *path, char *out, size_t size)
{
	struct sbuf text;
	bool ok = false;

	sbuf_init(&text, 65536);
	if (file_read(path, &text) && text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

		ok = n > 0 && str_copy(out, size, (struct str){text.p, n});
	}
	sbuf_fini(&text);
	return ok;
}

static bool write_all(int fd, struct str content)
{
	while (content.n > 0) {
		ssize_t n = write(fd, content.p, content.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		content.p += n;
		content.n -= (size_t)n;
	}
	return true;
}

bool file_write_private(const char *path, struct str content)
{
	char *beside = xasprintf("%s.new", path);
	bool ok;
	int fd, saved;

	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ok = fd >= 0 && write_all(fd, content) && fsync(fd) == 0;
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	ok = ok && rename(beside, path) == 0;
	saved = errno;
	if (!ok)
		unlink(beside);
	free(beside);
	errno = saved;
	return ok;
}

bool make_folders(const char *path, mode_t mode)
{
	char *copy = xstrdup(path);
	struct stat st;
	bool ok;

	for (char *slash = strchr(copy + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		/* A fault shows at the last one. */
		mkdir(copy, mode);
		*slash = '/';
	}
	ok = mkdir(copy, mode) == 0 ||
	     (errno == EEXIST && stat(copy, &st) == 0 && S_ISDIR(st.st_mode));
	free(copy);
	return ok;
}
