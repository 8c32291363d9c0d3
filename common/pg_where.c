/* Where a connection string leads, for logs. */
#include "common/pg_where.h"

#include <libpq-fe.h>
#include <stdlib.h>

#include "common/pg_conninfo.h"

#define NAME_MAX_BYTES 256

static const char *value_of(const PQconninfoOption *all, const char *keyword)
{
	for (; all->keyword != NULL; all++)
		if (strcmp(all->keyword, keyword) == 0 && all->val != NULL &&
		    *all->val != '\0')
			return all->val;
	return NULL;
}

static const char *or_variable(const char *value, const char *variable)
{
	return value != NULL ? value : getenv(variable);
}

/* Element i of a list with commas; the only one stands for all. */
static struct str element(const char *list, unsigned i)
{
	struct str rest = str_of(list), item = {NULL, 0};
	unsigned seen = 0;

	if (list == NULL)
		return item;
	for (;;) {
		const char *comma = memchr(rest.p, ',', rest.n);

		item = (struct str){rest.p, comma ? (size_t)(comma - rest.p) : rest.n};
		if (comma == NULL)
			return seen == 0 || seen == i ? item : (struct str){NULL, 0};
		if (seen++ == i)
			return item;
		rest = (struct str){comma + 1, rest.n - item.n - 1};
	}
}

/* Names of one's own making may hold anything. */
static void put_name(struct sbuf *out, struct str s)
{
	for (size_t i = 0; i < s.n && i < NAME_MAX_BYTES; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char shown = c > 0x20 && c < 0x7f ? s.p[i] : '?';

		sbuf_add(out, &shown, 1);
	}
}

static void put_hosts(struct sbuf *out, const char *hosts, const char *ports)
{
	struct str host, port;
	unsigned n = 1;

	for (const char *p = hosts; *p != '\0'; p++)
		n += *p == ',';
	for (unsigned i = 0; i < n; i++) {
		host = element(hosts, i);
		port = element(ports, i);
		sbuf_str(out, i ? STR(",") : STR(""));
		put_name(out, host);
		if (port.n > 0) {
			sbuf_lit(out, ":");
			put_name(out, port);
		}
	}
}

void pg_where(const char *conninfo, struct sbuf *out)
{
	const char *why, *host, *database;
	PQconninfoOption *all = NULL;

	if (pg_conninfo_check(conninfo, &why))
		all = PQconninfoParse(conninfo, NULL);
	if (all == NULL) {
		sbuf_lit(out, "***");
		return;
	}
	host = value_of(all, "host");
	host = or_variable(host != NULL ? host : value_of(all, "hostaddr"), "PGHOST");
	database = or_variable(value_of(all, "dbname"), "PGDATABASE");
	if (host != NULL)
		put_hosts(out, host, or_variable(value_of(all, "port"), "PGPORT"));
	else
		sbuf_lit(out, "its default socket");
	if (database != NULL) {
		sbuf_lit(out, "/");
		put_name(out, str_of(database));
	}
	PQconninfoFree(all);
}
