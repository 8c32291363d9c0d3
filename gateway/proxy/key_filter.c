/* Which of a caller's fields may go on to the upstream: none that holds a key. */
#include "gateway/proxy/key_filter.h"

#include "common/check.h"
#include "gateway/token/key.h"
#include "gateway/token/key_text.h"

#define LISTS                                                                            \
	(HTTP_H_BIT(HTTP_H_BAGGAGE) | HTTP_H_BIT(HTTP_H_COOKIE) |                        \
	 HTTP_H_BIT(HTTP_H_SEC_WEBSOCKET_PROTOCOL) | HTTP_H_BIT(HTTP_H_TRACESTATE) |     \
	 HTTP_H_BIT(HTTP_H_VIA) | HTTP_H_BIT(HTTP_H_X_FORWARDED_FOR))

/* All fields' lines, as they were sent. */
static struct str lines_of(const struct request_head *h)
{
	const struct http_field *first = &h->fields[0], *last;
	const char *end;

	if (h->n_fields == 0)
		return (struct str){NULL, 0};
	last = &h->fields[h->n_fields - 1];
	end = last->value.n ? last->value.p + last->value.n : last->name.p + last->name.n;
	return (struct str){first->name.p, (size_t)(end - first->name.p)};
}

/* The start of a key, in any case, with its '_' at p. */
static bool is_suspect(struct str lines, const char *p)
{
	static const char *const prefixes[] = {KEY_PREFIXES};
	const size_t before = sizeof(KEY_PREFIX) - 2;

	if ((size_t)(p - lines.p) < before)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_ieq((struct str){p - before, before},
			    (struct str){prefixes[i], before}))
			return true;
	return false;
}

static void look_over(struct key_filter *k, struct str lines)
{
	const char *p = lines.p, *end = lines.p + lines.n;

	if (memchr(p, '%', lines.n) != NULL)
		k->thorough = k->underscores = true;
	for (; !k->thorough && (p = memchr(p, '_', (size_t)(end - p))) != NULL; p++) {
		if (str_has_place(k->key, p))
			continue;
		k->underscores = true;
		k->thorough = is_suspect(lines, p);
	}
}

void key_filter_init(struct key_filter *k, const struct request_head *h, struct str key)
{
	/* A key of another shape may stand anywhere, and so may one in a target's
	 * host. */
	bool anywhere = (key.n && !key_text_is_ours(key)) ||
			(h->target.n && h->target.p[0] != '/');
	struct str lines = lines_of(h);

	*k = (struct key_filter){
		.key = key, .thorough = anywhere, .underscores = anywhere};
	if (!anywhere && lines.n)
		look_over(k, lines);
}

bool key_filter_search(const struct key_filter *k, struct str s)
{
	return s.n && key_in_text(s, k->key);
}

bool key_filter_search_field(const struct key_filter *k, const struct http_field *f)
{
	return key_filter_search(k, f->value) ||
	       (f->id == HTTP_H_OTHER && key_filter_search(k, f->name));
}

bool key_filter_has_items(const struct key_filter *k, enum http_field_id id)
{
	char separator = key_filter_separator(id).p[0];

	if ((LISTS & HTTP_H_BIT(id)) == 0)
		return false;
	return k->key.n == 0 || memchr(k->key.p, separator, k->key.n) == NULL;
}

bool key_filter_next_item(enum http_field_id id, struct str *list, struct str *item)
{
	char separator = key_filter_separator(id).p[0];

	while (list->n) {
		const char *end = memchr(list->p, separator, list->n);
		size_t n = end ? (size_t)(end - list->p) : list->n;

		*item = str_trim((struct str){list->p, n});
		n += end != NULL;
		*list = (struct str){list->p + n, list->n - n};
		if (item->n)
			return true;
	}
	return false;
}

struct str key_filter_separator(enum http_field_id id)
{
	return id == HTTP_H_COOKIE ? STR("; ") : STR(", ");
}
