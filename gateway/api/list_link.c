/* Links to the next pages of lists. */
#include "gateway/api/list_link.h"

#include <string.h>

/* RFC 3986 2.3 */
static void put_encoded(struct sbuf *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";

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
		put_encoded(out, query->items[i].value);
		sbuf_lit(out, "&");
	}
	sbuf_lit(out, "after=");
}
