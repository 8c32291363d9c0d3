/* Small files read whole: configuration, secrets, environment files. */
#include "gateway/settings/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <stdlib.h>
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
	int saved;

	*why = NULL;
	if (fd < 0 || fstat(fd, &st) != 0) {
		*why = strerror(errno);
	} else if (S_ISDIR(st.st_mode)) {
		*why = "it is a folder";
		errno = EISDIR;
	} else if (!S_ISREG(st.st_mode)) {
		*why = "it is not a regular file";
		errno = EINVAL;
	} else {
		text = xmalloc(max + 2);
		if (!read_up_to(fd, text, max + 1, n))
			*why = strerror(errno);
		else if (*n > max) {
			*why = "it is too large";
			errno = EFBIG;
		}
	}
	saved = errno;
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
	errno = saved;
	return false;
}

/* --- what to do --- */

static void put_user(struct sbuf *out)
{
	struct passwd *user = getpwuid(geteuid());

	if (user != NULL)
		sbuf_printf(out, "user %s", user->pw_name);
	else
		sbuf_printf(out, "user %u", (unsigned)geteuid());
}

/* The first folder on the way to path that may not be entered; false: none. */
static bool closed_folder(const char *path, char out[PATH_MAX])
{
	for (size_t i = 1; path[0] != '\0' && path[i] != '\0' && i < PATH_MAX; i++) {
		if (path[i] != '/')
			continue;
		memcpy(out, path, i);
		out[i] = '\0';
		if (access(out, X_OK) != 0)
			return true;
	}
	return false;
}

static void advise_access(struct sbuf *out, const char *path)
{
	struct group *group = getgrgid(getegid());
	char folder[PATH_MAX];

	put_user(out);
	if (closed_folder(path, folder))
		sbuf_printf(out, " may not enter %s: run `chmod o+x %s`", folder, folder);
	else if (group != NULL)
		sbuf_printf(out, " may not read it: run `chgrp %s %s && chmod g+r %s`",
			    group->gr_name, path, path);
	else
		sbuf_printf(out, " may not read it: run `chmod o+r %s`", path);
}

static void advise_folder(struct sbuf *out, const char *path)
{
	static const char name[] = "tollgate.json";
	char *inside = xasprintf("%s/%s", path, name);

	sbuf_lit(out, "name a file");
	if (access(inside, F_OK) == 0)
		sbuf_printf(out, ", as %s", inside);
	free(inside);
}

static void advise_missing(struct sbuf *out, const char *path)
{
	char folder[PATH_MAX];

	sbuf_lit(out, "give the path of a file that is there");
	if (path[0] != '/' && getcwd(folder, sizeof folder) != NULL)
		sbuf_printf(out, "; a relative one begins at %s", folder);
}

void settings_file_advise(struct sbuf *out, const char *path, int error)
{
	if (error == EACCES)
		advise_access(out, path);
	else if (error == EISDIR)
		advise_folder(out, path);
	else if (error == ENOENT || error == ENOTDIR)
		advise_missing(out, path);
	else if (error == EFBIG)
		sbuf_lit(out, "shorten it");
	else if (error == EINVAL)
		sbuf_lit(out, "save its content as a file, and name that");
}

const char *settings_file_shown(const char *path)
{
	return strstr(path, "://") == NULL ? path : "***";
}

char *settings_file_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (path[0] == '/' || slash == NULL)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - file), file, path);
}
