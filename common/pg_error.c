/* What PostgreSQL says when something goes wrong. */
#include "common/pg_error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/utf8.h"

#define CLEAN_MAX 16384u
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static uint32_t code_point(const unsigned char *p, size_t n)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = p[0] & first[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* C0, DEL, C1, and what else moves a reader's cursor or turns his line around: line and
 * paragraph separators, directional marks (Unicode 15, 23.2). */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0xfeff;
}

static bool is_line_end(unsigned char c)
{
	return c == '\n' || c == '\r';
}

/* The part of the text that is wanted. */
static struct str wanted(const char *text, enum pg_lines lines)
{
	struct str s = str_of(text);

	while (s.n > 0 && is_line_end((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	if (lines == PG_FIRST_LINE && s.n > 0)
		s.n = strcspn(s.p, "\r\n");
	while (s.n > 0 && is_line_end((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

char *pg_clean(char *out, size_t size, const char *text, enum pg_lines lines)
{
	struct str s = wanted(text != NULL ? text : "", lines);
	size_t at = 0;

	CHECK(size > 0);
	if (s.n == 0)
		s = STR("no reason given");
	while (s.n > 0) {
		const unsigned char *p = (const unsigned char *)s.p;
		size_t n = utf8_length(p, s.n), put_n = n;
		const char *put = s.p;

		if (n == 0) {
			n = 1;
			put = REPLACEMENT;
			put_n = sizeof REPLACEMENT - 1;
		} else if (*p != '\n' && is_control(code_point(p, n))) {
			put = " ";
			put_n = 1;
		}
		if (at + put_n >= size)
			break;
		memcpy(out + at, put, put_n);
		at += put_n;
		s.p += n;
		s.n -= n;
	}
	out[at] = '\0';
	return out;
}

void pg_clean_add(struct sbuf *out, const char *text, enum pg_lines lines)
{
	char *clean = xcalloc(1, CLEAN_MAX);

	sbuf_str(out, str_of(pg_clean(clean, CLEAN_MAX, text, lines)));
	free(clean);
}

void pg_sqlstate(char out[6], const PGresult *r)
{
	const char *code = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	size_t n = 0;

	for (; code != NULL && n < 5 && code[n] > ' ' && code[n] <= 'Z'; n++)
		out[n] = code[n];
	out[n] = '\0';
}

char *pg_clean_result(char *out, const PGresult *r, bool with_code)
{
	const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	char code[6];
	size_t n = 0;

	pg_sqlstate(code, r);
	if (with_code && code[0] != '\0')
		n = (size_t)snprintf(out, PG_MESSAGE_MAX, "%s ", code);
	pg_clean(out + n, PG_MESSAGE_MAX - n,
		 message != NULL ? message : PQresultErrorMessage(r), PG_FIRST_LINE);
	return out;
}

bool pg_result_is_error(const PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);

	return s == PGRES_FATAL_ERROR || s == PGRES_BAD_RESPONSE;
}

bool pg_result_is_fatal(const PGresult *r)
{
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity &&
	       (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

bool pg_says_on(const PGresult *r)
{
	return PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 1), "on") == 0;
}

bool pg_reports_read_only(const PGconn *pg)
{
	static const char *const names[] = {"in_hot_standby",
					    "default_transaction_read_only"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = PQparameterStatus(pg, names[i]);

		if (value != NULL && strcmp(value, "on") == 0)
			return true;
	}
	return false;
}

bool pg_sqlstate_is_of_session(const char *sqlstate)
{
	/* Connection exceptions, invalid transaction states (25006
	 * read_only_sql_transaction among them), invalid_sql_statement_name,
	 * invalid_cursor_name; the server's farewells, which need not be FATAL where a
	 * pooler stands between. */
	static const char *const prefixes[] = {"08",    "25",    "26",    "34",   "57P01",
					       "57P02", "57P03", "57P04", "57P05"};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(sqlstate, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}
