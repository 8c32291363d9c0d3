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
#include "gateway/cli/clean.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/env_file.h"
#include "gateway/settings/settings.h"

#define REPORT_MAX (1u << 20)
#define ANSWER_MAX 4096
#define WAIT_MS 5000 /* for all of it, per address */

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

static int ask_configured(const struct cli_config *files, bool alive)
{
	struct env_file *variables = env_file_new();
	struct settings_options o = {
		.env = files->env,
		.allow_missing_secrets = true,
		.database_optional = true,
		.variable = env_file_variable,
		.variable_ctx = variables,
	};
	struct settings *s = NULL;
	struct sbuf report;
	int status = 1;

	sbuf_init(&report, REPORT_MAX);
	if (env_file_list_read(&files->env_files, variables, &report))
		s = settings_load(files->config, &o, &report);
	if (s == NULL)
		fprintf(stderr, STR_FMT, STR_ARG(sbuf_view(&report)));
	else
		status = ask_all(s, alive);
	settings_unref(&s);
	env_file_free(&variables);
	sbuf_fini(&report);
	return status;
}

static int ask_address(const struct cli_call *c, const char *text)
{
	struct net_listen address;
	const char *why;

	if (net_parse_listen(&address, text, &why))
		return ask_one(&address, cli_has(c, "alive")) == 0 ? 0 : 1;
	return cli_usage_error(c, "--address %s: %s", cli_shown(text), why);
}

static int run(const struct cli_call *c)
{
	const char *address = cli_text(c, "address");
	struct cli_config files;

	if (address != NULL && cli_has(c, "config"))
		return cli_usage_error(c, "--address or --config, not both");
	if (address != NULL)
		return ask_address(c, address);
	files = cli_config_of(c);
	return files.config != NULL ? ask_configured(&files, cli_has(c, "alive"))
				    : cli_no_config(c);
}

const struct cli_command *cli_health(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION(
			"address", CLI_TEXT, "ADDRESS",
			"ask there: 127.0.0.1:8787, [::1]:8787 or unix:/path; without it, at the "
			"addresses of `listen`, until one answers"),
		CLI_OPTION("alive", CLI_FLAG, NULL,
			   "ask for /health: whether the process answers"),
		{0},
	};
	static const struct cli_command command = {
		.name = "health",
		.summary = "ask a running gateway whether it is ready",
		.text = "Asks the gateway that runs on this machine for /ready: whether it "
			"can judge keys.",
		.options = options,
		.shares = CLI_TAKES_CONFIG,
		.examples = {"tollgate health --config tollgate.json",
			     "tollgate health --address 127.0.0.1:8787 --alive"},
		.fails = "if it is not ready, or nobody answers within five seconds",
		.run = run,
	};

	return &command;
}
