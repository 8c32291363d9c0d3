/* What a route sets and removes among a message's fields, ready for quick questions. */
#include "gateway/proxy/header_edits.h"

#define ALIAS_MAX 64 /* longer than any name that has an id, but for x-forwarded-* */

/* The gateway writes these itself, whatever the settings say. */
#define OWN_FIELDS                                                                       \
	(HTTP_H_BIT(HTTP_H_CONNECTION) | HTTP_H_BIT(HTTP_H_CONTENT_LENGTH) |             \
	 HTTP_H_BIT(HTTP_H_TRANSFER_ENCODING) | HTTP_H_BIT(HTTP_H_TRAILER) |             \
	 HTTP_H_BIT(HTTP_H_UPGRADE))

/* Names without an id, and those that share one, are told apart by their text. */
static bool goes_by_name(enum http_field_id id)
{
	return id == HTTP_H_OTHER || id == HTTP_H_X_FORWARDED;
}

static uint64_t note_name(struct header_edits *e, const char *name)
{
	enum http_field_id id = http_field_id(str_of(name));

	if (!goes_by_name(id))
		return HTTP_H_BIT(id);
	e->by_name = true;
	return 0;
}

void header_edits_init(struct header_edits *e, const struct settings_headers *set,
		       const struct settings_names *remove)
{
	*e = (struct header_edits){.set = set, .remove = remove};
	for (size_t i = 0; i < set->n; i++)
		e->set_ids |= note_name(e, set->items[i].name);
	for (size_t i = 0; i < remove->n; i++)
		e->remove_ids |= note_name(e, remove->items[i]);
}

static unsigned char fold(char c)
{
	if (c == '_')
		return '-';
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool is_same_name(struct str a, const char *b)
{
	for (size_t i = 0; i < a.n; i++)
		if (b[i] == '\0' || fold(a.p[i]) != fold(b[i]))
			return false;
	return b[a.n] == '\0';
}

bool header_edits_drop(const struct header_edits *e, enum http_field_id id,
		       struct str name)
{
	if (!goes_by_name(id))
		return ((e->set_ids | e->remove_ids) & HTTP_H_BIT(id)) != 0;
	if (!e->by_name)
		return false;
	for (size_t i = 0; i < e->set->n; i++)
		if (is_same_name(name, e->set->items[i].name))
			return true;
	for (size_t i = 0; i < e->remove->n; i++)
		if (is_same_name(name, e->remove->items[i]))
			return true;
	return false;
}

void header_add(struct sbuf *out, struct str name, struct str value)
{
	size_t n = name.n + value.n + 4;
	char *to = sbuf_reserve(out, n);

	if (to == NULL)
		return;
	memcpy(to, name.p, name.n);
	to += name.n;
	*to++ = ':';
	*to++ = ' ';
	if (value.n)
		memcpy(to, value.p, value.n);
	to += value.n;
	*to++ = '\r';
	*to = '\n';
	out->n += n;
}

void header_edits_add_set(const struct header_edits *e, struct sbuf *out)
{
	for (size_t i = 0; i < e->set->n; i++) {
		struct str name = str_of(e->set->items[i].name);

		if (HTTP_H_BIT(http_field_id(name)) & OWN_FIELDS)
			continue;
		header_add(out, name, str_of(e->set->items[i].value));
	}
}

enum http_field_id header_alias(struct str name)
{
	char text[ALIAS_MAX];
	size_t n = name.n < sizeof text ? name.n : sizeof text;

	if (memchr(name.p, '_', name.n) == NULL)
		return HTTP_H_OTHER;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)fold(name.p[i]);
	return http_field_id((struct str){text, n});
}
