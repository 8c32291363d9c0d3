/* Which of a caller's fields may go on to the upstream: none that holds a key.
 *
 * Values are judged, and names that are none of ours; whatever a field is called. Pure.
 * One look at the whole head tells most requests that there is nothing to be found. */
#ifndef GATEWAY_PROXY_KEY_FILTER_H
#define GATEWAY_PROXY_KEY_FILTER_H

#include "gateway/http/request_head.h"

struct key_filter {
	struct str key;   /* the presented one, a part of the head; n == 0: none */
	bool thorough;    /* there may be more than where that one stands */
	bool underscores; /* some field has one, beside that key's */
};

/* The head stays where it is for as long as the filter is used. */
void key_filter_init(struct key_filter *k, const struct request_head *h, struct str key);

/* Look, whatever was seen before. */
bool key_filter_search(const struct key_filter *k, struct str s);
bool key_filter_search_field(const struct key_filter *k, const struct http_field *f);

/* Some text of the head's fields, or made of its target, holds a key. */
static inline bool key_filter_in_text(const struct key_filter *k, struct str s)
{
	return str_has_place(s, k->key.p) || (k->thorough && key_filter_search(k, s));
}

/* In its name or value. */
static inline bool key_filter_in_field(const struct key_filter *k,
				       const struct http_field *f)
{
	return str_has_place(f->value, k->key.p) ||
	       (k->thorough && key_filter_search_field(k, f));
}

/* Fields of which only the items go that hold a key: lists, and cookies. Not where the
 * key itself could reach over several. */
bool key_filter_has_items(const struct key_filter *k, enum http_field_id id);
/* Takes the next item of a field of that id, trimmed; empty ones are skipped. */
bool key_filter_next_item(enum http_field_id id, struct str *list, struct str *item);
/* What stands between them. */
struct str key_filter_separator(enum http_field_id id);

#endif
