/* The dev.env of a `tollgate dev` that runs in this folder. Main thread. */
#ifndef GATEWAY_CLI_DEV_ENV_FILE_H
#define GATEWAY_CLI_DEV_ENV_FILE_H

#include "gateway/settings/env_file.h"

#define CLI_DEV_STATE ".tollgate"
#define CLI_DEV_ENV CLI_DEV_STATE "/dev.env"

/* Its path, CLI_DEV_ENV; NULL: there is none, it is another user's (who may have put it
 * there for somebody else to find), or what has written it runs no more. */
const char *cli_dev_env(void);
/* What it says (gateway/dev/dev_env.h), which env_file_free ends; NULL as above. */
struct env_file *cli_dev_variables(void);

#endif
