/* What callers get wrong with a good key: sentences for a 401, which never quote it.
 *
 * Pure. */
#ifndef GATEWAY_PROXY_KEY_MISTAKE_H
#define GATEWAY_PROXY_KEY_MISTAKE_H

#include "gateway/proxy/credentials.h"

#define KEY_MISTAKE_MAX 160

/* Fills in what is wrong with one value that is no key. False: nothing that one could
 * tell. */
bool key_mistake_of(const struct credential *c, char out[KEY_MISTAKE_MAX]);
/* The same of a request in which no place holds one. */
bool key_mistake_of_none(const struct request_head *h, const struct credentials *c,
			 char out[KEY_MISTAKE_MAX]);

#endif
