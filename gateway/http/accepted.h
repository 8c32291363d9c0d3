/* What a client says that it accepts: lists with qualities (RFC 9110 12.4, 12.5).
 *
 * Pure. */
#ifndef GATEWAY_HTTP_ACCEPTED_H
#define GATEWAY_HTTP_ACCEPTED_H

#include "gateway/http/request_head.h"

enum accepted {
	ACCEPTED_UNNAMED, /* the item is in no list of that field */
	ACCEPTED_NO,      /* with a quality of 0 */
	ACCEPTED_YES,
};

/* field, in lower case, and item are compared whatever their case; wildcards are items
 * like others. The first that is named counts. */
enum accepted accepted_item(const struct request_head *h, struct str field,
			    struct str item);

#endif
