/* What program this is. Main thread. */
#ifndef GATEWAY_CLI_VERSION_H
#define GATEWAY_CLI_VERSION_H

/* Prints version and commit, and the libraries as they are loaded, each on a line;
 * returns the exit status. */
int cli_print_version(void);

#endif
