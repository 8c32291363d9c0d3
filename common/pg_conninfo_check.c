/* The address of PostgreSQL, judged without ever quoting it.
 *
 * A special character that is not percent-encoded moves a part of the password into the
 * host, the user or the database's name, which libpq's messages, logs and dumps show:
 * such an address is refused before anything sees it. How libpq splits: PostgreSQL
 * manual, 34.1.1 (connection strings); its parser takes the first @ before any / as the
 * end of user and password. */
#include <ctype.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_conninfo.h"

#define KEYWORDS_MAX 128 /* libpq knows about 50 */

static const char not_read[] =
	"the database is neither a postgresql:// URL nor a list of keyword=value; are "
	"special characters in the password percent-encoded?";
static const char bad_port[] =
	"the database's port is not a number; are special characters in the password "
	"percent-encoded?";
static const char stray_at[] =
	"the database's URL holds an @ that does not stand before the host; percent-encode "
	"special characters of the password (@ as %40, / as %2F, ? as %3F) and of names";
static const char blank[] =
	"the database's URL holds a blank; remove it, or percent-encode it as %20";
static const char bad_host[] =
	"the database's host holds an @; percent-encode special characters of the password "
	"in a URL (@ as %40), and nothing else";
static const char bad_user[] =
	"the database's user holds a colon; write user:password with a plain colon in a "
	"URL, or user=... password=..., and percent-encode what is special in a URL's "
	"password";
static const char at_in_pair[] =
	"the database's host, user or name holds an @; if that is meant, write the database "
	"as a URL, and percent-encode it there as %40";
static const char bad_name[] =
	"the database's name holds an @, &, = or \"password\"; in a URL parameters begin "
	"with ?, and what belongs to the name is percent-encoded";
static const char hidden_password[] =
	"the database holds \"password=\" inside another value; separate parameters with & "
	"behind the ? of a URL, and percent-encode special characters";
static const char twice[] =
	"the database has a keyword twice; leave one out, and percent-encode special "
	"characters of the password in a URL";
static const char no_blank[] =
	"the database has no blank between a closing quote and the next keyword; write "
	"\\' for a quote inside a quoted password, or a URL and percent-encode it";

/* Behind the scheme, or NULL: not a URL. */
static char *behind_scheme(char *conninfo)
{
	static const char *const schemes[] = {"postgresql://", "postgres://"};

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncmp(conninfo, schemes[i], strlen(schemes[i])) == 0)
			return conninfo + strlen(schemes[i]);
	return NULL;
}

/* Which keywords were set, by their places in libpq's list. */
struct keywords {
	bool seen[KEYWORDS_MAX];
};

/* Notes what one part of the address sets; false if any of it was set before. */
static bool note_part(struct keywords *k, const char *part)
{
	PQconninfoOption *all = PQconninfoParse(part, NULL);
	bool ok = true;

	for (size_t i = 0; all != NULL && all[i].keyword != NULL; i++) {
		CHECK(i < KEYWORDS_MAX);
		if (all[i].val == NULL)
			continue;
		ok = ok && !k->seen[i];
		k->seen[i] = true;
	}
	PQconninfoFree(all);
	return ok;
}

/* --- URLs --- */

/* The parameters behind the ?; libpq itself says which keyword each of them sets. */
static bool note_query(struct keywords *k, char *query)
{
	char *rest = NULL, *one;
	bool ok = true;

	for (one = strtok_r(query, "&", &rest); one != NULL && ok;
	     one = strtok_r(NULL, "&", &rest)) {
		char *alone = xasprintf("postgresql:///?%s", one);

		ok = note_part(k, alone);
		OPENSSL_cleanse(alone, strlen(alone));
		free(alone);
	}
	return ok;
}

/* url is a copy, which is cut into pieces. */
static const char *url_fault(char *url)
{
	char *start = behind_scheme(url), *query, *path;
	size_t user = strcspn(start, "@/");
	struct keywords k = {0};

	if (start[user] == '@')
		start += user + 1;
	if (strchr(start, '@') != NULL)
		return stray_at;
	if (strpbrk(url, " \t\r\n\v\f") != NULL)
		return blank;
	query = strchr(start, '?');
	if (query != NULL)
		*query++ = '\0';
	path = strchr(start, '/');
	if (path != NULL && (strpbrk(path, "&=") || strcasestr(path, "password")))
		return bad_name;
	if (!note_part(&k, url) || (query != NULL && !note_query(&k, query)))
		return twice;
	return NULL;
}

