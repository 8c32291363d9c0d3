/* The program's entry: the table of subcommands, and help. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/log.h"
#include "common/version.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"

static const struct cli_command commands[] = {
	{"serve", "run the gateway and the manager", cli_serve},
	{"dev", "run everything on this machine: PostgreSQL, demo upstreams, gateway",
	 cli_dev},
	{"demo", "run only the demo upstreams of `dev`, for tests", cli_demo},
	{"check", "check a configuration file and print every fault", cli_check},
	{"migrate", "create or update the database's tables", cli_migrate},
	{"token", "create, list, revoke and import API keys", cli_token},
	{"user", "the people who may sign in, and their keys", cli_user},
	{"team", "teams: what their tokens may be given, who belongs to them", cli_team},
	{"audit", "tell what was changed, and by whom", cli_audit},
	{"health", "ask a running gateway whether it is ready", cli_health},
	{"journal", "tell what a usage journal on disk holds", cli_journal},
	{"usage", "ask about usage; make up usage for tests", cli_usage},
};

static void print_help(FILE *out)
{
	fprintf(out,
		"tollgate %s: an API-key gateway with usage records\n\n"
		"usage: tollgate COMMAND [options]\n\n",
		TOLLGATE_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`tollgate COMMAND --help` tells a command's options.\n");
}

/* What libevent would print itself, from any thread, whoever reads. */
static void on_libevent(int severity, const char *message)
{
	char text[512];

	log_escape(text, sizeof text, str_of(message));
	log_write(severity >= EVENT_LOG_ERR ? LOG_ERROR : LOG_WARN, "libevent: %s", text);
}

static void on_libevent_fatal(int error)
{
	die("libevent cannot go on (error %d); see above", error);
}

static int run(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? 2 : 0;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		printf("tollgate %s\n", TOLLGATE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "tollgate: no command '%s'; `tollgate help` lists them\n",
		cli_shown(argv[1]));
	return 2;
}

int main(int argc, char **argv)
{
	int status;

	/* Told so, libevent clears memory itself instead of calling calloc, which in
	 * glibc before 2.41 passes by the thread's cache of free pieces. */
	event_set_mem_functions(malloc, realloc, free);
	event_set_log_callback(on_libevent);
	event_set_fatal_callback(on_libevent_fatal);
	signal(SIGPIPE, SIG_IGN);
	status = run(argc, argv);
	log_stop();
	return status;
}
