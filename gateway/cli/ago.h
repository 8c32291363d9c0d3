/* Times as people say them: "4 min ago", "in 3 days". Pure: any thread. */
#ifndef GATEWAY_CLI_AGO_H
#define GATEWAY_CLI_AGO_H

#include <stdbool.h>
#include <stdint.h>

#define AGO_MAX 32

/* How long `then` is before `now` or behind it, both in seconds since 1970. Rounded down:
 * what is said to be 2 days ago is no younger. */
void ago_text(char out[AGO_MAX], int64_t then, int64_t now);
/* Seconds since 1970 of "2026-11-24T12:30:00[.123456]" with Z or an offset (RFC 3339; a
 * space for the T, and no offset, which is UTC, are fine too). False: it is none. */
bool ago_parse(const char *text, int64_t *then);

#endif
