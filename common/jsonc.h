/* JSON as a tree that remembers line and column: configuration files, which may have
 * comments (// and the C kind), and bodies of requests, which may not.
 *
 * Stricter than most parsers: RFC 8259 and nothing else. It refuses duplicate keys,
 * trailing commas, trailing text, leading zeros, control characters and \u0000 in
 * strings, lone surrogates, invalid UTF-8, and nesting deeper than JSONC_DEPTH_MAX. Pure;
 * any thread. */
#ifndef COMMON_JSONC_H
#define COMMON_JSONC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define JSONC_DEPTH_MAX 32     /* objects and arrays inside each other */
#define JSONC_MEMBERS_MAX 1000 /* keys of one object */

enum jsonc_type {
	JSONC_NULL,
	JSONC_BOOL,
	JSONC_NUMBER,
	JSONC_STRING,
	JSONC_ARRAY,
	JSONC_OBJECT,
};

/* Both from 1. A column counts characters, not bytes; a tab is one. */
struct jsonc_pos {
	unsigned line, column;
};

struct jsonc_node {
	enum jsonc_type type;
	struct jsonc_pos pos;     /* of the value's first character */
	struct jsonc_pos key_pos; /* of the key's quote; only for a member of an object */
	char *key;                /* only for a member of an object */
	char *text;               /* JSONC_STRING: decoded; JSONC_NUMBER: as written */
	double number;
	bool boolean;
	struct jsonc_node *first, *last; /* elements or members, in the file's order */
	struct jsonc_node *next;
	size_t n;
};

/* The fault of a text without any value. */
#define JSONC_EMPTY "the file is empty"

/* Receives each fault: "what is wrong; what to do". The text lives during the call
 * only. */
struct jsonc_sink {
	void (*fault)(void *ctx, struct jsonc_pos pos, const char *text);
	void *ctx;
};

/* The tree, or NULL after the first syntax fault. Duplicate keys are reported, the later
 * one is left out, and parsing goes on: the caller counts faults in its sink. */
struct jsonc_node *jsonc_parse(struct str text, const struct jsonc_sink *sink);
/* The same of a request's body: without comments. */
struct jsonc_node *jsonc_parse_body(struct str text, const struct jsonc_sink *sink);
/* A body that is an object without any fault; else NULL. */
struct jsonc_node *jsonc_parse_object(struct str text);
/* For a sink: the first fault, with its place, to an empty buffer (ctx: struct sbuf). */
void jsonc_note_first(void *ctx, struct jsonc_pos pos, const char *text);
/* Frees a tree, wiping its strings (they may be secrets); clears *node. NULL is fine. */
void jsonc_free(struct jsonc_node **node);

/* A member of an object, by exact name; NULL if there is none or node is no object. */
struct jsonc_node *jsonc_get(const struct jsonc_node *node, const char *key);
/* Its text; NULL if there is no such member, or it is no string. */
const char *jsonc_text(const struct jsonc_node *node, const char *key);
/* Unlinks child from its parent; the caller owns it then. */
void jsonc_take(struct jsonc_node *parent, struct jsonc_node *child);
/* Links child, which the parent owns from now on, at the end. */
void jsonc_append(struct jsonc_node *parent, struct jsonc_node *child);
/* "a string", "an object", ...: for messages. */
const char *jsonc_type_name(enum jsonc_type type);

#endif
