/* Decoder of the chunked transfer coding (RFC 9112 7.1), strict, for both directions. */
#include "gateway/http/chunk.h"

#include <stdbool.h>

#include "common/check.h"
#include "common/http.h"

#define SIZE_DIGITS_MAX 15 /* hex digits: 60 bits */

enum state {
	SIZE_FIRST, /* the first digit */
	SIZE,
	SIZE_SPACE, /* white space behind the size: only an extension may follow */
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_FIRST, /* a trailer field or the empty line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
	DONE,
	BAD,
};

/* 0-15, or -1. */
static int hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum state on_size(struct chunk_decoder *d, unsigned char c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (d->digits++ == SIZE_DIGITS_MAX)
			return BAD;
		d->left = d->left << 4 | (unsigned)digit;
		return SIZE;
	}
	if (d->digits == 0)
		return BAD;
	if (c == '\r')
		return SIZE_LF;
	if (c == ';')
		return EXTENSION;
	return c == ' ' || c == '\t' ? SIZE_SPACE : BAD;
}

static enum state on_size_space(unsigned char c)
{
	if (c == ';')
		return EXTENSION;
	return c == ' ' || c == '\t' ? SIZE_SPACE : BAD;
}

/* Inside an extension or a trailer's value: anything but controls, up to CR. */
static enum state on_text(unsigned char c, enum state same, enum state at_cr)
{
	if (c == '\r')
		return at_cr;
	return (c < 0x20 && c != '\t') || c == 0x7f ? BAD : same;
}

static enum state on_size_lf(struct chunk_decoder *d, unsigned char c)
{
	if (c != '\n')
		return BAD;
	d->line = 0;
	d->digits = 0;
	return d->left ? DATA : TRAILER_FIRST;
}

static enum state on_trailer_name(unsigned char c, bool first)
{
	char byte = (char)c;

	if (first && c == '\r')
		return END_LF;
	if (!first && c == ':')
		return TRAILER_VALUE;
	return http_is_token((struct str){&byte, 1}) ? TRAILER_NAME : BAD;
}

/* One byte that is no data. */
static enum state step(struct chunk_decoder *d, unsigned char c)
{
	enum state s = (enum state)d->state;

	switch (s) {
	case SIZE_FIRST:
	case SIZE:
		return on_size(d, c);
	case SIZE_SPACE:
		return on_size_space(c);
	case EXTENSION:
		return on_text(c, EXTENSION, SIZE_LF);
	case SIZE_LF:
		return on_size_lf(d, c);
	case DATA_CR:
		return c == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		d->line = 0;
		return c == '\n' ? SIZE_FIRST : BAD;
	case TRAILER_FIRST:
	case TRAILER_NAME:
		return on_trailer_name(c, s == TRAILER_FIRST);
	case TRAILER_VALUE:
		return on_text(c, TRAILER_VALUE, TRAILER_LF);
	case TRAILER_LF:
		return c == '\n' ? TRAILER_FIRST : BAD;
	case END_LF:
		return c == '\n' ? DONE : BAD;
	case DATA:
	case DONE:
	case BAD:
		break;
	}
	CHECK(!"a state that takes no bytes");
	return BAD;
}

static bool line_too_long(struct chunk_decoder *d)
{
	uint32_t max = d->state >= TRAILER_FIRST ? CHUNK_TRAILERS_MAX : CHUNK_LINE_MAX;

	return ++d->line > max;
}

static size_t take_data(struct chunk_decoder *d, const char *src, size_t n, char *dst)
{
	size_t take = d->left < n ? (size_t)d->left : n;

	if (dst != src)
		memmove(dst, src, take);
	d->left -= take;
	if (d->left == 0)
		d->state = DATA_CR;
	return take;
}

enum chunk_result chunk_decode(struct chunk_decoder *d, const char *src, size_t n,
			       size_t *used, char *dst, size_t *made)
{
	size_t i = 0, out = 0, take;

	while (i < n && d->state < DONE) {
		if (d->state == DATA) {
			take = take_data(d, src + i, n - i, dst + out);
			i += take;
			out += take;
			continue;
		}
		if (line_too_long(d))
			d->state = BAD;
		else
			d->state = (uint8_t)step(d, (unsigned char)src[i++]);
	}
	*used = i;
	*made = out;
	if (d->state == BAD)
		return CHUNK_BAD;
	return d->state == DONE ? CHUNK_DONE : CHUNK_MORE;
}
