/* The program's entry. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/version.h"

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

int main(int argc, char **argv)
{
	int status;

	/* Told so, libevent clears memory itself instead of calling calloc, which in
	 * glibc before 2.41 passes by the thread's cache of free pieces. */
	event_set_mem_functions(malloc, realloc, free);
	event_set_log_callback(on_libevent);
	event_set_fatal_callback(on_libevent_fatal);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 &&
	    (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0))
		status = cli_print_version();
	else
		status = cli_run(cli_root(), argc, argv);
	log_stop();
	return status;
}
