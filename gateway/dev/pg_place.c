/* Where the private PostgreSQL lives.
 *
 * As root, folders belong to another user, who might swap things under our hands: so what
 * is deleted is deleted as that user, and files that root writes stay in the state
 * folder. */
#include "gateway/dev/pg_place.h"

#include <errno.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/files.h"
#include "gateway/dev/pg_leftover.h"
#include "gateway/dev/say.h"

#define OUTSIDE "/var/lib/tollgate-dev"
#define MARKER ".tollgate-dev"
#define SOCKET_NAME_MAX "/.s.PGSQL.65535"

void pg_path_hash(char out[17], const char *path)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)path, strlen(path), digest);
	hex_encode(out, digest, 8);
}

static bool needs_quoting(const char *path)
{
	return path[strspn(
		       path,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")] !=
	       '\0';
}

void pg_socket_dir(char out[PG_SOCKET_PATH_MAX + 1], const char *base)
{
	char hash[17];

	if (strlen(base) + strlen("/sock" SOCKET_NAME_MAX) <= PG_SOCKET_PATH_MAX &&
	    !needs_quoting(base)) {
		snprintf(out, PG_SOCKET_PATH_MAX + 1, "%s/sock", base);
		return;
	}
	pg_path_hash(hash, base);
	snprintf(out, PG_SOCKET_PATH_MAX + 1, "/tmp/tollgate-%s", hash);
}

/* --- the user --- */

static bool choose_user(struct child_user *user)
{
	const struct passwd *entry;

	*user = (struct child_user){false, geteuid(), getegid()};
	if (geteuid() != 0)
		return true;
	entry = getpwnam("postgres");
	if (entry == NULL || entry->pw_uid == 0)
		entry = getpwnam("nobody");
	if (entry == NULL || entry->pw_uid == 0) {
		complain("PostgreSQL does not run as root, and there is neither a user "
			 "`postgres` nor `nobody`");
		return false;
	}
	*user = (struct child_user){true, entry->pw_uid, entry->pw_gid};
	return true;
}

/* Data that is there runs as its owner, whoever started it first. */
static bool follow_owner(struct pg_place *p, const struct stat *st)
{
	if (st->st_uid == p->user.uid)
		return true;
	if (geteuid() == 0 && st->st_uid != 0) {
		p->user = (struct child_user){true, st->st_uid, st->st_gid};
		return true;
	}
	complain(
		"%s belongs to another user (uid %u); run as that user, or use --state DIR",
		p->base, (unsigned)st->st_uid);
	return false;
}

/* --- the base folder --- */

/* A folder of the server's user, mode 0700. Refuses what somebody else has put there. */
static bool own_folder(const char *path, const struct child_user *user)
{
	struct stat st;

	if (mkdir(path, 0700) == 0 &&
	    (!user->change || lchown(path, user->uid, user->gid) == 0))
		return true;
	if (errno == EEXIST && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == user->uid && (st.st_mode & 077) == 0)
		return true;
	complain("cannot use the folder %s: %s", path,
		 errno == EEXIST ? "it belongs to somebody else, or others may enter it"
				 : strerror(errno));
	return false;
}

static bool has_marker(const char *base)
{
	char *marker = path_join(base, MARKER);
	struct stat st;
	bool ok = lstat(marker, &st) == 0 && S_ISREG(st.st_mode);

	free(marker);
	return ok;
}

/* The marker is written by the server's user, whose folder it is. */
static bool write_marker(const struct pg_place *p)
{
	char *marker = path_join(p->base, MARKER);
	const char *const argv[] = {"/usr/bin/touch", "--", marker, NULL};
	struct child_options o = {
		.argv = argv, .user = p->user, .parent_death_signal = SIGKILL};
	struct sbuf out;
	bool ok;

	sbuf_init(&out, 4096);
	ok = child_run(&o, &out) == 0;
	if (!ok)
		complain("cannot write %s", marker);
	sbuf_fini(&out);
	free(marker);
	return ok;
}

/* What is in the base folder, by its owner's hand. */
static bool remove_inside(const struct pg_place *p, const char *name)
{
	char *path = path_join(p->base, name);
	const char *const argv[] = {"/bin/rm", "-rf", "--", path, NULL};
	struct child_options o = {
		.argv = argv, .user = p->user, .parent_death_signal = SIGKILL};
	struct sbuf out;
	bool ok;

	sbuf_init(&out, 4096);
	ok = child_run(&o, &out) == 0;
	if (!ok)
		complain("cannot delete %s", path);
	sbuf_fini(&out);
	free(path);
	return ok;
}

static bool remove_cluster(const struct pg_place *p)
{
	return pg_leftover_stop(p->data) && remove_inside(p, "data") &&
	       remove_inside(p, "data.new") && remove_inside(p, "sock");
}

/* Sets base and data from a path. */
static bool set_base(struct pg_place *p, const char *path)
{
	if (strlen(path) + strlen("/data.new") >= sizeof p->base) {
		complain("the path of the state folder is too long");
		return false;
	}
	memcpy(p->base, path, strlen(path) + 1);
	memcpy(p->data, path, strlen(path));
	memcpy(p->data + strlen(path), "/data", sizeof "/data");
	return true;
}

static bool make_outside(struct pg_place *p, const char *state, const char *link)
{
	char path[sizeof OUTSIDE + 1 + 16];
	char hash[17];
	struct stat st;

	pg_path_hash(hash, state);
	snprintf(path, sizeof path, OUTSIDE "/%s", hash);
	if (mkdir(OUTSIDE, 0755) != 0 && errno != EEXIST) {
		complain("cannot make %s: %s", OUTSIDE, strerror(errno));
		return false;
	}
	p->outside = true;
	if (!set_base(p, path))
		return false;
	/* Left by a state folder of that path which is gone, and its password with it. */
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (!follow_owner(p, &st) || !has_marker(path) || !remove_cluster(p))) {
		complain("%s is in the way", path);
		return false;
	}
	unlink(link);
	if (symlink(path, link) != 0) {
		complain("cannot make the link %s: %s", link, strerror(errno));
		return false;
	}
	return own_folder(path, &p->user) && write_marker(p);
}

static bool make_base(struct pg_place *p, const char *state, const char *link)
{
	p->is_new = true;
	if (!set_base(p, link) || !own_folder(link, &p->user))
		return false;
	if (child_user_can_enter(&p->user, link))
		return write_marker(p);
	rmdir(link);
	return make_outside(p, state, link);
}

/* <state>/pg is a link: it must name the folder that belongs to this very state folder (a
 * copied state folder makes a cluster of its own). */
static bool link_is_ours(const char *state, const char *link)
{
	char target[PATH_MAX], hash[17], *expected;
	ssize_t n = readlink(link, target, sizeof target - 1);
	bool ok;

	pg_path_hash(hash, state);
	expected = xasprintf(OUTSIDE "/%s", hash);
	if (n >= 0)
		target[n] = '\0';
	ok = n > 0 && strcmp(target, expected) == 0 && has_marker(target);
	free(expected);
	return ok;
}

static bool open_base(struct pg_place *p, const char *state, const char *link)
{
	char target[PATH_MAX];
	struct stat st;

	if (lstat(link, &st) != 0)
		return make_base(p, state, link);
	if (S_ISLNK(st.st_mode)) {
		if (!link_is_ours(state, link) || stat(link, &st) != 0)
			return unlink(link) == 0 && make_base(p, state, link);
		p->outside = true;
		return realpath(link, target) != NULL && set_base(p, target) &&
		       follow_owner(p, &st);
	}
	if (!set_base(p, link) || !follow_owner(p, &st))
		return false;
	if (!has_marker(link) || !child_user_can_enter(&p->user, link)) {
		complain("%s is not a folder that `tollgate dev` made and can use; "
			 "remove it or use --state DIR",
			 link);
		return false;
	}
	return true;
}

bool pg_place_open(struct pg_place *p, const char *state, bool fresh)
{
	char *link = path_join(state, "pg");
	bool ok;

	*p = (struct pg_place){0};
	ok = choose_user(&p->user) && open_base(p, state, link) &&
	     (!fresh || remove_cluster(p));
	free(link);
	if (!ok)
		return false;
	/* Whether data is there is asked as the one who will use it. */
	p->is_new = !child_user_can_enter(&p->user, p->data);
	pg_socket_dir(p->socket_dir, p->base);
	return own_folder(p->socket_dir, &p->user);
}

static bool move(const char *from, const char *to)
{
	if (rename(from, to) == 0)
		return true;
	complain("cannot move %s to %s: %s", from, to, strerror(errno));
	return false;
}

bool pg_place_set_aside(const struct pg_place *p, const char *state, char *out)
{
	char *link = path_join(state, "pg"), date[32], target[PATH_MAX + 32];
	time_t now = time(NULL);
	struct tm tm;
	bool ok;

	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%Y-%m-%d-%H%M%S", &tm);
	snprintf(out, PATH_MAX, "%s/pg.old-%s", state, date);
	if (!p->outside) {
		ok = move(link, out);
	} else {
		snprintf(target, sizeof target, "%s.old-%s", p->base, date);
		ok = move(p->base, target) && unlink(link) == 0 &&
		     symlink(target, out) == 0;
	}
	free(link);
	return ok;
}

void pg_place_close(const struct pg_place *p)
{
	if (strncmp(p->socket_dir, p->base, strlen(p->base)) != 0)
		rmdir(p->socket_dir);
}
