/* Lists of objects in JSON, turned into lines. */
#include "common/json_rows.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct str s, size_t *at)
{
	while (*at < s.n && is_space(s.p[*at]))
		++*at;
}

/* --- values --- */

static void skip_string(struct str s, size_t *at)
{
	for (++*at; *at < s.n && s.p[*at] != '"'; ++*at)
		if (s.p[*at] == '\\')
			++*at;
	if (*at < s.n)
		++*at;
	else
		*at = s.n;
}

static void skip_nest(struct str s, size_t *at)
{
	size_t depth = 0;

	while (*at < s.n) {
		char c = s.p[*at];

		if (c == '"') {
			skip_string(s, at);
			continue;
		}
		++*at;
		depth += c == '{' || c == '[';
		if ((c == '}' || c == ']') && --depth == 0)
			return;
	}
}

/* False: there is none, but the end of what it would stand in. */
static bool take_value(struct str s, size_t *at, struct str *value)
{
	size_t from;

	skip_space(s, at);
	from = *at;
	if (from >= s.n || s.p[from] == ']' || s.p[from] == '}')
		return false;
	if (s.p[from] == '"')
		skip_string(s, at);
	else if (s.p[from] == '{' || s.p[from] == '[')
		skip_nest(s, at);
	else
		while (*at < s.n && memchr(",]}: \t\r\n", s.p[*at], 8) == NULL)
			++*at;
	*value = (struct str){s.p + from, *at - from};
	return value->n > 0;
}

static bool skip_mark(struct str s, size_t *at, char mark)
{
	skip_space(s, at);
	if (*at >= s.n || s.p[*at] != mark)
		return false;
	++*at;
	return true;
}

bool json_rows_next(struct str array, size_t *at, struct str *element)
{
	if (*at == 0 && !skip_mark(array, at, '['))
		return false;
	skip_mark(array, at, ',');
	return take_value(array, at, element);
}

static bool is_named(struct str key, struct str name)
{
	return key.n == name.n + 2 && key.p[0] == '"' &&
	       memcmp(key.p + 1, name.p, name.n) == 0;
}

static bool find(struct str object, struct str name, struct str *value)
{
	struct str key;
	size_t at = 0;

	if (!skip_mark(object, &at, '{'))
		return false;
	while (take_value(object, &at, &key)) {
		if (!skip_mark(object, &at, ':') || !take_value(object, &at, value))
			return false;
		if (is_named(key, name))
			return true;
		skip_mark(object, &at, ',');
	}
	return false;
}

bool json_rows_member(struct str object, const char *name, struct str *value)
{
	return find(object, str_of(name), value);
}

/* --- texts --- */

static unsigned hex_of(struct str s, size_t at)
{
	unsigned code = 0;

	for (size_t i = at; i < at + 4 && i < s.n; i++) {
		char c = s.p[i];

		code = code * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	return code;
}

static void put_utf8(struct sbuf *out, unsigned c)
{
	char b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (char)c;
	} else if (c < 0x800) {
		b[n++] = (char)(0xc0 | c >> 6);
		b[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		b[n++] = (char)(0xe0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		b[n++] = (char)(0xf0 | c >> 18);
		b[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (char)(0x80 | (c & 0x3f));
	}
	sbuf_add(out, b, n);
}

/* Behind \u; returns how many bytes of s it took from `at` on. */
static size_t put_code(struct sbuf *out, struct str s, size_t at)
{
	unsigned c = hex_of(s, at);

	if ((c & 0xfc00) != 0xd800 || at + 10 > s.n || s.p[at + 4] != '\\' ||
	    s.p[at + 5] != 'u') {
		put_utf8(out, (c & 0xf800) == 0xd800 ? 0xfffd : c);
		return 4;
	}
	put_utf8(out, 0x10000 + ((c & 0x3ff) << 10) + (hex_of(s, at + 6) & 0x3ff));
	return 10;
}

void json_rows_text(struct sbuf *out, struct str value)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	struct str s = value;

	if (s.n < 2 || s.p[0] != '"') {
		sbuf_str(out, s);
		return;
	}
	s = (struct str){s.p + 1, s.n - 2};
	for (size_t i = 0; i < s.n; i++) {
		const char *plain, *escape = memchr(s.p + i, '\\', s.n - i);
		size_t until = escape != NULL ? (size_t)(escape - s.p) : s.n;

		sbuf_add(out, s.p + i, until - i);
		i = until + 1;
		if (i >= s.n)
			return;
		plain = strchr(from, s.p[i]);
		if (s.p[i] == 'u')
			i += put_code(out, s, i + 1);
		else
			sbuf_add(out, plain != NULL ? &to[plain - from] : &s.p[i], 1);
	}
}

/* --- cells --- */

/* Of all of a list's elements, with blanks between. False: it has others than texts and
 * numbers. */
static bool list_text(struct sbuf *out, struct str list)
{
	struct str element;
	size_t at = 0, before = out->n;

	while (json_rows_next(list, &at, &element)) {
		if (element.p[0] == '{' || element.p[0] == '[') {
			out->n = before;
			return false;
		}
		if (out->n > before)
			sbuf_lit(out, " ");
		json_rows_text(out, element);
	}
	return true;
}

/* OWASP, "CSV injection": what a spreadsheet may take for the beginning of a formula. */
static bool is_formula(struct str text)
{
	return text.n > 0 && memchr("=+-@\t\r\n", text.p[0], 7) != NULL;
}

static void put_quoted(struct sbuf *out, struct str text)
{
	sbuf_lit(out, "\"");
	if (is_formula(text))
		sbuf_lit(out, "'");
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"')
			sbuf_lit(out, "\"");
		sbuf_add(out, &text.p[i], 1);
	}
	sbuf_lit(out, "\"");
}

static void put_cell(struct sbuf *out, struct str value)
{
	struct sbuf text;

	if (value.n == 0 || str_eq(value, STR("null")))
		return;
	if (strchr("\"{[", value.p[0]) == NULL) {
		sbuf_str(out, value);
		return;
	}
	sbuf_init(&text, value.n + 1);
	if (value.p[0] == '{' || (value.p[0] == '[' && !list_text(&text, value)))
		sbuf_str(&text, value);
	else if (value.p[0] == '"')
		json_rows_text(&text, value);
	put_quoted(out, sbuf_view(&text));
	sbuf_fini(&text);
}

static struct str cell_of(struct str object, const char *column)
{
	const char *dot = strchr(column, '.');
	struct str value = {0};

	if (dot == NULL)
		return find(object, str_of(column), &value) ? value : (struct str){0};
	if (!find(object, (struct str){column, (size_t)(dot - column)}, &value))
		return (struct str){0};
	object = value;
	return find(object, str_of(dot + 1), &value) ? value : (struct str){0};
}

void json_rows_csv_head(struct sbuf *out, const char *const *columns)
{
	for (size_t i = 0; columns[i] != NULL; i++)
		sbuf_printf(out, "%s%s", i > 0 ? "," : "", columns[i]);
	sbuf_lit(out, "\r\n");
}

void json_rows_csv(struct sbuf *out, struct str object, const char *const *columns)
{
	for (size_t i = 0; columns[i] != NULL; i++) {
		if (i > 0)
			sbuf_lit(out, ",");
		put_cell(out, cell_of(object, columns[i]));
	}
	sbuf_lit(out, "\r\n");
}
