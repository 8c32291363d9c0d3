/* A table on standard output. */
#include "gateway/cli/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/cli/ago.h"
#include "gateway/cli/clean.h"

#define GAP 2 /* columns between two of a terminal */
#define BAR_WIDTH 16
#define CUT_LEAST 12 /* no column is cut below that */
#define CELL_MAX (1u << 20)

struct cell {
	char *text; /* cleaned */
	enum table_paint paint;
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct screen screen;
	int64_t now;
	struct cell *cells;
	size_t n, room;
	size_t widths[TABLE_COLUMNS_MAX];
	bool has_head; /* it is printed */
};

static bool is_extra(enum table_kind kind)
{
	return kind == TABLE_BAR || kind == TABLE_EXTRA || kind == TABLE_EXTRA_TIME;
}

static const struct table_column *next_column(const struct table *t)
{
	return &t->columns[t->n % t->n_columns];
}

struct table *table_new(const struct table_column *columns, size_t n)
{
	struct table *t = xcalloc(1, sizeof *t);

	CHECK(n > 0 && n <= TABLE_COLUMNS_MAX);
	*t = (struct table){.columns = columns,
			    .n_columns = n,
			    .screen = screen_of_output(),
			    .now = time(NULL)};
	return t;
}

/* --- cells --- */

static void put(struct table *t, char *text, enum table_paint paint)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->cells = xrealloc(t->cells, t->room * sizeof *t->cells);
	}
	t->cells[t->n++] = (struct cell){text, paint};
}

static char *time_text(const struct table *t, const char *text)
{
	char words[AGO_MAX];
	int64_t then;

	if (!ago_parse(text, &then))
		return xstrdup(text);
	ago_text(words, then, t->now);
	return xstrdup(words);
}

static char *cleaned(const char *text)
{
	struct sbuf out;
	char *copy;

	sbuf_init(&out, CELL_MAX);
	clean_text(&out, str_of(text));
	copy = xstrdup(out.overflow ? "?" : sbuf_text(&out));
	sbuf_fini(&out);
	return copy;
}

void table_add_painted(struct table *t, const char *text, enum table_paint paint)
{
	enum table_kind kind = next_column(t)->kind;
	bool is_time = kind == TABLE_TIME || kind == TABLE_EXTRA_TIME;

	if (text == NULL || *text == '\0')
		put(t, xstrdup("-"), paint);
	else if (is_time && t->screen.is_terminal)
		put(t, time_text(t, text), paint);
	else
		put(t, cleaned(text), paint);
}

void table_add(struct table *t, const char *text)
{
	table_add_painted(t, text, PAINT_NONE);
}

void table_number_text(char out[TABLE_NUMBER_MAX], double number)
{
	char digits[TABLE_NUMBER_MAX];
	bool is_whole = fabs(number) < 1e15 && number == floor(number);
	size_t n, put_in = 0, whole;

	snprintf(digits, sizeof digits, is_whole ? "%.0f" : "%.6g", number);
	n = strlen(digits);
	whole = is_whole ? n : 0;
	for (size_t i = 0; i < n && put_in < TABLE_NUMBER_MAX - 2; i++) {
		if (i > 0 && i < whole && (whole - i) % 3 == 0 && digits[i - 1] != '-')
			out[put_in++] = ',';
		out[put_in++] = digits[i];
	}
	out[put_in] = '\0';
}

void table_add_number(struct table *t, double number)
{
	char text[TABLE_NUMBER_MAX];

	if (t->screen.is_terminal)
		table_number_text(text, number);
	else
		snprintf(text, sizeof text, "%.15g", number);
	put(t, xstrdup(isnan(number) ? "-" : text), PAINT_NONE);
}

void table_bar(struct sbuf *out, double share, size_t width, bool has_blocks)
{
	/* U+2588 and the seven eighths below it, from U+2589 on. */
	double all = (share < 0 ? 0 : share > 1 ? 1 : share) * (double)width * 8;
	size_t eighths = (size_t)(all + 0.5);

	if (eighths == 0 && share > 0)
		eighths = 1; /* little is not nothing */
	if (!has_blocks)
		eighths = (eighths + 7) / 8 * 8;
	for (; eighths >= 8; eighths -= 8)
		sbuf_str(out, has_blocks ? STR("\xe2\x96\x88") : STR("#"));
	if (eighths > 0) {
		const char part[3] = {'\xe2', '\x96', (char)(0x90 - eighths)};

		sbuf_add(out, part, sizeof part);
	}
}

void table_add_share(struct table *t, double share)
{
	struct sbuf bar;

	sbuf_init(&bar, 256);
	if (!isnan(share))
		table_bar(&bar, share, BAR_WIDTH, t->screen.has_blocks);
	put(t, xstrdup(sbuf_text(&bar)), PAINT_NONE);
	sbuf_fini(&bar);
}

/* --- for programs --- */

