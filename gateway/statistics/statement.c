/* Finds parts of the .sql files and puts them together. */
#include "gateway/statistics/statement.h"

#include <string.h>

#include "common/check.h"
#include "common/embedded.h"

#define DEPTH_MAX 8 /* of parts in parts */

static const char head[] = "\n-- name: ";

/* From behind the head of the part. NULL: the file has none of this name. */
static const char *find_in(const char *text, struct str name)
{
	while ((text = strstr(text, head)) != NULL) {
		text += sizeof head - 1;
		if (strncmp(text, name.p, name.n) == 0 && text[name.n] == '\n')
			return text + name.n;
	}
	return NULL;
}

/* The part up to the next, with the comments in front of that. NULL: there is none. */
static struct str find_part(struct str name)
{
	size_t n_files;
	const struct embedded_file *files = embedded_statements(&n_files);

	for (size_t i = 0; i < n_files; i++) {
		const char *start = find_in(files[i].text, name), *end;

		if (start == NULL)
			continue;
		end = strstr(start, "\n--");
		if (end == NULL)
			end = start + strlen(start);
		while (end > start && end[-1] == '\n')
			end--;
		start += start < end; /* the head's newline */
		return (struct str){start, (size_t)(end - start)};
	}
	return (struct str){0};
}

static struct str chosen(struct str name, const struct statement_choice *choices)
{
	for (; choices != NULL && choices->name != NULL; choices++)
		if (str_eq(name, str_of(choices->name)))
			return str_of(choices->part);
	return name;
}

static void put(struct sbuf *sql, struct str name, const struct statement_choice *choices,
		int depth)
{
	struct str rest = find_part(chosen(name, choices));
	const char *open, *close;

	CHECK(rest.p != NULL && depth < DEPTH_MAX);
	while ((open = memchr(rest.p, '{', rest.n)) != NULL) {
		close = memchr(open, '}', rest.n - (size_t)(open - rest.p));
		CHECK(close != NULL);
		sbuf_add(sql, rest.p, (size_t)(open - rest.p));
		put(sql, (struct str){open + 1, (size_t)(close - open) - 1}, choices,
		    depth + 1);
		rest.n -= (size_t)(close + 1 - rest.p);
		rest.p = close + 1;
	}
	sbuf_str(sql, rest);
}

void statement_put(struct sbuf *sql, const char *name,
		   const struct statement_choice *choices)
{
	put(sql, str_of(name), choices, 0);
}
