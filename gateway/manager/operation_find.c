/* Which operation a request is for. */
#include "gateway/manager/operation_find.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/manager/ingest_access.h"
#include "gateway/manager/query.h"

/* Takes what stands before the next '/'. False: nothing is left. */
static bool next_segment(struct str *path, struct str *segment)
{
	const char *end;

	if (path->n == 0 || path->p[0] != '/')
		return false;
	path->p++;
	path->n--;
	end = memchr(path->p, '/', path->n);
	*segment = (struct str){path->p, end != NULL ? (size_t)(end - path->p) : path->n};
	path->p += segment->n;
	path->n -= segment->n;
	return true;
}

static bool take_value(struct operation_match *m, struct str pattern, struct str segment)
{
	struct operation_value *v = &m->values[m->n_values];
	const char *why;
	char *text = query_decode(segment, false, &why);
	bool fits = text != NULL && *text != '\0' && strlen(text) < sizeof v->text;

	if (fits) {
		CHECK(m->n_values < OPERATION_VALUES_MAX);
		v->name = (struct str){pattern.p + 1, pattern.n - 2};
		memcpy(v->text, text, strlen(text) + 1);
		m->n_values++;
	}
	free(text);
	return fits;
}

static bool matches(struct operation_match *m, struct str pattern, struct str path)
{
	struct str wanted, segment;

	m->n_values = 0;
	while (next_segment(&pattern, &wanted)) {
		if (!next_segment(&path, &segment))
			return false;
		if (wanted.n > 0 && wanted.p[0] == '{') {
			if (!take_value(m, wanted, segment))
				return false;
		} else if (!str_eq(wanted, segment)) {
			return false;
		}
	}
	return path.n == 0;
}

static bool is_path_of(struct operation_match *m, const struct operation *o,
		       struct str path)
{
	struct str secret;

	if (o->may == MAY_INGEST)
		return ingest_path(path, &secret);
	return matches(m, str_of(o->path), path);
}

void operation_find(const struct operation *table, size_t n, struct str path,
		    enum http_method method, struct operation_match *match)
{
	*match = (struct operation_match){0};
	for (size_t i = 0; i < n; i++) {
		struct operation_match m = *match;

		if (!is_path_of(&m, &table[i], path))
			continue;
		m.allow |= HTTP_METHOD_BIT(table[i].method);
		if (table[i].method == HTTP_GET)
			m.allow |= HTTP_METHOD_BIT(HTTP_HEAD);
		if (table[i].method == method ||
		    (table[i].method == HTTP_GET && method == HTTP_HEAD)) {
			m.operation = &table[i];
			*match = m;
		} else {
			match->allow = m.allow;
		}
	}
}
