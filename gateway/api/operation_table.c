/* All that the manager answers. */
#include "gateway/api/operations.h"

#include "common/check.h"

static const struct operation operations[] = {
#define OPERATION(id, method, path, may, body)                                           \
	{#id, HTTP_##method, path, MAY_##may, BODY_##body, api_##id},
#include "gateway/api/operations.def"
#undef OPERATION
};

const struct operation *api_operations(size_t *n)
{
	*n = ARRAY_LEN(operations);
	return operations;
}
