/* The program's entry: finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "gateway/cli/cli.h"

int main(int argc, char **argv)
{
	return cli_run(argc, argv);
}
