/* The listening sockets of a front, which may pause. One thread. */
#ifndef GATEWAY_HTTP_ACCEPTOR_H
#define GATEWAY_HTTP_ACCEPTOR_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdbool.h>

#define ACCEPTOR_RETRY_S 1 /* acceptor_resume is called so often, where it may */

struct acceptor_socket;

/* All zero: none. */
struct acceptor {
	struct acceptor_socket *sockets;
	size_t n;
	bool paused;
};

/* Takes the listening socket fd (non-blocking) over; http gets its connections. */
void acceptor_add(struct acceptor *a, struct evhttp *http, struct event_base *base,
		  int fd);
void acceptor_pause(struct acceptor *a);
/* Also those that have paused by themselves, since descriptors or memory had run out. */
void acceptor_resume(struct acceptor *a);
/* Closes all. Not in the turn of the loop that paused them: a socket that a service
 * manager holds as well stays registered when it is closed before the loop has told
 * epoll. */
void acceptor_close(struct acceptor *a);

#endif
