/* What a question may hold, checked, and as parameters. Pure. */
#ifndef GATEWAY_STATISTICS_QUESTION_FIELDS_H
#define GATEWAY_STATISTICS_QUESTION_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "2026-11-24", "2026-11-24T12:30[:15[.123456]]" (or with a space), then nothing, Z or an
 * offset like +05:30; a moment that there is, of the years 1970 to 2199. *has_offset
 * tells which. */
bool question_time_is_valid(const char *text, bool *has_offset);
/* It would be one if the blank before its offset were a +, as it may have been in a link
 * (application/x-www-form-urlencoded). */
bool question_time_lost_plus(const char *text);
/* An IANA name of one word, or in the shape of a longer one; not PostgreSQL's
 * abbreviations and POSIX shapes. Whether there is such a zone, PostgreSQL knows. */
bool question_zone_is_valid(const char *text);
/* "15m", "2h", "1d", "1w", "1mo", "1y" as an interval for PostgreSQL. The caller frees;
 * NULL: it is none, or not a multiple of 15 minutes. */
char *question_step(const char *text);
/* "2026-11-24T12:30:00.123456/42": cuts it in two. The caller frees both. */
bool question_place(const char *text, char **used_at, char **id);

/* An IPv4 or IPv6 address, or a network: 192.0.2.0/24. */
bool question_network_is_valid(const char *text);
/* When a UUIDv7 was made (RFC 9562, 5.7), in milliseconds since 1970. False: none. */
bool question_id_time(const char *text, int64_t *unix_ms);
/* "2026-11-24T12:30:00.123", UTC; unix_ms is not below 0. The caller frees. */
char *question_time_text(int64_t unix_ms);

/* Array literals (PostgreSQL manual, 8.15.2). The caller frees. */
char *question_ids_array(const int64_t *ids, size_t n);
char *question_texts_array(const char *const *texts, size_t n);

#endif
