/* `tollgate explain REQUEST_ID`: what became of a call. Main thread. */
#ifndef GATEWAY_CLI_EXPLAIN_CALL_H
#define GATEWAY_CLI_EXPLAIN_CALL_H

#include "gateway/cli/command.h"

/* From the database's row, else from the journal on this machine. Returns the exit
 * status. */
int explain_call(const struct cli_call *c, const char *request_id);

#endif
