/* Lists: what they take, and links to their next pages. */
#include "gateway/api/list_link.h"

#include <stdio.h>
#include <string.h>

static size_t count_characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void list_check_lengths(const struct query *query, struct input_faults *faults)
{
	for (size_t i = 0; i < query->n; i++) {
		const struct query_item *item = &query->items[i];
		char name[32];

		if (strcmp(item->name, "after") == 0 ||
		    count_characters(item->value) <= LIST_TEXT_MAX)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)strcspn(item->name, "*"),
			 item->name);
		input_fault(faults, INPUT_PARAMETER, name, "takes at most %d characters",
			    LIST_TEXT_MAX);
	}
}

void list_link_value(struct sbuf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~/:,";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			sbuf_add(out, text, 1);
		else
			sbuf_printf(out, "%%%02X", (unsigned char)*text);
}

void list_link_put(struct sbuf *out, struct str path, const struct query *query)
{
	sbuf_str(out, path);
	sbuf_lit(out, "?");
	for (size_t i = 0; i < query->n; i++) {
		if (strcmp(query->items[i].name, "after") == 0)
			continue;
		/* One that may come several times ends with *. */
		sbuf_printf(out, "%.*s=", (int)strcspn(query->items[i].name, "*"),
			    query->items[i].name);
		list_link_value(out, query->items[i].value);
		sbuf_lit(out, "&");
	}
	sbuf_lit(out, "after=");
}
