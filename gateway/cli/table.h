/* A table on standard output: for people on a terminal aligned, cut to its width, with
 * times as people say them; for programs columns of fixed widths and plain times. Main
 * thread. */
#ifndef GATEWAY_CLI_TABLE_H
#define GATEWAY_CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/cli/command.h"
#include "gateway/cli/screen.h"

enum table_kind {
	TABLE_TEXT,
	TABLE_NUMBER, /* right-aligned on a terminal */
	TABLE_TIME,   /* RFC 3339; on a terminal "4 min ago" */
	TABLE_BAR,    /* on a terminal alone: a share of 0 to 1, as a bar */
	TABLE_EXTRA,  /* text on a terminal alone */
	TABLE_EXTRA_TIME,
};

struct table_column {
	const char *title;
	enum table_kind kind;
	int width; /* for programs: at least so many bytes, then a space; the last: 0 */
};

enum table_paint { PAINT_NONE, PAINT_GOOD, PAINT_BAD, PAINT_DIM };

struct table;

#define TABLE_COLUMNS_MAX 16

/* The columns live as long as the table. */
struct table *table_new(const struct table_column *columns, size_t n);
/* The next cell, row by row; NULL or "": "-" (for programs nothing in the last one).
 * Control characters are shown as escapes. */
void table_add(struct table *t, const char *text);
void table_add_painted(struct table *t, const char *text, enum table_paint paint);
void table_add_number(struct table *t, double number);
void table_add_share(struct table *t, double share);
/* Prints what was added until now, and forgets it: what comes is aligned with it as far
 * as is known. */
void table_flush(struct table *t);
/* Prints and frees it; nothing but its head where no row was added. */
void table_print(struct table **t);
void table_free(struct table **t); /* what was flushed is printed */

/* Of a list of n items that is for people: where it is empty, says so (command->none, or
 * that the filters that were given let none through), and true: there is no table. False
 * for programs, which get its head. */
bool table_says_none(const struct cli_call *c, size_t n);

/* "1,234,567", "0.25"; for tables on a terminal. */
#define TABLE_NUMBER_MAX 48
void table_number_text(char out[TABLE_NUMBER_MAX], double number);
/* Of `width` columns: eighths of a block, or '#'. */
void table_bar(struct sbuf *out, double share, size_t width, bool has_blocks);

#endif
