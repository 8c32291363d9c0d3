/* Which entries a dump of a key-value store has. */
#include "gateway/token/kv_dump.h"

#include <string.h>

static const char unclosed[] = "what begins here is not closed: is the file whole?";

static bool fail(struct kv_dump *d, size_t at, const char *why)
{
	d->fault = why;
	d->fault_line = d->line;
	for (size_t i = d->counted; i < at; i++)
		d->fault_line += d->text.p[i] == '\n';
	return false;
}

static unsigned line_at(struct kv_dump *d, size_t at)
{
	for (; d->counted < at; d->counted++)
		d->line += d->text.p[d->counted] == '\n';
	return d->line;
}

static char here(const struct kv_dump *d)
{
	return d->at < d->text.n ? d->text.p[d->at] : '\0';
}

static void skip_space(struct kv_dump *d)
{
	while (d->at < d->text.n && strchr(" \t\r\n", d->text.p[d->at]) != NULL &&
	       d->text.p[d->at] != '\0')
		d->at++;
}

static bool take(struct kv_dump *d, char c)
{
	skip_space(d);
	if (here(d) != c)
		return false;
	d->at++;
	return true;
}

/* Behind the string that begins at `at`; 0: it does not end. */
static size_t string_end(struct str s, size_t at)
{
	for (at++; at < s.n; at++) {
		if (s.p[at] == '\\')
			at++;
		else if (s.p[at] == '"')
			return at + 1;
	}
	return 0;
}

/* Behind the object or array that begins at `at`; 0: it does not end. */
static size_t nest_end(struct str s, size_t at)
{
	size_t depth = 0;

	while (at < s.n) {
		char c = s.p[at];

		if (c == '"') {
			at = string_end(s, at);
			if (at == 0)
				return 0;
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		at++;
		if (depth == 0)
			return at;
	}
	return 0;
}

static size_t word_end(struct str s, size_t at)
{
	while (at < s.n && strchr(" \t\r\n,]}", s.p[at]) == NULL)
		at++;
	return at;
}

/* A value of any kind, as it stands there: what is in it is another's to judge. */
static bool take_value(struct kv_dump *d, struct str *value)
{
	size_t from, to;

	skip_space(d);
	from = d->at;
	if (here(d) == '"')
		to = string_end(d->text, from);
	else if (here(d) == '{' || here(d) == '[')
		to = nest_end(d->text, from);
	else
		to = word_end(d->text, from);
	if (to == 0)
		return fail(d, from, unclosed);
	if (to == from)
		return fail(d, from, "a value is missing here");
	*value = (struct str){d->text.p + from, to - from};
	d->at = to;
	return true;
}

static bool take_key(struct kv_dump *d, struct str *key)
{
	skip_space(d);
	if (here(d) != '"')
		return fail(d, d->at, "a key in double quotes is missing here");
	if (!take_value(d, key))
		return false;
	return take(d, ':') || fail(d, d->at, "a ':' is missing behind the key");
}

/* Before the next element of what is read. False: it was the last, or a fault. */
static bool take_comma(struct kv_dump *d)
{
	if (take(d, d->close)) {
		d->close = '\0';
		if (d->is_inner && !take(d, '}'))
			fail(d, d->at, "something else stands beside \"values\"");
		d->is_inner = false;
		return false;
	}
	if (d->goes_on && !take(d, ','))
		return fail(d, d->at,
			    d->at < d->text.n ? "a ',' is missing here"
					      : "the file ends too early");
	d->goes_on = true;
	return true;
}

/* --- what an object is --- */

static bool is_own_name(struct str key)
{
	return str_eq(key, STR("\"value\"")) || str_eq(key, STR("\"token_hash\""));
}

/* It is an entry, and not an object from keys to values. Reads ahead, in a copy. */
static bool is_entry(struct kv_dump d)
{
	struct str key, value;

	d.at++;
	d.close = '}';
	d.goes_on = d.is_inner = false;
	while (take_comma(&d)) {
		if (!take_key(&d, &key) || !take_value(&d, &value))
			return false;
		if (is_own_name(key))
			return true;
	}
	return false;
}

static void enter(struct kv_dump *d, char close)
{
	d->at++;
	d->close = close;
	d->goes_on = false;
}

static void enter_object(struct kv_dump *d)
{
	struct kv_dump inside;
	struct str key;

	enter(d, '}');
	inside = *d;
	if (take_key(&inside, &key) && str_eq(key, STR("\"values\""))) {
		skip_space(&inside);
		if (here(&inside) == '{') {
			d->at = inside.at;
			enter(d, '}');
			d->is_inner = true;
		}
	}
}

/* --- entries --- */

static bool next_element(struct kv_dump *d, struct kv_entry *e)
{
	if (!take_comma(d))
		return false;
	skip_space(d);
	e->line = line_at(d, d->at);
	if (d->close == '}' && !take_key(d, &e->key))
		return false;
	return take_value(d, &e->json);
}

static bool next_line(struct kv_dump *d, struct kv_entry *e)
{
	struct str rest = {d->text.p + d->at, d->text.n - d->at};
	const char *end = memchr(rest.p, '\n', rest.n), *tab;

	e->line = line_at(d, d->at);
	e->is_line = true;
	if (end != NULL)
		rest.n = (size_t)(end - rest.p);
	tab = memchr(rest.p, '\t', rest.n);
	if (tab == NULL)
		return fail(d, d->at,
			    "this line is neither JSON nor a hash, a tab and JSON");
	e->key = str_trim((struct str){rest.p, (size_t)(tab - rest.p)});
	e->json = (struct str){tab + 1, rest.n - (size_t)(tab + 1 - rest.p)};
	if (e->json.n > 0 && e->json.p[e->json.n - 1] == '\r')
		e->json.n--;
	d->at += rest.n;
	return true;
}

void kv_dump_init(struct kv_dump *d, struct str text)
{
	static const struct str mark = {"\xef\xbb\xbf", 3};

	*d = (struct kv_dump){.text = text, .line = 1};
	if (str_has_prefix(text, mark))
		d->at = mark.n;
}

bool kv_dump_next(struct kv_dump *d, struct kv_entry *e)
{
	*e = (struct kv_entry){0};
	while (d->fault == NULL) {
		if (d->close != '\0') {
			if (next_element(d, e))
				return true;
			continue;
		}
		skip_space(d);
		if (d->at == d->text.n)
			return false;
		if (here(d) == '[') {
			enter(d, ']');
		} else if (here(d) != '{') {
			return next_line(d, e);
		} else if (!is_entry(*d)) {
			enter_object(d);
		} else {
			e->line = line_at(d, d->at);
			return take_value(d, &e->json);
		}
	}
	return false;
}
