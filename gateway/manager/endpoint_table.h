/* Where the manager's endpoints are, and who may call them. */
#ifndef GATEWAY_MANAGER_ENDPOINT_TABLE_H
#define GATEWAY_MANAGER_ENDPOINT_TABLE_H

#include <stddef.h>

#include "gateway/manager/call.h"

/* All of them; static. */
const struct endpoint *manager_endpoints(size_t *n);

#endif
