/* The lexical half of common/jsonc: white space, comments, strings, numbers,
 * positions. */
#include "common/jsonc_priv.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/utf8.h"

#define FAULT_MAX 200 /* bytes of a message */

bool jsonc_scan_fail(struct jsonc_scan *s, struct jsonc_pos pos, const char *format, ...)
{
	char text[FAULT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	s->sink->fault(s->sink->ctx, pos, text);
	return false;
}

const char *jsonc_scan_source(const struct jsonc_scan *s)
{
	return s->source == JSONC_FILE ? "file" : "body";
}

bool jsonc_scan_unexpected(struct jsonc_scan *s, const char *expected)
{
	unsigned char c;

	if (s->p == s->end)
		return jsonc_scan_fail(s, s->pos, "the %s ends here; %s was expected",
				       jsonc_scan_source(s), expected);
	c = (unsigned char)*s->p;
	if (c > ' ' && c < 0x7f)
		return jsonc_scan_fail(s, s->pos, "unexpected '%c'; %s was expected", c,
				       expected);
	if (c < 0x80)
		return jsonc_scan_fail(
			s, s->pos, "unexpected control character 0x%02x; %s was expected",
			c, expected);
	return jsonc_scan_fail(s, s->pos,
			       "unexpected character outside ASCII; %s was expected",
			       expected);
}

static void advance(struct jsonc_scan *s)
{
	unsigned char c = (unsigned char)*s->p++;

	if (c == '\n') {
		s->pos.line++;
		s->pos.column = 1;
	} else if ((c & 0xc0) !=
		   0x80) { /* continuation bytes have no column of their own */
		s->pos.column++;
	}
}

static bool check_bytes(struct jsonc_scan *s)
{
	const char *source = jsonc_scan_source(s);
	size_t n;

	while (s->p < s->end) {
		n = utf8_length((const unsigned char *)s->p, (size_t)(s->end - s->p));
		if (n == 0)
			return jsonc_scan_fail(
				s, s->pos, "byte 0x%02x is not UTF-8; %s the %s as UTF-8",
				(unsigned char)*s->p,
				s->source == JSONC_FILE ? "save" : "send", source);
		if (*s->p == '\0')
			return jsonc_scan_fail(
				s, s->pos, "the %s holds a NUL byte; %s it as UTF-8 text",
				source, s->source == JSONC_FILE ? "save" : "send");
		while (n--)
			advance(s);
	}
	return true;
}

bool jsonc_scan_init(struct jsonc_scan *s, struct str text, enum jsonc_source source,
		     const struct jsonc_sink *sink)
{
	struct jsonc_scan begin = {text.p, text.p + text.n, {1, 1}, sink, source};

	*s = begin;
	if (str_has_prefix(text, STR("\xff\xfe")) ||
	    str_has_prefix(text, STR("\xfe\xff")))
		return jsonc_scan_fail(s, s->pos, "the %s is UTF-16; %s it as UTF-8",
				       jsonc_scan_source(s),
				       source == JSONC_FILE ? "save" : "send");
	if (str_has_prefix(text, STR("\xef\xbb\xbf")))
		begin.p += 3;
	*s = begin;
	if (!check_bytes(s))
		return false;
	*s = begin;
	return true;
}

static bool at(const struct jsonc_scan *s, const char *what)
{
	return str_has_prefix((struct str){s->p, (size_t)(s->end - s->p)}, str_of(what));
}

static bool block_comment(struct jsonc_scan *s)
{
	struct jsonc_pos start = s->pos;

	advance(s);
	advance(s);
	while (s->p < s->end && !at(s, "*/"))
		advance(s);
	if (s->p == s->end)
		return jsonc_scan_fail(s, start,
				       "this comment is not closed; end it with */");
	advance(s);
	advance(s);
	return true;
}

/* At something that is no white space: true if it was a comment, which is passed over. */
static bool comment(struct jsonc_scan *s, bool *fine)
{
	if (at(s, "/*")) {
		*fine = block_comment(s);
		return *fine;
	}
	if (!at(s, "//"))
		return false;
	while (s->p < s->end && *s->p != '\n')
		advance(s);
	return true;
}

bool jsonc_scan_space(struct jsonc_scan *s)
{
	bool fine = true;

	while (s->p < s->end) {
		if (strchr(" \t\r\n", *s->p) != NULL)
			advance(s);
		else if (s->source == JSONC_BODY || !comment(s, &fine))
			break;
	}
	if (fine && s->source == JSONC_FILE && s->p < s->end && *s->p == '#')
		return jsonc_scan_fail(s, s->pos,
				       "'#' starts no comment here; write // or /* */");
	return fine;
}

bool jsonc_scan_take(struct jsonc_scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	advance(s);
	return true;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

bool jsonc_scan_word(struct jsonc_scan *s, const char *word)
{
	size_t n = strlen(word);

	if (!at(s, word) || (s->p + n < s->end && is_word_char(s->p[n])))
		return false;
	while (n--)
		advance(s);
	return true;
}

/* What other languages call true, false and null. Other words are not quoted: it may be a
 * secret that lacks its quotes. */
static const char *meant_word(const struct jsonc_scan *s)
{
	static const char *const words[][2] = {{"true", "true"}, {"yes", "true"},
					       {"on", "true"},   {"false", "false"},
					       {"no", "false"},  {"off", "false"},
					       {"null", "null"}, {"none", "null"},
					       {"nil", "null"},  {"undefined", "null"}};
	struct str word = {s->p, 0};

	while (s->p + word.n < s->end && is_word_char(s->p[word.n]))
		word.n++;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(word, str_of(words[i][0])))
			return words[i][1];
	return NULL;
}

bool jsonc_scan_no_value(struct jsonc_scan *s)
{
	const char *word = meant_word(s);
	char c = s->p < s->end ? *s->p : '\0';

	if (word != NULL && strcmp(word, "null") == 0)
		return jsonc_scan_fail(
			s, s->pos,
			"this is no value here; leave the key out, or write null");
	if (word != NULL)
		return jsonc_scan_fail(s, s->pos, "this is no value here; write %s",
				       word);
	if (c == '\'' || c == '`' || is_word_char(c))
		return jsonc_scan_fail(
			s, s->pos, "a text must stand in double quotes; write \"text\"");
	if (c == '+' || c == '.')
		return jsonc_scan_fail(
			s, s->pos,
			"a number begins with a digit or -; write 1 or 0.5, for instance");
	return jsonc_scan_unexpected(s, "a value");
}

/* Four hex digits at p, or -1. */
static long hex4(const char *p, const char *end)
{
	unsigned char b[2];

	if (end - p < 4 || !hex_decode(b, 2, (struct str){p, 4}))
		return -1;
	return b[0] << 8 | b[1];
}

static char *put_utf8(char *to, unsigned long c)
{
	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

/* After "\u": one code point of one or two escapes (RFC 8259 section 7). */
static bool unicode_escape(struct jsonc_scan *s, struct jsonc_pos start, char **to)
{
	long high = hex4(s->p, s->end), low;

	if (high < 0)
		return jsonc_scan_fail(s, start, "\\u needs four hexadecimal digits");
	if (high == 0)
		return jsonc_scan_fail(s, start,
				       "\\u0000 is not allowed in a string; remove it");
	for (int i = 0; i < 4; i++)
		advance(s);
	if (high < 0xd800 || high > 0xdfff) {
		*to = put_utf8(*to, (unsigned long)high);
		return true;
	}
	low = high < 0xdc00 && at(s, "\\u") ? hex4(s->p + 2, s->end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return jsonc_scan_fail(s, start,
				       "half of a surrogate pair; write the character "
				       "itself, or both halves");
	for (int i = 0; i < 6; i++)
		advance(s);
	*to = put_utf8(*to, 0x10000ul + ((unsigned long)(high - 0xd800) << 10) +
				    (unsigned long)(low - 0xdc00));
	return true;
}

static bool escape(struct jsonc_scan *s, char **to)
{
	static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	struct jsonc_pos start = s->pos;
	const char *found;

	advance(s); /* the backslash */
	if (s->p == s->end)
		return jsonc_scan_unexpected(s, "the rest of the string");
	if (jsonc_scan_take(s, 'u'))
		return unicode_escape(s, start, to);
	found = strchr(letters, *s->p);
	if (found == NULL)
		return jsonc_scan_fail(
			s, start,
			"no such escape in a string; write \\\\ for a backslash");
	*(*to)++ = values[found - letters];
	advance(s);
	return true;
}

/* Decodes up to the closing quote into to, which has room for all the rest. */
static bool string_body(struct jsonc_scan *s, struct jsonc_pos start, char *to)
{
	for (;;) {
		unsigned char c = s->p < s->end ? (unsigned char)*s->p : '\n';

		if (c == '\n')
			return jsonc_scan_fail(
				s, start,
				"this string is not closed on its line; end it with \"");
		if (c < 0x20 || (c == 0x7f && s->source == JSONC_FILE))
			return jsonc_scan_fail(s, s->pos,
					       "control character 0x%02x in a string; "
					       "write it as an escape, like \\t",
					       c);
		if (c == '"') {
			advance(s);
			*to = '\0';
			return true;
		}
		if (c == '\\') {
			if (!escape(s, &to))
				return false;
		} else {
			*to++ = (char)c;
			advance(s);
		}
	}
}

/* Bytes from here to the closing quote or the line's end: what the decoded string never
 * exceeds. One allocation, so that no copy of a secret stays behind in freed memory. */
static size_t string_room(const struct jsonc_scan *s)
{
	const char *p = s->p;

	while (p < s->end && *p != '"' && *p != '\n')
		p += *p == '\\' && s->end - p > 1 ? 2 : 1;
	return (size_t)(p - s->p) + 1;
}

bool jsonc_scan_string(struct jsonc_scan *s, char **out)
{
	struct jsonc_pos start = s->pos;
	size_t room;

	advance(s);
	room = string_room(s);
	*out = xmalloc(room);
	if (string_body(s, start, *out))
		return true;
	OPENSSL_cleanse(*out, room);
	free(*out);
	*out = NULL;
	return false;
}

static bool is_digit(const struct jsonc_scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool digits(struct jsonc_scan *s, const char *expected)
{
	if (!is_digit(s))
		return jsonc_scan_unexpected(s, expected);
	while (is_digit(s))
		advance(s);
	return true;
}

bool jsonc_scan_number(struct jsonc_scan *s, char **out)
{
	struct jsonc_pos start = s->pos;
	const char *from = s->p;

	*out = NULL;
	jsonc_scan_take(s, '-');
	if (jsonc_scan_take(s, '0')) {
		if (is_digit(s))
			return jsonc_scan_fail(
				s, start,
				"a number may not start with 0; remove the leading zero");
	} else if (!digits(s, "a digit")) {
		return false;
	}
	if (jsonc_scan_take(s, '.') && !digits(s, "a digit after the point"))
		return false;
	if (jsonc_scan_take(s, 'e') || jsonc_scan_take(s, 'E')) {
		if (!jsonc_scan_take(s, '-'))
			jsonc_scan_take(s, '+');
		if (!digits(s, "an exponent digit"))
			return false;
	}
	if (s->p < s->end && (is_word_char(*s->p) || strchr(".:-+%", *s->p) != NULL))
		return jsonc_scan_fail(
			s, start,
			"text behind a number; write the number alone, in "
			"decimal digits and without a unit, or put a text in "
			"double quotes");
	*out = xstrndup(from, (size_t)(s->p - from));
	return true;
}
