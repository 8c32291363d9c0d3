/* Which operation a request is for.
 *
 * Pure; any thread. Paths are those of RFC 3986 3.3, compared segment by segment. */
#ifndef GATEWAY_MANAGER_OPERATION_FIND_H
#define GATEWAY_MANAGER_OPERATION_FIND_H

#include "common/str.h"
#include "gateway/manager/operation.h"

#define OPERATION_VALUES_MAX 3 /* {name}s of a path */
#define OPERATION_VALUE_BYTES 256

struct operation_match {
	const struct operation *operation; /* NULL: none; allow: methods of the path */
	uint32_t allow;
	struct operation_value {
		struct str name; /* in operation->path */
		char text[OPERATION_VALUE_BYTES];
	} values[OPERATION_VALUES_MAX];
	size_t n_values;
};

/* A segment that is too long, or no UTF-8 without controls once decoded, is no value. */
void operation_find(const struct operation *table, size_t n, struct str path,
		    enum http_method method, struct operation_match *match);

#endif
