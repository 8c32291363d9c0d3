/* The demo upstreams as a process. */
#include "gateway/dev/demo.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/demo_endpoints.h"
#include "gateway/dev/demo_mock.h"
#include "gateway/dev/demo_server.h"
#include "gateway/dev/say.h"

static void on_signal(evutil_socket_t signal_number, short what, void *base)
{
	(void)signal_number;
	(void)what;
	event_base_loopbreak(base);
}

static bool is_ignored(int signal_number)
{
	struct sigaction now;

	return sigaction(signal_number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

bool demo_run(const struct demo_addresses *listen,
	      void (*on_ready)(void *ctx, const struct demo_addresses *bound), void *ctx,
	      const char **why)
{
	struct event_base *base = event_base_new();
	struct demo_server *demo = NULL, *mock = NULL;
	struct event *term, *interrupt;
	struct demo_addresses bound;
	bool ok = false;
	int saved;

	CHECK(base != NULL);
	term = evsignal_new(base, SIGTERM, on_signal, base);
	interrupt = evsignal_new(base, SIGINT, on_signal, base);
	CHECK(term != NULL && interrupt != NULL && evsignal_add(term, NULL) == 0);
	if (!is_ignored(SIGINT))
		CHECK(evsignal_add(interrupt, NULL) == 0);
	*why = "the demo cannot listen";
	demo = demo_server_new(base, &listen->demo, demo_route, &bound.demo);
	if (demo == NULL)
		goto out;
	*why = "the mock cannot listen";
	mock = demo_server_new(base, &listen->mock, demo_mock_route, &bound.mock);
	if (mock == NULL)
		goto out;
	on_ready(ctx, &bound);
	event_base_dispatch(base);
	ok = true;
out:
	saved = errno;
	demo_server_free(&demo);
	demo_server_free(&mock);
	event_free(term);
	event_free(interrupt);
	event_base_free(base);
	errno = saved;
	return ok;
}

/* --- the child --- */

static void tell_parent(void *ctx, const struct demo_addresses *bound)
{
	int fd = *(int *)ctx;

	if (write(fd, bound, sizeof *bound) != (ssize_t)sizeof *bound)
		_exit(1);
	close(fd);
}

static void listen_on_free_port(struct net_listen *out)
{
	const char *why;

	CHECK(net_parse_listen(out, "127.0.0.1:0", &why));
}

/* The parent may be killed without a chance to clean up: the kernel ends the child
 * then. */
static void die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(1);
}

static _Noreturn void child_main(pid_t parent, int report_fd)
{
	struct demo_addresses listen;
	const char *why;
	sigset_t none;
	int fd = 3;

	die_with_parent(parent);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (dup2(report_fd, fd) != fd)
		_exit(1);
	close_range((unsigned)fd + 1, ~0u, 0);
	listen_on_free_port(&listen.demo);
	listen_on_free_port(&listen.mock);
	if (!demo_run(&listen, tell_parent, &fd, &why)) {
		fprintf(stderr, "tollgate dev: %s: %s\n", why, strerror(errno));
		_exit(1);
	}
	_exit(0);
}

bool demo_process_start(struct demo_process *p)
{
	pid_t parent = getpid();
	int fds[2];
	ssize_t n;

	fflush(NULL);
	CHECK(pipe(fds) == 0);
	p->pid = fork();
	if (p->pid < 0)
		complain("no process can be made: %s", strerror(errno));
	if (p->pid == 0)
		child_main(parent, fds[1]);
	close(fds[1]);
	do
		n = read(fds[0], &p->bound, sizeof p->bound);
	while (n < 0 && errno == EINTR);
	close(fds[0]);
	if (n == (ssize_t)sizeof p->bound)
		return true;
	demo_process_stop(p);
	return false;
}

void demo_process_stop(struct demo_process *p)
{
	if (p->pid <= 0)
		return;
	/* It holds nothing that could be lost. */
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	p->pid = 0;
}
