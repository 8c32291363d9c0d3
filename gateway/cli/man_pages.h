/* Manual pages, of the same tables as --help and the configuration. Main thread.
 *
 * man(7) as groff and mandoc read it. */
#ifndef GATEWAY_CLI_MAN_PAGES_H
#define GATEWAY_CLI_MAN_PAGES_H

#include <stdio.h>

struct cli_command;

/* tollgate(1): every command below the root. */
void man_print_commands(FILE *out, const struct cli_command *root);
/* tollgate.json(5): every key. */
void man_print_settings(FILE *out);

#endif
