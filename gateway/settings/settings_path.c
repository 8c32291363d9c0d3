/* The path of a route: a plain prefix, and what was meant by one that is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_priv.h"

#define ROUTE_PATH_MAX 255 /* token_usage_logs.route_path is VARCHAR(255) */

static bool has_dot_segment(const char *path)
{
	for (const char *p = path; *p != '\0'; p++) {
		const char *s = p + 1;

		if (*p != '/')
			continue;
		s += *s == '.';
		s += *s == '.' && s > p + 1;
		if (s > p + 1 && (*s == '/' || *s == '\0'))
			return true;
	}
	return false;
}

/* NULL if it can be a route's prefix, else what is wrong. */
static const char *route_path_fault(const char *path)
{
	size_t n = strlen(path);

	if (strstr(path, "://") != NULL)
		return "is a URL; a path is wanted";
	if (path[0] != '/')
		return "must begin with /";
	if (n > ROUTE_PATH_MAX)
		return "may have 255 bytes at most";
	for (size_t i = 0; i < n; i++)
		if (path[i] <= ' ' || path[i] == 0x7f)
			return "holds a space, a control or a non-ASCII character";
	if (strpbrk(path, "%\\") != NULL)
		return "holds % or \\; prefixes are matched as they are";
	if (strpbrk(path, "?#*") != NULL)
		return "holds ?, # or *; it is a plain prefix, a query or a pattern "
		       "cannot match";
	if (strstr(path, "//") != NULL)
		return "holds an empty segment //";
	if (has_dot_segment(path))
		return "holds a . or .. segment";
	if (n > 1 && path[n - 1] == '/')
		return "ends in /; the prefix matches whole segments anyway";
	return NULL;
}

/* Appends one segment to the n bytes of path, as far as it fits. */
static size_t add_segment(char *path, size_t n, struct str segment)
{
	if (str_eq(segment, STR("..")))
		while (n > 0 && path[--n] != '/')
			;
	if (segment.n == 0 || segment.p[0] == '.' || n + 1 + segment.n > ROUTE_PATH_MAX)
		return n;
	path[n++] = '/';
	for (size_t i = 0; i < segment.n; i++) {
		char c = segment.p[i];

		path[n++] = c <= ' ' || c == 0x7f || c == '%' ? '-' : c;
	}
	return n;
}

static void suggest_path(char path[ROUTE_PATH_MAX + 1], const char *text)
{
	const char *scheme = strstr(text, "://");
	size_t n = 0, end;

	if (scheme != NULL)
		text = scheme + 3 + strcspn(scheme + 3, "/?#");
	end = strcspn(text, "?#*");
	for (size_t i = 0; i < end;) {
		struct str segment = {text + i, strcspn(text + i, "/\\?#*")};

		n = add_segment(path, n, segment);
		i += segment.n + 1;
	}
	if (n == 0)
		path[n++] = '/';
	path[n] = '\0';
}

void slot_set_path(const struct settings_slot *slot, const struct jsonc_node *node)
{
	char meant[ROUTE_PATH_MAX + 1];
	struct settings_route *route = slot->base;
	struct settings_text t;
	const char *why;

	CHECK(slot->place == IN_ROUTE);
	if (!slot_text(slot, node, 0, &t))
		return;
	why = route_path_fault(t.text);
	if (why == NULL) {
		free(route->path);
		route->path = t.text;
		route->path_len = strlen(t.text);
		t.text = NULL;
	} else {
		suggest_path(meant, t.text);
		slot_error(slot, node, "%s; write \"%s\"", why,
			   t.secret ? slot->key->example : meant);
	}
	settings_text_fini(&t);
}
