/* An event as the JSON that GET /api/usage/logs has of its row (usage_row_json in
 * migrations/functions), before there is a row: its id is null.
 *
 * Pure. */
#ifndef GATEWAY_JOURNAL_EVENT_JSON_H
#define GATEWAY_JOURNAL_EVENT_JSON_H

#include "gateway/journal/event.h"

#define EVENT_JSON_MAX (64u * 1024) /* more than any event takes */

/* On one line. name and node: p NULL: not known. */
void usage_event_put_json(struct sbuf *out, const struct usage_event *e, struct str name,
			  struct str node);
/* Text as a JSON string, quotes included; clean UTF-8 (usage_text_clean). p NULL:
 * null. */
void usage_put_json_text(struct sbuf *out, struct str s);

#endif
