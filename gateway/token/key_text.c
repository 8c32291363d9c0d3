/* Keys inside other text. */
#include "gateway/token/key_text.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "common/check.h"

#define OWN_WORD_BELOW 8 /* an own key that is shorter must stand alone */
#define BASE64_MIN 10    /* characters of base64 that are worth a look */
#define MASK "***"

static bool is_letter(unsigned char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_base62(unsigned char c)
{
	return (c >= '0' && c <= '9') || is_letter(c);
}

/* The character at `at`; "%41" and "%2541" are 'A', too. Returns the bytes that it
 * takes. */
static size_t take(struct str s, size_t at, unsigned char *c)
{
	size_t i = at + 1;

	*c = (unsigned char)s.p[at];
	if (*c != '%')
		return 1;
	while (s.n - i >= 4 && s.p[i] == '2' && s.p[i + 1] == '5' &&
	       hex_decode(c, 1, (struct str){s.p + i + 2, 2}))
		i += 2;
	if (s.n - i >= 2 && hex_decode(c, 1, (struct str){s.p + i, 2}))
		return i + 2 - at;
	*c = '%';
	return 1;
}

/* How a text is read. */
struct reading {
	struct str own;
	bool any_case;
	bool encoded;   /* percent-encoding is undone */
	bool own_words; /* an own key may be short, if it is a word */
};

static bool is_same(const struct reading *r, unsigned char c, unsigned char wanted)
{
	if (c == wanted)
		return true;
	if (r->any_case && (c ^ wanted) == 0x20)
		return is_letter(c);
	return r->encoded && c == '+' && wanted == ' ';
}

static size_t next(const struct reading *r, struct str s, size_t at, unsigned char *c)
{
	if (r->encoded)
		return take(s, at, c);
	*c = (unsigned char)s.p[at];
	return 1;
}

/* How many bytes of s from `at` on spell the word; 0: they spell another. */
static size_t spells(const struct reading *r, struct str s, size_t at, struct str word)
{
	size_t i = at;
	unsigned char c;

	for (size_t k = 0; k < word.n; k++) {
		if (i >= s.n)
			return 0;
		i += next(r, s, i, &c);
		if (!is_same(r, c, (unsigned char)word.p[k]))
			return 0;
	}
	return i - at;
}

/* --- keys of our shape --- */

static const char *const prefixes[] = {KEY_PREFIXES};

/* How many bytes of s from `at` on spell a prefix; 0: none. */
static size_t prefix_at(const struct reading *r, struct str s, size_t at)
{
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t n = spells(r, s, at, str_of(prefixes[i]));

		if (n > 0)
			return n;
	}
	return 0;
}

/* Bytes of the key at `at`, with up to `most` characters behind the prefix that
 * could still belong to it; 0: none. */
static size_t ours_at(const struct reading *r, struct str s, size_t at, size_t most)
{
	size_t prefix = prefix_at(r, s, at), i = at + prefix, run = 0;
	unsigned char c;

	while (prefix && i < s.n && run < most) {
		size_t n = next(r, s, i, &c);

		if (!is_base62(c) && !(run >= KEY_TEXT_RUN && (c == '_' || c == '-')))
			break;
		run++;
		i += n;
	}
	return run >= KEY_TEXT_RUN ? i - at : 0;
}

static bool has_ours(const struct reading *r, struct str s)
{
	size_t before = sizeof(KEY_PREFIX) - 2; /* the '_' is the prefix's last */
	const char *p = s.p, *end = s.p + s.n;

	if (r->encoded && memchr(s.p, '%', s.n) != NULL) {
		for (size_t i = 0; i + KEY_TEXT_MIN <= s.n; i++)
			if (ours_at(r, s, i, KEY_TEXT_RUN))
				return true;
		return false;
	}
	while ((p = memchr(p, '_', (size_t)(end - p))) != NULL) {
		size_t at = (size_t)(p - s.p);

		if (at >= before && ours_at(r, s, at - before, KEY_TEXT_RUN))
			return true;
		p++;
	}
	return false;
}

/* --- the caller's own --- */

static bool is_border(char c)
{
	return memchr(" \t,;=&?:'\"()<>", c, 14) != NULL;
}

/* Also where the characters around it are percent-encoded. */
static bool is_word(struct str s, size_t at, size_t n)
{
	bool begins =
		at == 0 || is_border(s.p[at - 1]) || (at >= 3 && s.p[at - 3] == '%');
	size_t end = at + n;

	return begins && (end == s.n || is_border(s.p[end]) || s.p[end] == '%');
}

/* Bytes of the own key at `at`; 0: it does not stand there. */
static size_t own_at(const struct reading *r, struct str s, size_t at)
{
	size_t n = spells(r, s, at, r->own);

	if (n == 0 || r->own.n >= OWN_WORD_BELOW)
		return n;
	return r->own_words && is_word(s, at, n) ? n : 0;
}

