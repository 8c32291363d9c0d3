/* Lists of objects in JSON, as PostgreSQL writes them, turned into lines: CSV (RFC 4180,
 * which spreadsheets may open without running anything that stands in it), or JSON
 * itself. Numbers stay as they are written, whatever their size. Pure: any thread. */
#ifndef COMMON_JSON_ROWS_H
#define COMMON_JSON_ROWS_H

#include <stdbool.h>

#include "common/str.h"

#define JSON_ROWS_BOM "\xef\xbb\xbf" /* by which Excel knows UTF-8 */

/* The value of an object's member, as it is written. False: it has none. */
bool json_rows_member(struct str object, const char *name, struct str *value);
/* The next element of an array, from *at on, which is 0 before the first. False: there
 * is none. */
bool json_rows_next(struct str array, size_t *at, struct str *element);
/* Appends what a string means; of any other value what is written. */
void json_rows_text(struct sbuf *out, struct str value);

/* columns: names of members, NULL behind the last; "team.name" is a member of one. */
void json_rows_csv_head(struct sbuf *out, const char *const *columns);
/* null and what is not there are empty, numbers, true and false bare; all else is in
 * quotes, lists of texts with blanks between, and a text that a spreadsheet would take
 * for a formula has a ' before it. */
void json_rows_csv(struct sbuf *out, struct str object, const char *const *columns);

#endif
