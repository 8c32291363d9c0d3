/* The dev.env of a `tollgate dev` that runs in this folder. Main thread. */
#ifndef GATEWAY_CLI_DEV_ENV_FILE_H
#define GATEWAY_CLI_DEV_ENV_FILE_H

#define CLI_DEV_ENV ".tollgate/dev.env"

/* Its path, CLI_DEV_ENV; NULL: there is none, it is another user's (who may have put it
 * there for somebody else to find), or what has written it runs no more. */
const char *cli_dev_env(void);
/* The configuration that it runs with, which the caller frees; NULL as above. */
char *cli_dev_config(void);

#endif
