/* Listening sockets that a service manager opened and passed on. */
#include "gateway/http/listen_inherited.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "common/net.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

void listen_inherited_take(struct listen_inherited *in)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t whose, n;

	memset(in, 0, sizeof *in);
	if (pid != NULL && count != NULL && str_to_u64(str_of(pid), &whose) &&
	    str_to_u64(str_of(count), &n) && whose == (uint64_t)getpid() &&
	    n <= LISTEN_INHERITED_MAX) {
		in->n = (size_t)n;
		for (size_t i = 0; i < in->n; i++) {
			in->sockets[i].fd = FIRST_FD + (int)i;
			fcntl(in->sockets[i].fd, F_SETFD, FD_CLOEXEC);
		}
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static bool same_address(const struct sockaddr_storage *a,
			 const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	switch (a->ss_family) {
	case AF_INET:
		return a4->sin_port == b4->sin_port &&
		       a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	case AF_INET6:
		return a6->sin6_port == b6->sin6_port &&
		       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
	case AF_UNIX:
		return strcmp(((const struct sockaddr_un *)a)->sun_path,
			      ((const struct sockaddr_un *)b)->sun_path) == 0;
	default:
		return false;
	}
}

/* "*" without IPv6 is 0.0.0.0 (listen_open). */
static bool is_all_of_ipv4(const struct net_listen *address,
			   const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *in4 = (const void *)sa;

	return address->text[0] == '*' && sa->ss_family == AF_INET &&
	       in4->sin_addr.s_addr == htonl(INADDR_ANY) &&
	       ntohs(in4->sin_port) == net_listen_port(address);
}

/* What is bound cannot be changed any more (ipv6(7)). */
static void warn_of_one_family(const struct net_listen *address, int fd,
			       const struct sockaddr_storage *sa)
{
	int only = sa->ss_family == AF_INET;
	socklen_t len = sizeof only;

	if (address->text[0] != '*')
		return;
	if (sa->ss_family == AF_INET6)
		getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len);
	if (only)
		log_warn(
			"the socket passed for %s takes IPv%d only: write ListenStream=%u "
			"and BindIPv6Only=both into the socket unit",
			address->text, sa->ss_family == AF_INET ? 4 : 6,
			(unsigned)net_listen_port(address));
}

static bool address_of(int fd, struct sockaddr_storage *sa)
{
	socklen_t len = sizeof *sa;

	memset(sa, 0, sizeof *sa);
	return getsockname(fd, (struct sockaddr *)sa, &len) == 0;
}

int listen_inherited_find(struct listen_inherited *in, const struct net_listen *address)
{
	for (size_t i = 0; i < in->n; i++) {
		int fd = in->sockets[i].fd, on = 1;
		struct sockaddr_storage sa;

		if (in->sockets[i].used || !address_of(fd, &sa) ||
		    (!same_address(&sa, &address->sa) && !is_all_of_ipv4(address, &sa)))
			continue;
		warn_of_one_family(address, fd, &sa);
		in->sockets[i].used = true;
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		if (sa.ss_family != AF_UNIX)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		return fd;
	}
	return -1;
}

const char *listen_inherited_unused(struct listen_inherited *in, char text[128])
{
	for (size_t i = 0; i < in->n; i++) {
		struct sockaddr_storage sa;
		struct net_ip ip;
		char name[NET_ADDR_TEXT_MAX];

		if (in->sockets[i].used)
			continue;
		if (!address_of(in->sockets[i].fd, &sa) ||
		    (sa.ss_family != AF_INET && sa.ss_family != AF_INET6)) {
			snprintf(text, 128, "descriptor %d", in->sockets[i].fd);
			return text;
		}
		net_ip_of_sockaddr(&ip, (struct sockaddr *)&sa);
		net_ip_text(&ip, name);
		snprintf(text, 128, "%s port %u", name,
			 ntohs(((struct sockaddr_in *)&sa)->sin_port));
		return text;
	}
	return NULL;
}
