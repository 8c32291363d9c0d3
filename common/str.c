/* Strings with a length, and a growing buffer with a mandatory cap. */
#include "common/str.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/check.h"

static inline unsigned char ascii_lower(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') ? (unsigned char)(c | 0x20) : c;
}

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower((unsigned char)a.p[i]) !=
		    ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

bool str_has_prefix(struct str s, struct str prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

struct str str_trim(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

bool str_copy(char *out, size_t room, struct str s)
{
	bool fits = s.n < room && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL);

	CHECK(room > 0);
	if (fits && s.n > 0)
		memcpy(out, s.p, s.n);
	out[fits ? s.n : 0] = '\0';
	return fits;
}

bool str_list_next(struct str *list, struct str *item)
{
	while (list->n) {
		const char *comma = memchr(list->p, ',', list->n);
		size_t n = comma ? (size_t)(comma - list->p) : list->n;
		size_t skip = comma ? n + 1 : n;

		*item = str_trim((struct str){list->p, n});
		list->p += skip;
		list->n -= skip;
		if (item->n)
			return true;
	}
	return false;
}

void hex_encode(char *out, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(void *out, size_t n, struct str text)
{
	unsigned char *b = out;

	if (text.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(text.p[2 * i]), lo = hex_value(text.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		b[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}

void sbuf_init(struct sbuf *b, size_t cap)
{
	*b = (struct sbuf){.cap = cap};
}

void sbuf_fini(struct sbuf *b)
{
	free(b->p);
	*b = (struct sbuf){0};
}

char *sbuf_reserve(struct sbuf *b, size_t n)
{
	size_t need = b->n + n, room = b->room ? b->room : 256;

	CHECK(b->cap != 0);
	if (b->overflow || n > b->cap || need > b->cap) {
		b->overflow = true;
		return NULL;
	}
	if (need > b->room) {
		while (room < need)
			room *= 2;
		if (room > b->cap)
			room = b->cap;
		b->p = xrealloc(b->p, room);
		b->room = room;
	}
	return b->p + b->n;
}

const char *sbuf_text(struct sbuf *b)
{
	CHECK(!b->overflow);
	if (b->n == b->room)
		b->p = xrealloc(b->p, ++b->room);
	b->p[b->n] = '\0';
	return b->p;
}

void sbuf_add(struct sbuf *b, const void *bytes, size_t n)
{
	char *to = sbuf_reserve(b, n);

	if (to == NULL || n == 0)
		return;
	memcpy(to, bytes, n);
	b->n += n;
}

void sbuf_u64(struct sbuf *b, uint64_t v)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	sbuf_add(b, digits + i, sizeof digits - i);
}

void sbuf_vprintf(struct sbuf *b, const char *format, va_list ap)
{
	va_list again;
	char *to;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	CHECK(n >= 0);
	to = sbuf_reserve(b, (size_t)n + 1);
	if (to == NULL)
		return;
	vsnprintf(to, (size_t)n + 1, format, ap);
	b->n += (size_t)n;
}

void sbuf_printf(struct sbuf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	sbuf_vprintf(b, format, ap);
	va_end(ap);
}
