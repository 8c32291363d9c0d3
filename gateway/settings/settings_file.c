/* Small files read whole: configuration, secrets, environment files. */
#include "gateway/settings/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"

/* Up to max + 1 bytes, so that the caller sees what is too much. */
static bool read_up_to(int fd, char *to, size_t max, size_t *n)
{
	ssize_t got;

	for (*n = 0; *n < max; *n += (size_t)got) {
		got = read(fd, to + *n, max - *n);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return got == 0;
	}
	return true;
}

bool settings_file_read(const char *path, size_t max, char **out, size_t *n,
			const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;

	*why = NULL;
	if (fd < 0 || fstat(fd, &st) != 0) {
		*why = strerror(errno);
	} else if (!S_ISREG(st.st_mode)) {
		*why = "it is not a regular file";
		errno = EINVAL;
	} else {
		text = xmalloc(max + 2);
		if (!read_up_to(fd, text, max + 1, n))
			*why = strerror(errno);
		else if (*n > max)
			*why = "it is too large";
	}
	if (fd >= 0)
		close(fd);
	if (*why == NULL) {
		text[*n] = '\0';
		*out = text;
		return true;
	}
	if (text != NULL)
		OPENSSL_cleanse(text, max + 2);
	free(text);
	return false;
}

char *settings_file_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || slash == NULL)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - file), file, path);
}
