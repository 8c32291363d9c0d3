/* Loaded before libc by LD_PRELOAD: a machine without IPv6, where the kernel knows no
 * such sockets (ipv6.disable=1, or a container's filter). */
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>

int socket(int domain, int type, int protocol)
{
	int (*real)(int, int, int);

	if (domain == AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "socket");
	return real(domain, type, protocol);
}
