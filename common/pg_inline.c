/* Parameters put into the text of a statement. */
#include "common/pg_inline.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"

/* How long the parameter's name is; 0: there is none. */
static size_t parameter_at(const char *p, int *number)
{
	char *end;

	if (p[0] != '$' || p[1] < '1' || p[1] > '9')
		return 0;
	*number = (int)strtol(p + 1, &end, 10);
	return (size_t)(end - p);
}

static bool add_value(PGconn *pg, const char *value, struct sbuf *out)
{
	char *literal;

	if (value == NULL) {
		sbuf_lit(out, "NULL");
		return true;
	}
	literal = PQescapeLiteral(pg, value, strlen(value));
	if (literal == NULL)
		return false;
	sbuf_str(out, str_of(literal));
	PQfreemem(literal);
	return true;
}

bool pg_inline(PGconn *pg, const char *sql, const char *const *values, int n,
	       struct sbuf *out)
{
	size_t length;
	int number;

	while (*sql != '\0') {
		size_t plain = strcspn(sql, "$");

		sbuf_add(out, sql, plain);
		sql += plain;
		length = parameter_at(sql, &number);
		if (length > 0) {
			CHECK(number <= n);
			if (!add_value(pg, values[number - 1], out))
				return false;
			sql += length;
		} else if (*sql == '$') {
			sbuf_add(out, sql++, 1);
		}
	}
	return true;
}
