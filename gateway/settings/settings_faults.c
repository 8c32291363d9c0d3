/* Errors and warnings about one configuration file, collected, then written in its
 * order. */
#include "gateway/settings/settings_faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"

#define FAULT_MAX 1000 /* bytes of a message; a key's name is as long as somebody likes */

struct settings_fault {
	struct jsonc_pos pos;
	size_t order; /* of arrival, among those of one place */
	bool error;
	char *text;
};

/* Bytes of the character at p that can stand in a message as they are; 0: none. Half a
 * character is what a precision in a format leaves. */
static size_t printable(const char *p)
{
	unsigned char c = (unsigned char)*p;
	size_t n = c < 0x80   ? 1
		   : c < 0xc2 ? 0
		   : c < 0xe0 ? 2
		   : c < 0xf0 ? 3
		   : c < 0xf5 ? 4
			      : 0;

	if (c < 0x20 || c == 0x7f)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Controls as \xNN, and cut after FAULT_MAX bytes. */
static char *tidy(const char *text)
{
	char *out = xmalloc(FAULT_MAX + 16), *to = out;
	size_t n;

	for (const char *p = text; *p != '\0'; p += n ? n : 1) {
		n = printable(p);
		if (to - out > FAULT_MAX) {
			memcpy(to, "...", 3);
			to += 3;
			break;
		}
		if (n != 0)
			memcpy(to, p, n);
		else
			snprintf(to, 5, "\\x%02x", (unsigned char)*p);
		to += n ? n : 4;
	}
	*to = '\0';
	return out;
}

static void add(struct settings_faults *f, bool error, struct jsonc_pos pos, char *text)
{
	f->errors += error;
	if (f->n == SETTINGS_FAULTS_MAX) {
		f->dropped++;
		free(text);
		return;
	}
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 8;
		f->items = xrealloc(f->items, f->room * sizeof *f->items);
	}
	f->items[f->n] = (struct settings_fault){pos, f->n, error, tidy(text)};
	f->n++;
	free(text);
}

static char *format_text(const char *format, va_list ap)
{
	char *text = NULL;
	int n = vasprintf(&text, format, ap);

	CHECK(n >= 0);
	return text;
}

void faults_error(struct settings_faults *f, struct jsonc_pos pos, const char *format,
		  ...)
{
	va_list ap;

	va_start(ap, format);
	add(f, true, pos, format_text(format, ap));
	va_end(ap);
}

void faults_warn(struct settings_faults *f, struct jsonc_pos pos, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(f, false, pos, format_text(format, ap));
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct settings_fault *x = a, *y = b;

	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	if (x->pos.column != y->pos.column)
		return x->pos.column < y->pos.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void faults_write(struct settings_faults *f, const char *file, struct sbuf *report)
{
	if (f->n != 0)
		qsort(f->items, f->n, sizeof *f->items, by_place);
	for (size_t i = 0; i < f->n; i++) {
		struct settings_fault *item = &f->items[i];
		const char *kind = item->error ? "error" : "warning";

		if (item->pos.line == 0)
			sbuf_printf(report, "%s: %s: %s\n", file, kind, item->text);
		else
			sbuf_printf(report, "%s:%u:%u: %s: %s\n", file, item->pos.line,
				    item->pos.column, kind, item->text);
		free(item->text);
	}
	if (f->dropped != 0)
		sbuf_printf(report,
			    "%s: error: %zu more faults; correct the first ones\n", file,
			    f->dropped);
	free(f->items);
	*f = (struct settings_faults){0};
}
