/* What the demo's endpoints share: paths, query parameters, JSON strings. Pure. */
#ifndef GATEWAY_DEV_DEMO_UTIL_H
#define GATEWAY_DEV_DEMO_UTIL_H

#include "common/str.h"

/* Whether some segment border of path is followed by exactly name ("/upload"), or, where
 * *number is given, by name and a decimal number ("/status/418"). So a demo works behind
 * a route that strips its prefix as well as behind one that keeps it. */
bool demo_path_is(struct str path, struct str name, uint64_t *number);

/* The value of name=NUMBER in a query; fallback where it is absent or no number. */
uint64_t demo_query_u64(struct str query, struct str name, uint64_t fallback);

/* Appends s as a JSON string, quotes included. Bytes from 0x7f up become \u00XX (fields
 * of HTTP have no declared encoding; RFC 9110 5.5), so the result is ASCII whatever s
 * holds. */
void demo_json_string(struct sbuf *out, struct str s);

#endif
