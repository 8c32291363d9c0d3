/* Where standard output goes: a terminal, with what it can show, or a program. Main
 * thread. */
#ifndef GATEWAY_CLI_SCREEN_H
#define GATEWAY_CLI_SCREEN_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct screen {
	bool is_terminal; /* else a pipe or a file: what programs read */
	bool has_colours; /* a terminal, and NO_COLOR is not set (no-color.org) */
	bool has_blocks;  /* block elements of Unicode can be shown */
	size_t columns;   /* of a terminal; 80 where it does not tell */
};

struct screen screen_of_output(void);

/* A line of JSON on standard output. On a terminal what would command it is shown as
 * \u009b and such, which means the same. */
void screen_print_json_text(const char *text);
/* The same without a line end: a part of it. */
void screen_put_json(const char *text);
/* Prints and deletes it; wipes the text, which may hold a key. */
void screen_print_json(cJSON *json);

/* Behind the value of a field that is a time (..._at), on a terminal: " (4 min ago)". */
void screen_print_ago(const char *field, const char *value);

#endif
