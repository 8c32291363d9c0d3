/* Which calls somebody watches. */
#include "gateway/watch/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool watch_read_status(struct watch_wanted *w, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (strcmp(end, "xx") == 0 && n >= 1 && n <= 9) {
		w->low = (int)n * 100;
		w->high = w->low + 99;
		return true;
	}
	w->low = w->high = (int)n;
	return *end == '\0' && n >= 100 && n <= 999;
}

static bool has_text(const char **list, size_t n, struct str text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(str_of(list[i]), text))
			return true;
	return n == 0;
}

bool watch_fits(const struct watch_wanted *w, const struct usage_event *e)
{
	char id[24];

	snprintf(id, sizeof id, "%lld", (long long)e->token_id);
	return has_text(w->tokens, w->n_tokens, str_of(id)) &&
	       has_text(w->routes, w->n_routes, e->route_path) &&
	       (w->low == 0 ||
		(e->response_status >= w->low && e->response_status <= w->high)) &&
	       (w->outcome == NULL || str_eq(str_of(w->outcome), e->outcome));
}

static void put_parameter(struct sbuf *query, const char *name, const char *value)
{
	sbuf_printf(query, "%s%s=", query->n > 0 ? "&" : "", name);
	for (const char *p = value; *p != '\0'; p++)
		if (strchr("-._~/", *p) != NULL || (*p >= '0' && *p <= '9') ||
		    (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
			sbuf_add(query, p, 1);
		else
			sbuf_printf(query, "%%%02X", (unsigned char)*p);
}

void watch_put_query(const struct watch_wanted *w, struct sbuf *query)
{
	for (size_t i = 0; i < w->n_tokens; i++)
		put_parameter(query, "token", w->tokens[i]);
	for (size_t i = 0; i < w->n_routes; i++)
		put_parameter(query, "route", w->routes[i]);
	if (w->low != 0 && w->low == w->high)
		sbuf_printf(query, "%sstatus=%d", query->n > 0 ? "&" : "", w->low);
	else if (w->low != 0)
		sbuf_printf(query, "%sclass=%dxx", query->n > 0 ? "&" : "", w->low / 100);
	if (w->outcome != NULL)
		put_parameter(query, "outcome", w->outcome);
}
