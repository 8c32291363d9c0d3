/* Which fields the gateway adds to a request, changes and removes: names alone. */
#ifndef GATEWAY_API_EXPLAINED_HEADERS_H
#define GATEWAY_API_EXPLAINED_HEADERS_H

#include "gateway/proxy/forward_request.h"

struct cJSON;

/* {added, changed, removed, secret_missing}; the caller's. What is added is found by
 * writing the head for the upstream and comparing; it is wiped. f->ids may be NULL. */
struct cJSON *explained_headers(const struct forward_request *f);

#endif
