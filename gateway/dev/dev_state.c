/* The state folder of `tollgate dev`. */
#include "gateway/dev/dev_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/dev/dev_env.h"
#include "gateway/dev/files.h"
#include "gateway/dev/say.h"

/* As root, PostgreSQL's user passes through the folder; its files are 0600 each. */
static mode_t folder_mode(void)
{
	return geteuid() == 0 ? 0711 : 0700;
}

static void tell_holder(const char *file, const char *folder)
{
	char pid[32];

	if (!file_read_line(file, pid, sizeof pid))
		snprintf(pid, sizeof pid, "unknown");
	complain("another `tollgate dev` (process %s) uses %s: stop it, or give this one "
		 "a folder of its own with --state DIR",
		 pid, folder);
}

static bool lock(struct dev_state *s)
{
	char *file = path_join(s->path, "lock"), pid[32];
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	bool ok = false;

	s->lock_fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		complain("%s: %s", file, strerror(errno));
	else if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
		tell_holder(file, s->path);
	else
		ok = ftruncate(s->lock_fd, 0) == 0 &&
		     pwrite(s->lock_fd, pid, (size_t)n, 0) == n;
	free(file);
	return ok;
}

static void remove_file(const struct dev_state *s, const char *name)
{
	char *file = path_join(s->path, name);

	if (unlink(file) != 0 && errno != ENOENT)
		complain("cannot remove %s: %s", file, strerror(errno));
	free(file);
}

static void put_user(struct sbuf *out, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL)
		sbuf_str(out, str_of(user->pw_name));
	else
		sbuf_printf(out, "%u", (unsigned)uid);
}

/* A run with sudo leaves files that only root may touch. The folder itself cannot be
 * handed over: its data is of a server that ran as yet another user. */
static void tell_owner(const char *folder, const char *path, uid_t uid)
{
	bool whole = strcmp(folder, path) == 0;
	struct sbuf text;

	sbuf_init(&text, 4 * PATH_MAX);
	sbuf_printf(&text, "%s belongs to ", path);
	put_user(&text, uid);
	sbuf_lit(&text, ", from a run as that user (with sudo?): ");
	if (whole) {
		sbuf_lit(&text, "remove it with `sudo rm -rf ");
	} else {
		sbuf_lit(&text, "take it back with `sudo chown -R ");
		put_user(&text, geteuid());
		sbuf_lit(&text, " ");
	}
	dev_env_quote(&text, folder);
	sbuf_str(&text,
		 whole ? STR("`, the data in it goes too; or give this run a folder "
			     "of its own with --state DIR")
		       : STR("`"));
	complain(STR_FMT, STR_ARG(sbuf_view(&text)));
	sbuf_fini(&text);
}

/* Whether all in it is this user's; root may use whatever it is. */
static bool is_ours(const struct dev_state *s)
{
	struct stat st;
	const struct dirent *entry;
	bool ok = true;
	DIR *dir;

	if (geteuid() == 0)
		return true;
	if (stat(s->path, &st) == 0 && st.st_uid != geteuid()) {
		tell_owner(s->path, s->path, st.st_uid);
		return false;
	}
	dir = opendir(s->path);
	while (dir != NULL && ok && (entry = readdir(dir)) != NULL) {
		char *path = path_join(s->path, entry->d_name);

		ok = strcmp(entry->d_name, "..") == 0 || lstat(path, &st) != 0 ||
		     st.st_uid == geteuid();
		if (!ok)
			tell_owner(s->path, path, st.st_uid);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
	return ok;
}

bool dev_state_open(struct dev_state *s, const char *folder)
{
	*s = (struct dev_state){.lock_fd = -1};
	if (!make_folders(folder, folder_mode()) || realpath(folder, s->path) == NULL) {
		complain("cannot use the state folder %s: %s", folder, strerror(errno));
		return false;
	}
	if (!is_ours(s) || !lock(s)) {
		if (s->lock_fd >= 0)
			close(s->lock_fd);
		return false;
	}
	/* Left by a run that was killed: nobody must take it for this one's. */
	remove_file(s, "dev.env");
	return true;
}

void dev_state_forget(const struct dev_state *s)
{
	remove_file(s, "demo.key");
	remove_file(s, "admin.key");
	remove_file(s, "tokens.snapshot");
	remove_file(s, "postgres.log");
}

void dev_state_close(struct dev_state *s)
{
	if (s->lock_fd < 0)
		return;
	remove_file(s, "dev.env");
	close(s->lock_fd);
	s->lock_fd = -1;
}