static bool has_own(const struct reading *r, struct str s)
{
	for (size_t i = 0; i + r->own.n <= s.n; i++)
		if (own_at(r, s, i))
			return true;
	return false;
}

/* A key with '%' in it may stand there as it is. */
static bool needs_plain_look(struct str s, struct str own)
{
	return own.n && own.n <= s.n && memchr(own.p, '%', own.n) != NULL;
}

bool key_text_is_ours(struct str key)
{
	const struct reading exact = {0};
	size_t i = sizeof(KEY_PREFIX) - 1;

	if (key.n < KEY_TEXT_MIN || prefix_at(&exact, key, 0) == 0)
		return false;
	while (i < KEY_TEXT_MIN && is_base62((unsigned char)key.p[i]))
		i++;
	return i == KEY_TEXT_MIN;
}

static bool has_key(struct reading r, struct str s)
{
	if (s.n >= KEY_TEXT_MIN && has_ours(&r, s))
		return true;
	if (r.own.n == 0 || r.own.n > s.n || key_text_is_ours(r.own))
		return false;
	if (has_own(&r, s))
		return true;
	r.encoded = false;
	return needs_plain_look(s, r.own) && has_own(&r, s);
}

bool key_in_text(struct str s, struct str own)
{
	return has_key(
		(struct reading){
			.own = own, .any_case = true, .encoded = true, .own_words = true},
		s);
}

bool key_in_url(struct str s, struct str own)
{
	return has_key((struct reading){.own = own, .encoded = true}, s);
}

/* --- base64 --- */

/* 0 to 63; 64: no digit of base64. */
static unsigned digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26u;
	if (c >= '0' && c <= '9')
		return c - '0' + 52u;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : 64;
}

/* Decodes the run of digits at s's start; *used: how long it is. */
static size_t decode(char *to, struct str s, size_t *used)
{
	unsigned bits = 0, value = 0, d;
	size_t n = 0, i = 0;

	for (; i < s.n && (d = digit((unsigned char)s.p[i])) < 64; i++) {
		value = (value << 6 | d) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			to[n++] = (char)(value >> bits & 0xff);
		}
	}
	*used = i;
	return n;
}

bool key_in_base64(struct str s, struct str own)
{
	char *text;
	bool found = false;

	if (s.n < BASE64_MIN)
		return false;
	text = xmalloc(s.n);
	for (size_t i = 0, used; i < s.n && !found; i += used + 1) {
		size_t n = decode(text, (struct str){s.p + i, s.n - i}, &used);

		found = n > 0 && key_in_text((struct str){text, n}, own);
	}
	OPENSSL_cleanse(text, s.n);
	free(text);
	return found;
}

/* --- by hash --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_key_of(struct str word, const unsigned char hash[KEY_HASH_BYTES])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	if (word.n == 0 || word.n > KEY_MAX)
		return false;
	SHA256((const unsigned char *)word.p, word.n, digest);
	return memcmp(digest, hash, sizeof digest) == 0;
}

static struct str find_hashed(struct str s, const unsigned char hash[KEY_HASH_BYTES],
			      bool (*ends)(char c))
{
	size_t start = 0;

	for (size_t i = 0; i <= s.n; i++) {
		struct str word = {s.p + start, i - start};

		if (i < s.n && !ends(s.p[i]))
			continue;
		if (is_key_of(word, hash))
			return word;
		start = i + 1;
	}
	return (struct str){NULL, 0};
}

struct str key_text_hashed(struct str s, const unsigned char hash[KEY_HASH_BYTES])
{
	struct str found = {NULL, 0};

	if (s.n == 0)
		return found;
	found = find_hashed(s, hash, is_border);
	/* A key may have borders in it. */
	return found.n ? found : find_hashed(s, hash, is_blank);
}

/* --- hiding --- */

static size_t key_at(struct reading r, struct str s, size_t at)
{
	size_t ours = ours_at(&r, s, at, s.n), own = r.own.n ? own_at(&r, s, at) : 0;

	r.encoded = false;
	if (own == 0 && needs_plain_look(s, r.own))
		own = own_at(&r, s, at);
	return ours > own ? ours : own;
}

struct str key_text_hidden(struct str s, struct str own, char buf[KEY_TEXT_ROOM])
{
	const struct reading r = {
		.own = own, .any_case = true, .encoded = true, .own_words = true};
	size_t n = 0, i = 0;

	if (!has_key(r, s))
		return s;
	while (i < s.n && n + sizeof MASK <= KEY_TEXT_ROOM) {
		size_t key = key_at(r, s, i);

		if (key == 0) {
			buf[n++] = s.p[i++];
			continue;
		}
		memcpy(buf + n, MASK, sizeof MASK - 1);
		n += sizeof MASK - 1;
		i += key;
	}
	return (struct str){buf, n};
}
