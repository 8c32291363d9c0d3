/* Text of others on a terminal: nothing in it commands the terminal, and how many columns
 * it takes is known. Pure: any thread. */
#ifndef GATEWAY_CLI_CLEAN_H
#define GATEWAY_CLI_CLEAN_H

#include "common/str.h"

/* Appends s with each control character (C0, DEL, C1), each that turns the direction of
 * writing or breaks a line, and each byte that is no UTF-8 shown as an escape: \x1b,
 * \u202e. */
void clean_text(struct sbuf *out, struct str s);
/* The same, but line ends stay: for messages of several lines. */
void clean_lines(struct sbuf *out, struct str s);
/* JSON, where such characters stand inside of strings alone: there \u009b says the
 * same. Its white space stays, and what only looks like JSON commands nothing either. */
void clean_json(struct sbuf *out, struct str s);

/* What a message may quote of an argument: itself, unless it may hold a secret. */
const char *cli_shown(const char *argument);

/* Columns of a terminal that well-formed UTF-8 takes: 2 for wide characters (UAX #11, of
 * Unicode 14), 0 for marks that combine with the one before. */
size_t clean_width(struct str s);
/* How many bytes of it take so many columns at most, whole characters with their
 * marks. */
size_t clean_cut(struct str s, size_t columns);

#endif
