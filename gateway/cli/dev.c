/* `tollgate dev`: runs everything on this machine. */
#include "gateway/cli/cli.h"
#include "gateway/cli/dev_options.h"

int cli_dev(int argc, char **argv)
{
	struct dev_options o;

	switch (dev_options_parse(&o, argc, argv)) {
	case DEV_RUN:
		return dev_run(&o);
	case DEV_HELP:
		return 0;
	case DEV_USAGE:
		break;
	}
	return 2;
}
