/* The file that tells shells about a running `tollgate dev`. */
#ifndef GATEWAY_DEV_DEV_ENV_H
#define GATEWAY_DEV_DEV_ENV_H

#include <stdbool.h>

#include "common/str.h"

struct dev_env {
	const char *url, *manager_url; /* without a slash at the end */
	const char *key;               /* NULL: none */
	const char *admin_key;         /* of the manager; NULL: none */
	const char *database;
	const char *config;              /* the file, from the root on */
	const char *demo_url, *mock_url; /* where routes may lead (dev_routes.h) */
	bool live;
	long pid;
};

/* Lines NAME=value that a POSIX shell, docker --env-file and most dotenv readers take
 * alike: quoted only where a value needs it. Pure. */
void dev_env_format(struct sbuf *out, const struct dev_env *e);
/* One value as a shell word, in single quotes where needed (POSIX shell 2.2.2). Pure. */
void dev_env_quote(struct sbuf *out, const char *value);

#endif
