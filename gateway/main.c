/* The program's entry: finds the subcommand and runs it. */
#include <event2/event.h>
#include <stdlib.h>

#include "gateway/cli/cli.h"

int main(int argc, char **argv)
{
	/* Told so, libevent clears memory itself instead of calling calloc, which in
	 * glibc before 2.41 passes by the thread's cache of free pieces. */
	event_set_mem_functions(malloc, realloc, free);
	return cli_run(argc, argv);
}
