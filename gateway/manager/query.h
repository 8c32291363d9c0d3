/* The parameters of a request's query, read strictly
 * (application/x-www-form-urlencoded, URL standard 5.1).
 *
 * Pure; any thread. */
#ifndef GATEWAY_MANAGER_QUERY_H
#define GATEWAY_MANAGER_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"
#include "gateway/manager/input_faults.h"

#define QUERY_PARAMETERS_MAX 128

struct query {
	struct query_item {
		const char *name; /* of those that are known */
		char *value;      /* decoded: UTF-8 without controls */
	} items[QUERY_PARAMETERS_MAX];
	size_t n;
};

#define QUERY_OTHERS "*"

/* known: the names that the operation has, NULL at the end; they outlive the query. One
 * that ends with * ("route*") may come several times; with QUERY_OTHERS among them, what
 * others send along is passed over. Else a name that it does not have, one
 * that comes twice, a broken %XX, what is no UTF-8 and control characters are faults.
 * Parameters without a fault are there after all. query_fini after it. */
void query_read(struct query *q, struct str text, const char *const *known,
		struct input_faults *faults);
void query_fini(struct query *q);

/* Percent-decodes a text that must be UTF-8 without controls; is_form: + is a blank. The
 * caller frees it. NULL: *why says what is wrong and what to do. */
char *query_decode(struct str text, bool is_form, const char **why);

/* NULL: it is not there. The first, of one that may come several times; names are without
 * the *. */
const char *query_get(const struct query *q, const char *name);
/* All of one that may come several times, as they came; how many there are. */
size_t query_all(const struct query *q, const char *name,
		 const char *values[QUERY_PARAMETERS_MAX]);

#endif
