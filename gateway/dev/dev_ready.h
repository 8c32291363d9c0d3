/* What `tollgate dev` tells when all runs: for people, and for shells. */
#ifndef GATEWAY_DEV_DEV_READY_H
#define GATEWAY_DEV_DEV_READY_H

#include "gateway/dev/dev_env.h"
#include "gateway/dev/dev_routes.h"
#include "gateway/run/listeners.h"

#define DEV_URL_MAX 160

/* Where calls go: "http://127.0.0.1:8787", of the first address that a URL can name. */
struct dev_urls {
	char gateway[DEV_URL_MAX], manager[DEV_URL_MAX];
};
void dev_urls_of(struct dev_urls *out, const struct run_addresses *a);

struct dev_ready {
	const struct run_addresses *addresses;
	const struct settings *settings;
	const struct dev_routes *routes;
	/* As its user names it: a path for shells. */
	const char *env_file;
	/* Of a link for a browser; NULL: none. */
	const char *sign_in_code;
	struct dev_env env;
};

/* On standard output: where each route leads. */
void dev_ready_print_routes(const struct settings *s, const struct dev_routes *routes);
/* On standard output: where it listens, the pages with a link to sign in, the key, where
 * routes lead, calls to try. */
void dev_ready_print(const struct dev_ready *r);
/* Writes the file for shells to path, mode 0600. False: it complained. */
bool dev_ready_write_env(const struct dev_ready *r, const char *path);

#endif
