/* The URL of an upstream: http(s)://host[:port][/path], RFC 3986, and nothing else in
 * it. */
#ifndef GATEWAY_SETTINGS_UPSTREAM_URL_H
#define GATEWAY_SETTINGS_UPSTREAM_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define UPSTREAM_HOST_MAX 253 /* bytes of a name, RFC 1035 */
#define UPSTREAM_PATH_MAX 512

struct upstream_url {
	bool tls, ipv6;
	uint16_t port;                    /* the scheme's own where the URL has none */
	char host[UPSTREAM_HOST_MAX + 1]; /* lower case, without brackets */
	char path[UPSTREAM_PATH_MAX + 1]; /* "" or "/v1"; a slash at the end is cut */
};

/* Pure. False: *why is a static "what is wrong; what to do". */
bool upstream_url_parse(struct upstream_url *out, struct str text, const char **why);

#endif
