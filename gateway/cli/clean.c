/* Text of others on a terminal. */
#include "gateway/cli/clean.h"

#include "common/check.h"
#include "common/utf8.h"
#include "gateway/cli/width.h"

/* Of a well-formed character of n bytes (RFC 3629). */
static uint32_t code_point(const unsigned char *p, size_t n)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = p[0] & first[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* UAX #9: embeddings, overrides, isolates and marks; LINE and PARAGRAPH SEPARATOR. */
static bool is_deceiving(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void clean(struct sbuf *out, struct str s, bool lines)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		uint32_t c = n > 0 ? code_point(p, n) : *p;

		if (n == 0 || (is_control(c) && !(lines && (c == '\n' || c == '\t'))))
			sbuf_printf(out, "\\x%02x", (unsigned)c);
		else if (is_deceiving(c))
			sbuf_printf(out, "\\u%04x", (unsigned)c);
		else
			sbuf_add(out, p, n);
		p += n > 0 ? n : 1;
	}
}

void clean_text(struct sbuf *out, struct str s)
{
	clean(out, s, false);
}

void clean_lines(struct sbuf *out, struct str s)
{
	clean(out, s, true);
}

void clean_json(struct sbuf *out, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		uint32_t c = n > 0 ? code_point(p, n) : 0xfffd;
		bool is_space = c == '\n' || c == '\t' || c == '\r';

		if (n == 0 || (is_control(c) && !is_space) || is_deceiving(c))
			sbuf_printf(out, "\\u%04x", (unsigned)c);
		else
			sbuf_add(out, p, n);
		p += n > 0 ? n : 1;
	}
}

const char *cli_shown(const char *argument)
{
	static const char *const marks[] = {"://", "password", "ntk_", "tgu_", "@"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strcasestr(argument, marks[i]) != NULL)
			return "***";
	return argument;
}

size_t clean_cut(struct str s, size_t columns)
{
	const unsigned char *start = (const unsigned char *)s.p, *p = start,
			    *end = p + s.n;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		size_t width = n > 0 ? width_of(code_point(p, n)) : 1;

		if (width > columns)
			break;
		columns -= width;
		p += n > 0 ? n : 1;
	}
	return (size_t)(p - start);
}

size_t clean_width(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;
	size_t width = 0;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));

		width += n > 0 ? width_of(code_point(p, n)) : 1;
		p += n > 0 ? n : 1;
	}
	return width;
}
