/* Which calls somebody watches: judged here, or as a query of GET /api/live. Pure. */
#ifndef GATEWAY_WATCH_WANTED_H
#define GATEWAY_WATCH_WANTED_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/journal/event.h"

struct watch_wanted {
	const char **tokens, **routes; /* ids, paths; none: any */
	size_t n_tokens, n_routes;
	int low, high;       /* of status; 0: any */
	const char *outcome; /* NULL: any */
};

/* "404" or "5xx"; false: it is neither. */
bool watch_read_status(struct watch_wanted *w, const char *text);
bool watch_fits(const struct watch_wanted *w, const struct usage_event *e);
/* Appends the parameters, encoded; nothing where any call is wanted. */
void watch_put_query(const struct watch_wanted *w, struct sbuf *query);

#endif
