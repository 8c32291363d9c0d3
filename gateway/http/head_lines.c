/* What request and response heads share: finding the end, field lines, Connection's
 * list. */
#include "gateway/http/head_lines.h"

#include "common/check.h"

#define CONTENT_LENGTH_DIGITS 18 /* 10^18 - 1 fits every integer that counts bytes */

/* RFC 9110 7.6.1 and, for `Proxy`, https://httpoxy.org. */
#define HOP_FIELDS                                                                       \
	(HTTP_H_BIT(HTTP_H_CONNECTION) | HTTP_H_BIT(HTTP_H_KEEP_ALIVE) |                 \
	 HTTP_H_BIT(HTTP_H_PROXY) | HTTP_H_BIT(HTTP_H_PROXY_AUTHENTICATE) |              \
	 HTTP_H_BIT(HTTP_H_PROXY_CONNECTION) | HTTP_H_BIT(HTTP_H_TE) |                   \
	 HTTP_H_BIT(HTTP_H_TRAILER) | HTTP_H_BIT(HTTP_H_TRANSFER_ENCODING) |             \
	 HTTP_H_BIT(HTTP_H_UPGRADE))

size_t head_lines_end(const char *p, size_t n, size_t *scan)
{
	size_t i = *scan;
	const char *lf;

	while (i < n && (lf = memchr(p + i, '\n', n - i)) != NULL) {
		size_t next = (size_t)(lf - p) + 1;

		if (next < n && p[next] == '\n')
			return next + 1;
		if (next + 1 < n && p[next] == '\r' && p[next + 1] == '\n')
			return next + 2;
		if (next == n || (next + 1 == n && p[next] == '\r')) {
			*scan = next - 1;
			return 0;
		}
		i = next;
	}
	*scan = n;
	return 0;
}

bool head_take_line(struct head_cursor *c, struct str *line)
{
	const char *lf = memchr(c->p, '\n', (size_t)(c->end - c->p));

	if (lf == NULL || lf == c->p || lf[-1] != '\r')
		return false;
	*line = (struct str){c->p, (size_t)(lf - 1 - c->p)};
	c->p = lf + 1;
	return true;
}

static enum head_line bad(const char **why, const char *sentence)
{
	*why = sentence;
	return HEAD_LINE_BAD;
}

/* The line starts with no token character. */
static enum head_line take_end(struct head_cursor *c, const char **why)
{
	const char *p = c->p;

	switch (*p) {
	case '\r':
		if (p[1] != '\n')
			return bad(why, "a bare CR is not allowed in the head");
		c->p = p + 2;
		if (c->p != c->end)
			return bad(why, "there are bytes behind the head's empty line");
		return HEAD_LINE_END;
	case '\n':
		return bad(why, "lines must end in CRLF");
	case ' ':
	case '\t':
		return bad(why, "folded field lines are not allowed");
	case ':':
		return bad(why, "a field line has no name");
	default:
		return bad(why, "a field name has a character that is not allowed");
	}
}

static enum head_line bad_name(char after, const char **why)
{
	if (after == ' ' || after == '\t')
		return bad(why, "white space before a field's colon is not allowed");
	if (after == '\r' || after == '\n')
		return bad(why, "a field line has no colon");
	return bad(why, "a field name has a character that is not allowed");
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

enum head_line head_take_field(struct head_cursor *c, struct http_field *f,
			       const char **why)
{
	size_t left = (size_t)(c->end - c->p), n;
	const char *v, *lf, *end;

	if (left == 0)
		return bad(why, "the head has no empty line at its end");
	n = http_token_span((struct str){c->p, left});
	if (n == 0)
		return take_end(c, why);
	if (c->p[n] != ':')
		return bad_name(c->p[n], why);
	f->name = (struct str){c->p, n};
	v = c->p + n + 1;
	lf = memchr(v, '\n', (size_t)(c->end - v));
	CHECK(lf != NULL);
	end = lf - 1;
	if (*end != '\r')
		return bad(why, "lines must end in CRLF");
	while (v < end && is_blank(*v))
		v++;
	while (v < end && is_blank(end[-1]))
		end--;
	f->value = (struct str){v, (size_t)(end - v)};
	if (!http_is_field_value(f->value))
		return bad(why, "a field value has a control character");
	f->id = http_field_id(f->name);
	f->hop = (HOP_FIELDS & HTTP_H_BIT(f->id)) != 0;
	c->p = lf + 1;
	return HEAD_LINE_FIELD;
}

bool head_number(struct str s, unsigned digits, uint64_t *number)
{
	uint64_t v = 0;

	CHECK(digits <= CONTENT_LENGTH_DIGITS);
	if (s.n == 0 || s.n > digits)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9)
			return false;
		v = v * 10 + d;
	}
	*number = v;
	return true;
}

bool head_content_length(struct str value, uint64_t *length)
{
	return head_number(value, CONTENT_LENGTH_DIGITS, length);
}

static void mark_named(struct http_field *fields, unsigned n, struct str name)
{
	for (unsigned i = 0; i < n; i++)
		if (fields[i].name.n == name.n && str_ieq(fields[i].name, name))
			fields[i].hop = true;
}

static void read_option(struct str option, struct http_field *fields, unsigned n,
			struct head_connection *out)
{
	/* Two of the options are names of fields as well, and known as such. */
	enum http_field_id id = http_field_id(option);

	if (id == HTTP_H_KEEP_ALIVE)
		out->keep_alive = true;
	else if (id == HTTP_H_UPGRADE)
		out->upgrade = true;
	else if (str_ieq(option, STR("close")))
		out->close = true;
	else if (http_is_token(option))
		mark_named(fields, n, option);
}

bool head_read_connection(struct http_field *fields, unsigned n,
			  struct head_connection *out)
{
	unsigned options = 0;

	*out = (struct head_connection){0};
	for (unsigned i = 0; i < n; i++) {
		struct str list = fields[i].value, option;

		if (fields[i].id != HTTP_H_CONNECTION)
			continue;
		while (str_list_next(&list, &option)) {
			if (++options > HEAD_CONNECTION_OPTIONS_MAX)
				return false;
			read_option(option, fields, n, out);
		}
	}
	return true;
}