static void print_plain_cell(const struct table *t, size_t column, const char *text,
			     size_t last)
{
	if (is_extra(t->columns[column].kind))
		return;
	if (column == last)
		printf("%s\n", strcmp(text, "-") == 0 ? "" : text);
	else
		printf("%-*s ", t->columns[column].width, text);
}

static void print_plain(const struct table *t)
{
	size_t last = t->n_columns - 1;

	while (is_extra(t->columns[last].kind))
		last--;
	for (size_t i = 0; i < t->n_columns && !t->has_head; i++)
		print_plain_cell(t, i, t->columns[i].title, last);
	for (size_t i = 0; i < t->n; i++)
		print_plain_cell(t, i % t->n_columns, t->cells[i].text, last);
}

/* --- for people --- */

static size_t width_of_text(const char *text)
{
	return clean_width(str_of(text));
}

static void measure(struct table *t)
{
	size_t whole = 0, widest;

	for (size_t i = 0; i < t->n_columns && !t->has_head; i++)
		t->widths[i] = width_of_text(t->columns[i].title);
	for (size_t i = 0; i < t->n; i++) {
		size_t width = width_of_text(t->cells[i].text);

		if (width > t->widths[i % t->n_columns])
			t->widths[i % t->n_columns] = width;
	}
	for (size_t i = 0; i < t->n_columns; i++)
		whole += t->widths[i] + (i > 0 ? GAP : 0);
	for (; whole > t->screen.columns; whole--) {
		widest = t->n_columns;
		for (size_t i = 0; i < t->n_columns; i++)
			if ((t->columns[i].kind == TABLE_TEXT ||
			     t->columns[i].kind == TABLE_EXTRA) &&
			    t->widths[i] > CUT_LEAST &&
			    (widest == t->n_columns || t->widths[i] >= t->widths[widest]))
				widest = i;
		if (widest == t->n_columns)
			return;
		t->widths[widest]--;
	}
}

static const char *paint_of(const struct table *t, enum table_paint paint)
{
	if (!t->screen.has_colours)
		return "";
	switch (paint) {
	case PAINT_NONE:
		return "";
	case PAINT_GOOD:
		return "\x1b[32m";
	case PAINT_BAD:
		return "\x1b[31m";
	case PAINT_DIM:
		return "\x1b[2m";
	}
	return "";
}

static void print_cell(const struct table *t, size_t column, const char *text,
		       const char *paint)
{
	size_t width = width_of_text(text), room = t->widths[column];
	size_t n = strlen(text);
	bool is_last = column + 1 == t->n_columns, is_cut = width > room;
	size_t pad;

	if (is_cut) {
		n = clean_cut(str_of(text), room - 1);
		width = clean_width((struct str){text, n}) + 1;
	}
	pad = room - width;
	if (t->columns[column].kind == TABLE_NUMBER)
		printf("%*s", (int)pad, "");
	printf("%s%.*s%s%s", paint, (int)n, text,
	       is_cut ? t->screen.has_blocks ? "\xe2\x80\xa6" : "~" : "",
	       *paint ? "\x1b[0m" : "");
	if (is_last)
		putchar('\n');
	else
		printf("%*s",
		       GAP + (int)(t->columns[column].kind == TABLE_NUMBER ? 0 : pad),
		       "");
}

static void print_aligned(struct table *t)
{
	measure(t);
	for (size_t i = 0; i < t->n_columns && !t->has_head; i++)
		print_cell(t, i, t->columns[i].title,
			   t->screen.has_colours ? "\x1b[1m" : "");
	for (size_t i = 0; i < t->n; i++)
		print_cell(t, i % t->n_columns, t->cells[i].text,
			   paint_of(t, t->cells[i].paint));
}

void table_flush(struct table *t)
{
	CHECK(t->n % t->n_columns == 0);
	if (t->screen.is_terminal)
		print_aligned(t);
	else
		print_plain(t);
	t->has_head = true;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	t->n = 0;
}

void table_free(struct table **t)
{
	for (size_t i = 0; i < (*t)->n; i++)
		free((*t)->cells[i].text);
	free((*t)->cells);
	free(*t);
	*t = NULL;
}

void table_print(struct table **t)
{
	table_flush(*t);
	table_free(t);
}

/* --- none --- */

/* What was given for a command's own option bounds its list, unless it only says how to
 * tell it. */
static bool is_filter(const char *option)
{
	static const char *const others[] = {
		"sort", "limit", "all",     "full",        "zone",
		"step", "sql",   "compare", "percentiles", "scopes",
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(option, others[i]) == 0)
			return false;
	return true;
}

static bool is_filtered(const struct cli_call *c)
{
	const struct cli_option *o = c->command->options;

	for (; o != NULL && o->name != NULL; o++)
		if (is_filter(o->name) && cli_has(c, o->name))
			return true;
	return false;
}

bool table_says_none(const struct cli_call *c, size_t n)
{
	CHECK(c->command->none != NULL);
	if (n > 0 || !screen_of_output().is_terminal)
		return false;
	puts(is_filtered(c) ? "none matches these filters" : c->command->none);
	return true;
}
