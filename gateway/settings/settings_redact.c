/* Connection strings as they may be shown. */
#include <libpq-fe.h>
#include <string.h>

#include "common/pg_conninfo.h"
#include "gateway/settings/settings.h"

/* A value of a connection string in single quotes (libpq manual, 34.1.1.1). */
static void put_conninfo_value(struct sbuf *out, const char *value)
{
	if (*value != '\0' && strpbrk(value, " '\\") == NULL) {
		sbuf_str(out, str_of(value));
		return;
	}
	sbuf_lit(out, "'");
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			sbuf_lit(out, "\\");
		sbuf_add(out, value, 1);
	}
	sbuf_lit(out, "'");
}

void settings_redact_database(const char *database, struct sbuf *out)
{
	PQconninfoOption *all, *o;
	const char *space = "", *why;

	if (*database == '\0')
		return;
	all = pg_conninfo_check(database, &why) ? PQconninfoParse(database, NULL) : NULL;
	if (all == NULL) {
		sbuf_lit(out, "***");
		return;
	}
	for (o = all; o->keyword != NULL; o++) {
		if (o->val == NULL)
			continue;
		sbuf_printf(out, "%s%s=", space, o->keyword);
		if (strchr(o->dispchar, '*') != NULL) /* libpq's own mark of a password */
			sbuf_lit(out, "***");
		else
			put_conninfo_value(out, o->val);
		space = " ";
	}
	PQconninfoFree(all);
}
