/* A request's path as it may be seen, in a log or in an answer. Pure. */
#ifndef GATEWAY_PROXY_SHOWN_PATH_H
#define GATEWAY_PROXY_SHOWN_PATH_H

#include "common/str.h"

/* Cut, escaped, and without a key; `key` is the caller's, or empty. */
void shown_path(char *out, size_t size, struct str path, struct str key);

#endif
