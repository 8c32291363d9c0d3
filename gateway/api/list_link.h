/* Links to the next pages of lists. Pure; any thread. */
#ifndef GATEWAY_API_LIST_LINK_H
#define GATEWAY_API_LIST_LINK_H

#include "common/str.h"
#include "gateway/manager/query.h"

/* Appends `path` with the parameters of the query, encoded, all but `after`, and ends
 * with "after=": a place in the list is to follow. */
void list_link_put(struct sbuf *out, struct str path, const struct query *query);

#endif
