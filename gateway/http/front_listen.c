/* A front's listeners: taking them over, pausing them, letting go of them. */
#include <errno.h>
#include <event2/listener.h>
#include <string.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/http/conn.h"

#define BACKLOG 4096
#define DRAIN_LISTEN_US 100000u /* accepting goes on for so long after a stop was asked */

void front_listen_again(struct http_front *f)
{
	if (f->draining || f->n_conns >= f->limits.connections)
		return;
	f->listening_paused = false;
	for (size_t i = 0; i < f->n_listeners; i++)
		evconnlistener_enable(
			evhttp_bound_socket_get_listener(f->listeners[i].bound));
}

void front_stop_listening(struct http_front *f)
{
	f->listening_paused = true;
	for (size_t i = 0; i < f->n_listeners; i++)
		evconnlistener_disable(
			evhttp_bound_socket_get_listener(f->listeners[i].bound));
}

/* Out of descriptors or memory: the listener would fire again at once. It pauses instead.
 * The argument is evhttp's own, which took the listener over. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	log_warn("accept failed: %s; trying again in %d s", strerror(errno),
		 FRONT_RELISTEN_S);
	evconnlistener_disable(listener);
}

void front_on_relisten(evutil_socket_t fd, short what, void *arg)
{
	struct http_front *f = arg;

	(void)fd;
	(void)what;
	OBJ_CHECK(f, FRONT_MAGIC);
	front_listen_again(f);
}

void http_front_listen(struct http_front *f, int fd, bool tls)
{
	struct evconnlistener *listener = evconnlistener_new(
		f->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
		BACKLOG, fd);
	struct front_listener *l;

	CHECK(listener != NULL && (!tls || f->tls != NULL));
	f->listeners =
		xrealloc(f->listeners, (f->n_listeners + 1) * sizeof *f->listeners);
	l = &f->listeners[f->n_listeners++];
	l->http = tls ? f->https : f->http;
	l->bound = evhttp_bind_listener(l->http, listener);
	CHECK(l->bound != NULL);
	evconnlistener_set_error_cb(listener, on_accept_error);
}

/* Connections that wait in a listener's queue were promised an answer: they are taken for
 * a while yet. Idle ones are asked to go by their next answer, since closing them now
 * could cross a request that is on its way (RFC 9112 9.6). */
void front_drain_tick(struct http_front *f, uint64_t now)
{
	if (!f->draining || now - f->drain_since_us < DRAIN_LISTEN_US)
		return;
	/* Out of epoll first, closed on the next tick: a socket that a service manager
	 * holds as well stays registered when it is closed before the loop has told
	 * epoll. */
	if (!f->listening_paused) {
		front_stop_listening(f);
		return;
	}
	for (size_t i = 0; i < f->n_listeners; i++)
		evhttp_del_accept_socket(f->listeners[i].http, f->listeners[i].bound);
	f->n_listeners = 0;
}
