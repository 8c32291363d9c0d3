/* An event of a journal as JSON. Pure. */
#ifndef GATEWAY_CLI_JOURNAL_EVENT_H
#define GATEWAY_CLI_JOURNAL_EVENT_H

#include <cjson/cJSON.h>

#include "gateway/journal/event.h"

/* Its fields, by their columns' names; those that it lacks are left out. */
void journal_event_add(cJSON *line, const struct usage_event *e);
/* A text of a file, which may hold anything. */
void journal_event_add_text(cJSON *line, const char *name, struct str s);

#endif
