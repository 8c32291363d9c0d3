/* The listening sockets of a front, which may pause. */
#include "gateway/http/acceptor.h"

#include <errno.h>
#include <event2/listener.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/trouble.h"

#define BACKLOG 4096

struct acceptor_socket {
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
};

/* Of all listeners of this thread. The error callback's argument is evhttp's own, which
 * took the listener over, and leads to nothing of ours. */
static _Thread_local struct trouble faults;

/* Out of descriptors or memory: the listener would fire again at once. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	int error = errno;

	(void)arg;
	if (trouble_happened(&faults, clock_mono_us()))
		log_warn("accept failed: %s; trying again every %d s", strerror(error),
			 ACCEPTOR_RETRY_S);
	evconnlistener_disable(listener);
}

void acceptor_add(struct acceptor *a, struct evhttp *http, struct event_base *base,
		  int fd)
{
	struct evconnlistener *listener = evconnlistener_new(
		base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG,
		fd);
	struct acceptor_socket *s;

	CHECK(listener != NULL);
	a->sockets = xrealloc(a->sockets, (a->n + 1) * sizeof *a->sockets);
	s = &a->sockets[a->n++];
	s->http = http;
	s->bound = evhttp_bind_listener(http, listener);
	CHECK(s->bound != NULL);
	evconnlistener_set_error_cb(listener, on_accept_error);
}

void acceptor_pause(struct acceptor *a)
{
	a->paused = true;
	for (size_t i = 0; i < a->n; i++)
		evconnlistener_disable(
			evhttp_bound_socket_get_listener(a->sockets[i].bound));
}

void acceptor_resume(struct acceptor *a)
{
	a->paused = false;
	for (size_t i = 0; i < a->n; i++)
		evconnlistener_enable(
			evhttp_bound_socket_get_listener(a->sockets[i].bound));
}

void acceptor_close(struct acceptor *a)
{
	for (size_t i = 0; i < a->n; i++)
		evhttp_del_accept_socket(a->sockets[i].http, a->sockets[i].bound);
	free(a->sockets);
	*a = (struct acceptor){0};
}
