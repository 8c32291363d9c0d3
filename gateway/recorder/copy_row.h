/* An event as one line of COPY's text format, and times as PostgreSQL reads them.
 * Pure. */
#ifndef GATEWAY_RECORDER_COPY_ROW_H
#define GATEWAY_RECORDER_COPY_ROW_H

#include <stdint.h>

#include "common/str.h"
#include "gateway/journal/event.h"

#define COPY_ROW_COLUMN(number, member, column, kind, width) column ", "
/* The column list that copy_row_add's lines belong to. */
#define COPY_ROW_COLUMNS USAGE_FIELDS(COPY_ROW_COLUMN) "node"

#define USAGE_TIME_TEXT_MAX 48

/* Appends the line with its newline. node is this node's name, cut at 255 bytes. The text
 * fields must be as usage_event_decode gives them: within their widths, clean UTF-8. */
void copy_row_add(struct sbuf *out, const struct usage_event *e, struct str node);

/* Appends one text field, escaped; NULL where s.p is. */
void copy_text_add(struct sbuf *out, struct str s);

/* Whole UTC days since 1970-01-01; rounds down before that too. */
int64_t usage_day_of(int64_t time_us);
/* "2026-11-24", UTC. */
void usage_day_text(char out[USAGE_TIME_TEXT_MAX], int64_t day);
/* "2026-11-24 06:52:28.123456", UTC; as in column used_at, a timestamp without time
 * zone. */
void usage_time_text(char out[USAGE_TIME_TEXT_MAX], int64_t time_us);

#endif
