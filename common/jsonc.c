/* JSON with comments: the tree and the grammar; common/jsonc_scan.c reads the tokens. */
#include "common/jsonc.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc_priv.h"

static bool parse_value(struct jsonc_scan *s, struct jsonc_node *node, unsigned depth);

const char *jsonc_type_name(enum jsonc_type type)
{
	static const char *const names[] = {"null",     "true or false", "a number",
					    "a string", "an array",      "an object"};

	return names[type];
}

static void wipe(char **text)
{
	if (*text == NULL)
		return;
	OPENSSL_cleanse(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void jsonc_free(struct jsonc_node **node)
{
	struct jsonc_node *n = *node, *child;

	*node = NULL;
	if (n == NULL)
		return;
	while ((child = n->first) != NULL) {
		n->first = child->next;
		jsonc_free(&child);
	}
	wipe(&n->key);
	wipe(&n->text);
	free(n);
}

struct jsonc_node *jsonc_get(const struct jsonc_node *node, const char *key)
{
	if (node == NULL || node->type != JSONC_OBJECT)
		return NULL;
	for (struct jsonc_node *c = node->first; c != NULL; c = c->next)
		if (strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

const char *jsonc_text(const struct jsonc_node *node, const char *key)
{
	const struct jsonc_node *member = jsonc_get(node, key);

	return member != NULL && member->type == JSONC_STRING ? member->text : NULL;
}

void jsonc_append(struct jsonc_node *parent, struct jsonc_node *child)
{
	CHECK(child->next == NULL);
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->n++;
}

void jsonc_take(struct jsonc_node *parent, struct jsonc_node *child)
{
	struct jsonc_node *before = NULL;

	for (struct jsonc_node *c = parent->first; c != child; c = c->next) {
		CHECK(c != NULL);
		before = c;
	}
	if (before != NULL)
		before->next = child->next;
	else
		parent->first = child->next;
	if (parent->last == child)
		parent->last = before;
	child->next = NULL;
	parent->n--;
}

/* After an element: true if another one follows; *done when the closing bracket was
 * taken. */
static bool parse_comma(struct jsonc_scan *s, char close, bool *done)
{
	struct jsonc_pos comma;

	*done = false;
	if (!jsonc_scan_space(s))
		return false;
	if (jsonc_scan_take(s, close)) {
		*done = true;
		return true;
	}
	comma = s->pos;
	if (!jsonc_scan_take(s, ','))
		return jsonc_scan_unexpected(s,
					     close == ']' ? "',' or ']'" : "',' or '}'");
	if (!jsonc_scan_space(s))
		return false;
	if (s->p < s->end && *s->p == close)
		return jsonc_scan_fail(s, comma, "a comma before '%c'; remove it", close);
	return true;
}

static bool parse_array(struct jsonc_scan *s, struct jsonc_node *node, unsigned depth)
{
	bool done = false;

	node->type = JSONC_ARRAY;
	if (!jsonc_scan_space(s))
		return false;
	if (jsonc_scan_take(s, ']'))
		return true;
	while (!done) {
		struct jsonc_node *child = xcalloc(1, sizeof *child);

		jsonc_append(node, child);
		if (!parse_value(s, child, depth + 1) || !parse_comma(s, ']', &done))
			return false;
	}
	return true;
}

static bool parse_key(struct jsonc_scan *s, struct jsonc_node *child)
{
	char c = s->p < s->end ? *s->p : '\0';

	child->key_pos = s->pos;
	if (s->p == s->end || *s->p != '"')
		return jsonc_scan_unexpected(
			s, c >= '0' && c <= '9'
				   ? "a key in double quotes (or a number without commas)"
				   : "a key in double quotes");
	if (!jsonc_scan_string(s, &child->key) || !jsonc_scan_space(s))
		return false;
	if (!jsonc_scan_take(s, ':'))
		return jsonc_scan_unexpected(s, "':' after the key");
	return jsonc_scan_space(s);
}

/* An object's members by their keys: to look for each among all before it would take a
 * megabyte of small ones a second. */
struct members {
	struct jsonc_node **sorted;
	size_t n, room;
};

/* Where the key is, or belongs. */
static size_t find_place(const struct members *m, const char *key)
{
	size_t from = 0, to = m->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (strcmp(m->sorted[middle]->key, key) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void put_at(struct members *m, size_t place, struct jsonc_node *child)
{
	if (m->n == m->room) {
		m->room = m->room > 0 ? m->room * 2 : 8;
		m->sorted = xrealloc(m->sorted, m->room * sizeof(struct jsonc_node *));
	}
	memmove(&m->sorted[place + 1], &m->sorted[place],
		(m->n - place) * sizeof(struct jsonc_node *));
	m->sorted[place] = child;
	m->n++;
}

/* Links the member unless its key is there already. */
static void add_member(struct jsonc_scan *s, struct jsonc_node *node, struct members *m,
		       struct jsonc_node *child)
{
	size_t place = find_place(m, child->key);
	const struct jsonc_node *twin = place < m->n ? m->sorted[place] : NULL;

	if (twin == NULL || strcmp(twin->key, child->key) != 0) {
		jsonc_append(node, child);
		put_at(m, place, child);
		return;
	}
	jsonc_scan_fail(s, child->key_pos,
			"duplicate key \"%.64s\", first on line %u; remove one of them",
			child->key, twin->key_pos.line);
	jsonc_free(&child);
}

static bool parse_members(struct jsonc_scan *s, struct jsonc_node *node,
			  struct members *m, unsigned depth)
{
	bool done = false;

	while (!done) {
		struct jsonc_node *child = xcalloc(1, sizeof *child);

		if (!parse_key(s, child) || !parse_value(s, child, depth + 1)) {
			jsonc_free(&child);
			return false;
		}
		if (node->n == JSONC_MEMBERS_MAX) {
			jsonc_scan_fail(s, child->key_pos,
					"more than %d keys in one object; leave some out",
					JSONC_MEMBERS_MAX);
			jsonc_free(&child);
			return false;
		}
		add_member(s, node, m, child);
		if (!parse_comma(s, '}', &done))
			return false;
	}
	return true;
}

static bool parse_object(struct jsonc_scan *s, struct jsonc_node *node, unsigned depth)
{
	struct members m = {0};
	bool is_whole;

	node->type = JSONC_OBJECT;
	if (!jsonc_scan_space(s))
		return false;
	if (jsonc_scan_take(s, '}'))
		return true;
	is_whole = parse_members(s, node, &m, depth);
	free(m.sorted);
	return is_whole;
}

static bool parse_scalar(struct jsonc_scan *s, struct jsonc_node *node)
{
	char c = s->p < s->end ? *s->p : '\0';

	if (c == '"') {
		node->type = JSONC_STRING;
		return jsonc_scan_string(s, &node->text);
	}
	if (c == '-' || (c >= '0' && c <= '9')) {
		node->type = JSONC_NUMBER;
		if (!jsonc_scan_number(s, &node->text))
			return false;
		node->number = strtod(node->text, NULL);
		return true;
	}
	node->type = JSONC_BOOL;
	node->boolean = jsonc_scan_word(s, "true");
	if (node->boolean || jsonc_scan_word(s, "false"))
		return true;
	node->type = JSONC_NULL;
	return jsonc_scan_word(s, "null") || jsonc_scan_no_value(s);
}

static bool parse_value(struct jsonc_scan *s, struct jsonc_node *node, unsigned depth)
{
	node->pos = s->pos;
	if (s->p == s->end || (*s->p != '{' && *s->p != '['))
		return parse_scalar(s, node);
	if (depth == JSONC_DEPTH_MAX)
		return jsonc_scan_fail(s, s->pos,
				       "nested deeper than %d levels; nest less",
				       JSONC_DEPTH_MAX);
	if (jsonc_scan_take(s, '['))
		return parse_array(s, node, depth);
	jsonc_scan_take(s, '{');
	return parse_object(s, node, depth);
}

static bool parse_text(struct jsonc_scan *s, struct jsonc_node *root)
{
	if (!jsonc_scan_space(s))
		return false;
	if (s->p == s->end)
		return jsonc_scan_fail(s, s->pos, "%s",
				       s->source == JSONC_FILE ? JSONC_EMPTY
							       : "the body is empty");
	if (!parse_value(s, root, 0) || !jsonc_scan_space(s))
		return false;
	return s->p == s->end ||
	       jsonc_scan_unexpected(s, s->source == JSONC_FILE ? "the file's end"
								: "the body's end");
}

static struct jsonc_node *parse(struct str text, enum jsonc_source source,
				const struct jsonc_sink *sink)
{
	struct jsonc_node *root = xcalloc(1, sizeof *root);
	struct jsonc_scan s;

	if (!jsonc_scan_init(&s, text, source, sink) || !parse_text(&s, root))
		jsonc_free(&root);
	return root;
}

struct jsonc_node *jsonc_parse(struct str text, const struct jsonc_sink *sink)
{
	return parse(text, JSONC_FILE, sink);
}

struct jsonc_node *jsonc_parse_body(struct str text, const struct jsonc_sink *sink)
{
	return parse(text, JSONC_BODY, sink);
}

static void note_any(void *ctx, struct jsonc_pos pos, const char *text)
{
	(void)pos;
	(void)text;
	*(bool *)ctx = true;
}

struct jsonc_node *jsonc_parse_object(struct str text)
{
	bool is_faulty = false;
	const struct jsonc_sink sink = {note_any, &is_faulty};
	struct jsonc_node *node = jsonc_parse_body(text, &sink);

	if (is_faulty || (node != NULL && node->type != JSONC_OBJECT))
		jsonc_free(&node);
	return node;
}

void jsonc_note_first(void *ctx, struct jsonc_pos pos, const char *text)
{
	struct sbuf *first = ctx;

	if (first->n == 0)
		sbuf_printf(first, "line %u, column %u: %s", pos.line, pos.column, text);
}
