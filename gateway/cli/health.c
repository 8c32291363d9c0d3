/* `tollgate health`: asks a gateway on this machine whether it is ready, for health
 * checks of containers, which have no other client. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/net_listen.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/env_file.h"
#include "gateway/settings/settings.h"

#define REPORT_MAX (1u << 20)
#define ANSWER_MAX 4096
#define WAIT_MS 5000 /* for all of it, per address */

struct health_arguments {
	const char *config, *env, *address;
	struct env_file_list env_files;
	bool alive;
};

static const char help[] =
	"usage: tollgate health [--config FILE] [--env NAME] [--env-file FILE] [--alive]\n"
	"       tollgate health --address ADDRESS [--alive]\n\n"
	"Asks the gateway that runs on this machine for /ready: whether it can judge keys. Exit\n"
	"status 0 if so, 1 if not or if nobody answers within five seconds.\n\n"
	"  --config FILE       asks at the addresses of `listen`, until one answers\n"
	"  --env NAME          with the overlay of that name\n"
	"  --env-file FILE     variables, NAME=value a line; may be given again\n"
	"  --address ADDRESS   asks there: 127.0.0.1:8787, [::1]:8787 or unix:/path\n"
	"  --alive             asks for /health: whether the process answers\n" CLI_FILES_HELP;

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

static bool wait_for(int fd, short what, uint64_t deadline_us)
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

static bool connect_to(int fd, const struct net_listen *to, uint64_t deadline_us)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) == 0)
		return true;
	if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, deadline_us))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return false;
	errno = error;
	return error == 0;
}

/* Reads to the end; HTTP/1.0 has no other. */
static size_t read_answer(int fd, char answer[ANSWER_MAX], uint64_t deadline_us)
{
	size_t n = 0;
	ssize_t got;

	while (n < ANSWER_MAX - 1 && wait_for(fd, POLLIN, deadline_us)) {
		got = read(fd, answer + n, ANSWER_MAX - 1 - n);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	answer[n] = '\0';
	return n;
}

/* An HTTP status, or 0 with errno where there was no answer. */
static int ask(const struct net_listen *to, const char *path, char answer[ANSWER_MAX])
{
	static const char start[] = "HTTP/1.";
	uint64_t deadline_us = clock_mono_us() + WAIT_MS * UINT64_C(1000), status = 0;
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	char request[128];
	int n = snprintf(request, sizeof request,
			 "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);

	if (fd < 0)
		return 0;
	if (connect_to(fd, to, deadline_us) &&
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

/* 0 or 1, the exit status; -1: nobody is there. */
static int ask_one(const struct net_listen *listen, bool alive)
{
	struct net_listen to = reached_at(listen);
	char answer[ANSWER_MAX];
	const char *body;
	int status = ask(&to, alive ? "/health" : "/ready", answer);

	if (status == 0) {
		fprintf(stderr, "tollgate health: %s: %s\n", listen->text,
			strerror(errno));
		return -1;
	}
	body = strstr(answer, "\r\n\r\n");
	printf("%d %s\n", status, body != NULL ? body + 4 : "");
	return status == 200 ? 0 : 1;
}

static int ask_all(const struct settings *s, bool alive)
{
	for (size_t i = 0; i < s->listen.n; i++) {
		int status = ask_one(&s->listen.items[i], alive);

		if (status >= 0)
			return status;
	}
	return 1;
}

static int ask_configured(const struct health_arguments *a)
{
	struct env_file *variables = env_file_new();
	struct settings_options o = {
		.env = a->env,
		.allow_missing_secrets = true,
		.database_optional = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};
	struct settings *s = NULL;
	struct sbuf report;
	int status = 1;

	sbuf_init(&report, REPORT_MAX);
	if (env_file_list_read(&a->env_files, variables, &report))
		s = settings_load(a->config, &o, &report);
	if (s == NULL)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	else
		status = ask_all(s, a->alive);
	settings_unref(&s);
	env_file_free(&variables);
	sbuf_fini(&report);
	return status;
}

static int ask_address(const struct health_arguments *a)
{
	struct net_listen address;
	const char *why;

	if (net_parse_listen(&address, a->address, &why))
		return ask_one(&address, a->alive) == 0 ? 0 : 1;
	fprintf(stderr, "tollgate health: %s: %s\n", a->address, why);
	return 2;
}

static int usage(FILE *out, int status)
{
	fputs(help, out);
	return status;
}

int cli_health(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"env", required_argument, NULL, 'e'},
		{"env-file", required_argument, NULL, 'f'},
		{"address", required_argument, NULL, 'a'},
		{"alive", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0}};
	struct health_arguments a = {0};
	int opt;

	while ((opt = cli_next_option(argc, argv, options)) != -1) {
		if (opt == 'h')
			return usage(stdout, 0);
		if (opt == '?')
			return usage(stderr, 2);
		if (opt == 'f')
			env_file_list_add(&a.env_files, optarg);
		else if (opt == 'l')
			a.alive = true;
		else
			*(opt == 'c'   ? &a.config
			  : opt == 'e' ? &a.env
				       : &a.address) = optarg;
	}
	if (optind != argc || (a.address != NULL && a.config != NULL))
		return usage(stderr, 2);
	if (a.address != NULL)
		return ask_address(&a);
	cli_take_files(&a.config, &a.env_files);
	return a.config != NULL ? ask_configured(&a) : usage(stderr, 2);
}
