/* base64url as signatures need it. */
#include "gateway/sign_in/base64url.h"

#include <stdint.h>

#include "common/check.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			      "0123456789-_";

/* -1: none of the alphabet. */
static int value_of(char c)
{
	const char *at = c != '\0' ? strchr(letters, c) : NULL;

	return at != NULL ? (int)(at - letters) : -1;
}

bool base64url_is_strict(struct str s)
{
	int last = 0;

	if (s.n < 2 || s.n % 4 == 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		last = value_of(s.p[i]);
		if (last < 0)
			return false;
	}
	if (s.n % 4 == 2)
		return (last & 0xf) == 0;
	return s.n % 4 == 0 || (last & 0x3) == 0;
}

char *base64url_decode(struct str s, size_t *n)
{
	uint32_t bits = 0;
	unsigned held = 0;
	char *out;

	*n = 0;
	if (!base64url_is_strict(s))
		return NULL;
	out = xmalloc(s.n);
	for (size_t i = 0; i < s.n; i++) {
		bits = bits << 6 | (uint32_t)value_of(s.p[i]);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[(*n)++] = (char)(bits >> held & 0xff);
		}
	}
	return out;
}

void base64url_encode(struct sbuf *out, struct str bytes)
{
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < bytes.n; i++) {
		bits = bits << 8 | (unsigned char)bytes.p[i];
		for (held += 8; held >= 6; held -= 6)
			sbuf_add(out, &letters[bits >> (held - 6) & 63], 1);
	}
	if (held > 0)
		sbuf_add(out, &letters[bits << (6 - held) & 63], 1);
}