/* --- keyword=value --- */

/* Past one value, as libpq reads it. */
static char *value_end(char *p)
{
	bool quoted = *p == '\'';

	p += quoted;
	while (*p != '\0' && (quoted ? *p != '\'' : !isspace((unsigned char)*p))) {
		p += *p == '\\' && p[1] != '\0';
		p++;
	}
	return quoted && *p == '\'' ? p + 1 : p;
}

static char *skip_space(char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* pairs is a copy, which is cut into pieces, of what libpq could read. */
static const char *pairs_fault(char *pairs)
{
	struct keywords k = {0};
	char *p = skip_space(pairs), *end, more;

	for (; *p != '\0'; p = skip_space(end)) {
		end = value_end(skip_space(p + strcspn(p, "=") + 1));
		more = *end;
		if (more != '\0' && !isspace((unsigned char)more))
			return no_blank;
		*end = '\0';
		if (!note_part(&k, p))
			return twice;
		*end = more;
	}
	return NULL;
}

/* --- values --- */

static bool is(const PQconninfoOption *o, const char *keyword)
{
	return strcmp(o->keyword, keyword) == 0;
}

static bool is_secret(const PQconninfoOption *o)
{
	return strchr(o->dispchar, '*') != NULL; /* libpq's own mark */
}

/* "password=" where it is part of something else. */
static bool hides_password(const char *value)
{
	const char *p = value;

	while ((p = strcasestr(p, "password")) != NULL) {
		p += strlen("password");
		if (p[strspn(p, " ")] == '=')
			return true;
	}
	return false;
}

/* In a host's name an @ stands in front only, where it marks an abstract socket; a
 * socket's folder may have any name. */
static bool has_inner_at(const char *hosts)
{
	for (const char *p = hosts; *p != '\0'; p += *p == ',') {
		size_t n = strcspn(p, ",");

		if (*p != '/' && n > 1 && memchr(p + 1, '@', n - 1) != NULL)
			return true;
		p += n;
	}
	return false;
}

/* user:password@host, encoded as a whole, is a name. */
static bool is_whole_address(const char *name)
{
	const char *at = strrchr(name, '@');

	return at != NULL && memchr(name, ':', (size_t)(at - name)) != NULL;
}

/* What holds in either form. */
static const char *value_fault(const PQconninfoOption *o)
{
	/* `postgres://user:pa/ss@host` reads as port "pa". */
	if (is(o, "port") && strspn(o->val, "0123456789,") != strlen(o->val))
		return bad_port;
	if ((is(o, "host") || is(o, "hostaddr")) && has_inner_at(o->val))
		return bad_host;
	if (is(o, "user") && strchr(o->val, ':') != NULL)
		return bad_user;
	if (is(o, "dbname") && is_whole_address(o->val))
		return bad_name;
	return NULL;
}

/* What a URL may hold percent-encoded, for it was meant then. */
static const char *pair_fault(const PQconninfoOption *o)
{
	if (is(o, "dbname") &&
	    (strpbrk(o->val, "@&=") != NULL || strcasestr(o->val, "password") != NULL))
		return bad_name;
	if ((is(o, "host") || is(o, "hostaddr") || is(o, "user")) &&
	    strchr(o->val, '@') != NULL)
		return at_in_pair;
	return NULL;
}

static const char *values_fault(const PQconninfoOption *all, bool is_url)
{
	const char *why = NULL;

	for (; all->keyword != NULL && why == NULL; all++) {
		if (all->val == NULL || is_secret(all))
			continue;
		why = hides_password(all->val) ? hidden_password : NULL;
		if (why == NULL && !is_url)
			why = pair_fault(all);
		if (why == NULL)
			why = value_fault(all);
	}
	return why;
}

bool pg_conninfo_check(const char *conninfo, const char **why)
{
	PQconninfoOption *all;
	char *copy;
	bool is_url;

	*why = "no database is given";
	if (conninfo == NULL || *conninfo == '\0')
		return false;
	*why = not_read;
	all = PQconninfoParse(conninfo, NULL);
	if (all == NULL)
		return false;
	copy = xstrdup(conninfo);
	is_url = behind_scheme(copy) != NULL;
	*why = is_url ? url_fault(copy) : pairs_fault(copy);
	if (*why == NULL)
		*why = values_fault(all, is_url);
	OPENSSL_cleanse(copy, strlen(conninfo));
	free(copy);
	PQconninfoFree(all);
	return *why == NULL;
}
