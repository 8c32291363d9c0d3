/* Telling the service manager how the process is: the protocol of sd_notify(3). */
#include "common/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

#define MESSAGE_MAX 2048
#define FULL_WAIT_MS 1000

/* False: there is none, or none that we know. */
static bool address_of(struct sockaddr_un *to, socklen_t *length)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t n = name != NULL ? strlen(name) : 0;

	if (n < 2 || n > sizeof to->sun_path || (*name != '/' && *name != '@'))
		return false;
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(to->sun_path, name, n);
	if (*name == '@') /* abstract: unix(7) */
		to->sun_path[0] = '\0';
	*length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

bool notify_is_wanted(void)
{
	struct sockaddr_un to;
	socklen_t length;

	return address_of(&to, &length);
}

/* Connected, so that poll tells when the receiver's queue has room. */
static bool send_to(const struct sockaddr_un *to, socklen_t length, const char *text,
		    size_t n)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	bool ok = fd >= 0 && connect(fd, (const struct sockaddr *)to, length) == 0;
	int error;

	if (ok && send(fd, text, n, MSG_NOSIGNAL) < 0)
		ok = errno == EAGAIN && poll(&p, 1, FULL_WAIT_MS) > 0 &&
		     send(fd, text, n, MSG_NOSIGNAL) >= 0;
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

void notify_send(const char *format, ...)
{
	char text[MESSAGE_MAX];
	struct sockaddr_un to;
	socklen_t length;
	va_list ap;
	int n;

	if (!address_of(&to, &length))
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (n >= (int)sizeof text)
		n = sizeof text - 1;
	if (!send_to(&to, length, text, (size_t)n))
		log_warn("the service manager cannot be told (%s): %s",
			 getenv("NOTIFY_SOCKET"), strerror(errno));
}
