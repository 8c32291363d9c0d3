/* Short questions over sockets, for commands that may wait. */
#ifndef GATEWAY_DOCTOR_LOCAL_ASK_H
#define GATEWAY_DOCTOR_LOCAL_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/net_listen.h"

#define LOCAL_ANSWER_MAX 4096

/* GET of a listener on this machine, within five seconds: an HTTP status, and the whole
 * answer as text; 0 with errno where there was none. */
int local_ask(const struct net_listen *listen, const char *path,
	      char answer[LOCAL_ANSWER_MAX]);

/* Of a socket that does not block, until a time on the monotonic clock. False: errno. */
bool local_wait(int fd, short what, uint64_t deadline_us);
bool local_connect(int fd, const struct sockaddr *sa, socklen_t len,
		   uint64_t deadline_us);

#endif
