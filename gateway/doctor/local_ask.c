/* Short questions over sockets that may wait. */
#include "gateway/doctor/local_ask.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/str.h"

#define WAIT_MS 5000 /* for all of it */

/* Where callers on this machine reach it: any address is the loopback one. */
static struct net_listen reached_at(const struct net_listen *listen)
{
	struct net_listen to = *listen;
	struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)&to.sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&to.sa;
	uint16_t port = htons(net_listen_port(listen));

	if (listen->text[0] == '*') {
		memset(&to.sa, 0, sizeof to.sa);
		in4->sin_family = AF_INET;
		in4->sin_port = port;
		to.len = sizeof *in4;
	}
	if (to.sa.ss_family == AF_INET && in4->sin_addr.s_addr == htonl(INADDR_ANY))
		in4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (to.sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
	return to;
}

bool local_wait(int fd, short what, uint64_t deadline_us)
{
	uint64_t now = clock_mono_us();
	struct pollfd p = {.fd = fd, .events = what};

	if (now >= deadline_us ||
	    poll(&p, 1, (int)((deadline_us - now) / 1000) + 1) == 0) {
		errno = ETIMEDOUT;
		return false;
	}
	return true;
}

bool local_connect(int fd, const struct sockaddr *sa, socklen_t len, uint64_t deadline_us)
{
	int error = 0;
	socklen_t size = sizeof error;

	if (connect(fd, sa, len) == 0)
		return true;
	if (errno != EINPROGRESS || !local_wait(fd, POLLOUT, deadline_us))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		return false;
	errno = error;
	return error == 0;
}

/* Reads to the end; HTTP/1.0 has no other. */
static size_t read_answer(int fd, char answer[LOCAL_ANSWER_MAX], uint64_t deadline_us)
{
	size_t n = 0;
	ssize_t got;

	while (n < LOCAL_ANSWER_MAX - 1 && local_wait(fd, POLLIN, deadline_us)) {
		got = read(fd, answer + n, LOCAL_ANSWER_MAX - 1 - n);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	answer[n] = '\0';
	return n;
}

int local_ask(const struct net_listen *listen, const char *path,
	      char answer[LOCAL_ANSWER_MAX])
{
	struct net_listen address = reached_at(listen), *to = &address;
	static const char start[] = "HTTP/1.";
	uint64_t deadline_us = clock_mono_us() + WAIT_MS * UINT64_C(1000), status = 0;
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char request[128];
	int n = snprintf(request, sizeof request,
			 "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);

	if (fd < 0)
		return 0;
	if (local_connect(fd, (const struct sockaddr *)&to->sa, to->len, deadline_us) &&
	    send(fd, request, (size_t)n, MSG_NOSIGNAL) == n) {
		errno = EPROTO;
		if (read_answer(fd, answer, deadline_us) > 12 &&
		    strncmp(answer, start, sizeof start - 1) == 0 &&
		    !str_to_u64((struct str){answer + 9, 3}, &status))
			status = 0;
	}
	close(fd);
	return (int)status;
}
