/* Opening listening sockets. */
#include "gateway/http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/check.h"
#include "common/str.h"

#define LISTEN_BACKLOG 4096
#define USER_TIMEOUT_MS 60000 /* unacknowledged data: a vanished client is given up */

static int open_tcp(const struct net_listen *a, const struct sockaddr_storage *sa,
		    bool share)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, timeout = USER_TIMEOUT_MS, only = a->text[0] != '*';
	socklen_t len = sa->ss_family == AF_INET ? sizeof(struct sockaddr_in) : a->len;
	bool fine;

	if (fd < 0)
		return -1;
	fine = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	       (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
	/* "*" listens for both families; every other IPv6 address for its own only. Said
	 * either way: net.ipv6.bindv6only is the machine's. */
	if (fine && sa->ss_family == AF_INET6)
		fine = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) == 0;
	/* Accepted sockets inherit these on Linux (tcp(7)). */
	if (fine)
		fine = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
		       setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
		       setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout,
				  sizeof timeout) == 0;
	if (fine && bind(fd, (const struct sockaddr *)sa, len) == 0)
		return fd;
	{
		int saved = errno;

		close(fd);
		errno = saved;
	}
	return -1;
}

static void set_port(struct sockaddr_storage *sa, in_port_t port)
{
	if (sa->ss_family == AF_INET)
		((struct sockaddr_in *)sa)->sin_port = port;
	else
		((struct sockaddr_in6 *)sa)->sin6_port = port;
}

static in_port_t bound_port(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;

	CHECK(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	return sa.ss_family == AF_INET ? ((struct sockaddr_in *)&sa)->sin_port
				       : ((struct sockaddr_in6 *)&sa)->sin6_port;
}

static void write_bound(const struct net_listen *a, const struct sockaddr_storage *sa,
			in_port_t port, char *bound)
{
	const char *colon = strrchr(a->text, ':');
	struct str host = {a->text, colon ? (size_t)(colon - a->text) : strlen(a->text)};

	if (sa->ss_family != a->sa.ss_family)
		host = STR("0.0.0.0");
	snprintf(bound, sizeof a->text, STR_FMT ":%u", STR_ARG(host), ntohs(port));
}

/* Whether sockets of IPv6 can be made at all. Another failure is told where it hurts. */
static bool knows_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT && errno != EPROTONOSUPPORT;
	close(fd);
	return true;
}

bool listen_has_ipv6(void)
{
	struct net_listen any;
	const char *why;
	int fd;

	CHECK(net_parse_listen(&any, "[::1]:0", &why));
	fd = open_tcp(&any, &any.sa, false);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Where "*" leads on this machine. */
static void settle_family(const struct net_listen *a, struct sockaddr_storage *sa)
{
	struct sockaddr_in in4 = {.sin_family = AF_INET,
				  .sin_port = htons(net_listen_port(a)),
				  .sin_addr.s_addr = htonl(INADDR_ANY)};

	*sa = a->sa;
	if (a->text[0] != '*' || knows_ipv6())
		return;
	memset(sa, 0, sizeof *sa);
	memcpy(sa, &in4, sizeof in4);
}

static const char *bind_fault(const struct net_listen *a)
{
	switch (errno) {
	case EADDRINUSE:
		return "the address is in use by another process";
	case EADDRNOTAVAIL:
		return "no interface of this machine has the address, or not yet";
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		if (a->sa.ss_family == AF_INET6)
			return "this machine has no IPv6; name an IPv4 address, or * for "
			       "all";
		return "cannot bind the address";
	default:
		return "cannot bind the address";
	}
}

/* SO_REUSEPORT would let a second process of the same user share the port unnoticed: a
 * plain bind finds out first, and settles port 0. */
static int probe(const struct net_listen *a, struct sockaddr_storage *sa)
{
	int fd = open_tcp(a, sa, false);

	if (fd < 0)
		return -1;
	set_port(sa, bound_port(fd));
	close(fd);
	return 0;
}

static bool open_all_tcp(const struct net_listen *a, int *fds, unsigned n, char *bound,
			 const char **why)
{
	struct sockaddr_storage sa;
	unsigned opened = 0;

	settle_family(a, &sa);
	if (probe(a, &sa) != 0) {
		*why = bind_fault(a);
		return false;
	}
	while (opened < n) {
		fds[opened] = open_tcp(a, &sa, n > 1);
		if (fds[opened] < 0 || listen(fds[opened], LISTEN_BACKLOG) != 0)
			break;
		opened++;
	}
	if (opened == n) {
		write_bound(a, &sa, bound_port(fds[0]), bound);
		return true;
	}
	*why = "cannot listen on the address";
	for (unsigned i = 0; i < opened; i++)
		close(fds[i]);
	return false;
}

/* A socket file left by a killed process: nobody accepts there. */
static bool is_dead_socket(const struct net_listen *a)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
	struct stat st;
	int fd, rc;

	if (lstat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	rc = connect(fd, (const struct sockaddr *)&a->sa, a->len);
	close(fd);
	return rc != 0 && errno == ECONNREFUSED;
}

/* Before listen(2): until then nobody can connect, whatever the umask left open. */
static bool give_access(const char *path, const struct listen_access *access,
			const char **why)
{
	if (access->group != LISTEN_OWN_GROUP &&
	    chown(path, (uid_t)-1, access->group) != 0) {
		*why = "cannot give the socket file to unix_sockets.group, of which this "
		       "process's user must be a member";
		return false;
	}
	*why = "cannot set the socket file's mode";
	return chmod(path, access->mode) == 0;
}

static bool open_unix(const struct net_listen *a, const struct listen_access *access,
		      int *fds, unsigned n, char *bound, const char **why)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*why = "cannot open the socket file";
	if (fd < 0)
		return false;
	if (is_dead_socket(a))
		unlink(un->sun_path);
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) != 0) {
		if (errno == EADDRINUSE)
			*why = "the socket file exists and is in use";
		else if (errno == ENOENT)
			*why = "there is no such folder";
		close(fd);
		return false;
	}
	if (!give_access(un->sun_path, access, why) || listen(fd, LISTEN_BACKLOG) != 0) {
		int saved = errno;

		unlink(un->sun_path);
		close(fd);
		errno = saved;
		return false;
	}
	fds[0] = fd;
	for (unsigned i = 1; i < n; i++) {
		fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		CHECK(fds[i] >= 0);
	}
	snprintf(bound, sizeof a->text, "%s", a->text);
	return true;
}

bool listen_open(const struct net_listen *address, const struct listen_access *access,
		 int *fds, unsigned n, char *bound, const char **why)
{
	CHECK(n >= 1);
	if (address->sa.ss_family == AF_UNIX)
		return open_unix(address, access, fds, n, bound, why);
	return open_all_tcp(address, fds, n, bound, why);
}

void listen_file_note(struct listen_file *f, const char *bound)
{
	struct stat st;

	*f = (struct listen_file){0};
	if (strncmp(bound, "unix:", 5) != 0 || stat(bound + 5, &st) != 0)
		return;
	snprintf(f->path, sizeof f->path, "%s", bound + 5);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
}

void listen_file_remove(const struct listen_file *f)
{
	struct stat st;

	if (f->path[0] && stat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		unlink(f->path);
}
