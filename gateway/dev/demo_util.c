/* What the demo's endpoints share: paths, query parameters, JSON strings. */
#include "gateway/dev/demo_util.h"

static bool rest_matches(struct str rest, struct str name, uint64_t *number)
{
	if (!str_has_prefix(rest, name))
		return false;
	rest.p += name.n;
	rest.n -= name.n;
	if (number == NULL)
		return rest.n == 0;
	if (rest.n < 2 || rest.p[0] != '/')
		return false;
	return str_to_u64((struct str){rest.p + 1, rest.n - 1}, number);
}

bool demo_path_is(struct str path, struct str name, uint64_t *number)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] == '/' &&
		    rest_matches((struct str){path.p + i, path.n - i}, name, number))
			return true;
	return false;
}

uint64_t demo_query_u64(struct str query, struct str name, uint64_t fallback)
{
	while (query.n > 0) {
		const char *end = memchr(query.p, '&', query.n);
		size_t n = end != NULL ? (size_t)(end - query.p) : query.n;
		struct str pair = {query.p, n};
		uint64_t value;

		if (pair.n > name.n && pair.p[name.n] == '=' &&
		    str_has_prefix(pair, name) &&
		    str_to_u64((struct str){pair.p + name.n + 1, pair.n - name.n - 1},
			       &value))
			return value;
		n += end != NULL;
		query.p += n;
		query.n -= n;
	}
	return fallback;
}

void demo_json_string(struct sbuf *out, struct str s)
{
	sbuf_lit(out, "\"");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			sbuf_printf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			sbuf_printf(out, "\\u%04x", c);
		else
			sbuf_add(out, &s.p[i], 1);
	}
	sbuf_lit(out, "\"");
}
