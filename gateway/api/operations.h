/* All that the manager answers. operations.def has a line for each. */
#ifndef GATEWAY_API_OPERATIONS_H
#define GATEWAY_API_OPERATIONS_H

#include <stddef.h>

#include "gateway/manager/call.h"

#define OPERATION(id, method, path, may, body) void api_##id(struct call *c);
#include "gateway/api/operations.def"
#undef OPERATION

/* Static. */
const struct operation *api_operations(size_t *n);

#endif
