/* What lists take as parameters, and links to their next pages. Pure; any thread. */
#ifndef GATEWAY_API_LIST_LINK_H
#define GATEWAY_API_LIST_LINK_H

#include "common/str.h"
#include "gateway/http/request_head.h"
#include "gateway/manager/query.h"

#define LIST_TEXT_MAX 255 /* characters of a filter's value */
/* A link: what a request line holds, each byte of it encoded. */
#define LIST_LINK_MAX (4u * REQUEST_LINE_MAX)

/* Values, of all but `after`, that are longer than anything that could be found are
 * faults. */
void list_check_lengths(const struct query *query, struct input_faults *faults);

/* Appends a parameter's value, encoded (RFC 3986 2.3; of 3.4, / : and , stay). */
void list_link_value(struct sbuf *out, const char *value);
/* Appends `path` with the parameters of the query, encoded, all but `after`, and ends
 * with "after=": a place in the list is to follow. LIST_LINK_MAX has room for it. */
void list_link_put(struct sbuf *out, struct str path, const struct query *query);

#endif
