/* Compares cells with a recount of the rows, day by day, in one snapshot. */
#include "gateway/statistics/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/pg_value.h"
#include "gateway/statistics/recount.h"
#include "gateway/statistics/statement_query.h"

#define LINE_MAX_BYTES 512
#define TOLD_MAX 50 /* differences of one day that are told one by one */
#define TIME_MAX 64

struct verify {
	const struct usage_verify_options *o;
	struct pg_sync *s;
	struct sbuf *error;
	char from[TIME_MAX], to[TIME_MAX]; /* UTC; "": all there is */
	PGresult *parts;                   /* (low, high), each within a day */
	bool *differs;                     /* per part */
	bool wide_differ;
	size_t differences;
};

static void tell(const struct verify *v, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void tell(const struct verify *v, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	v->o->report(v->o->report_ctx, line);
}

/* The times that were asked for, as UTC. */
static bool take_range(struct verify *v)
{
	const char *const values[] = {v->o->from, v->o->to};
	PGresult *r = statement_query(v->s, "verify_range", values, ARRAY_LEN(values),
				      v->error);
	bool ok;

	if (r == NULL)
		return false;
	ok = PQgetisnull(r, 0, 2);
	sbuf_str(v->error, pg_value_text(r, 0, 2));
	snprintf(v->from, sizeof v->from, "%s", PQgetvalue(r, 0, 0));
	snprintf(v->to, sizeof v->to, "%s", PQgetvalue(r, 0, 1));
	PQclear(r);
	return ok;
}

static bool begin(struct verify *v)
{
	const char *const values[] = {*v->from ? v->from : NULL, *v->to ? v->to : NULL};

	if (!pg_sync_run(v->s, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
			 v->error))
		return false;
	PQclear(v->parts);
	v->parts = statement_query(v->s, "verify_parts", values, ARRAY_LEN(values),
				   v->error);
	return v->parts != NULL;
}

static void tell_difference(const struct verify *v, const PGresult *r, int row)
{
	tell(v, "%s %s token %s route %s: %s calls stored, %s counted; differs in %s",
	     PQgetvalue(r, row, 0), PQgetvalue(r, row, 1), PQgetvalue(r, row, 2),
	     PQgetvalue(r, row, 3), PQgetvalue(r, row, 4), PQgetvalue(r, row, 5),
	     PQgetisnull(r, row, 6) ? "everything" : PQgetvalue(r, row, 6));
}

/* What the statement finds between two times, told; how many, -1: failed. */
static int compare(struct verify *v, const char *name, const char *low, const char *high)
{
	const char *const values[] = {low, high};
	PGresult *r = statement_query(v->s, name, values, ARRAY_LEN(values), v->error);
	int n;

	if (r == NULL)
		return -1;
	n = PQntuples(r);
	for (int i = 0; i < n && i < TOLD_MAX; i++)
		tell_difference(v, r, i);
	if (n > TOLD_MAX)
		tell(v, "... and %d more from %s on", n - TOLD_MAX, low);
	v->differences += (size_t)n;
	PQclear(r);
	return n;
}

static bool compare_part(struct verify *v, int part)
{
	int n = compare(v, "verify_differences", PQgetvalue(v->parts, part, 0),
			PQgetvalue(v->parts, part, 1));

	v->differs[part] = n > 0;
	return n >= 0;
}

static const char *low_of(const struct verify *v)
{
	return PQgetvalue(v->parts, 0, 0);
}

static const char *high_of(const struct verify *v)
{
	return PQgetvalue(v->parts, PQntuples(v->parts) - 1, 1);
}

static bool compare_wide(struct verify *v)
{
	int n = compare(v, "verify_wide_differences", low_of(v), high_of(v));

	v->wide_differ = n > 0;
	return n >= 0;
}

static bool tell_waiting(const struct verify *v)
{
	const char *const values[] = {low_of(v), high_of(v)};
	char count[STATEMENT_VALUE_MAX];

	if (!statement_value(v->s, "verify_waiting", values, ARRAY_LEN(values), count,
			     v->error))
		return false;
	if (strcmp(count, "0") != 0)
		tell(v,
		     "%s intervals of 15 minutes wait to be counted again and were left "
		     "out",
		     count);
	return true;
}

static bool compare_all(struct verify *v)
{
	int n;

	v->differences = 0;
	if (!begin(v))
		return false;
	n = PQntuples(v->parts);
	free(v->differs);
	v->differs = xcalloc((size_t)n + 1, sizeof *v->differs);
	for (int i = 0; i < n; i++)
		if (!compare_part(v, i))
			return false;
	if (n > 0 && (!compare_wide(v) || !tell_waiting(v)))
		return false;
	if (!pg_sync_run(v->s, "COMMIT", v->error))
		return false;
	tell(v, "%d days compared: %zu differences", n, v->differences);
	return true;
}

static bool mark_differences(struct verify *v)
{
	char count[STATEMENT_VALUE_MAX];

	for (int i = 0; i < PQntuples(v->parts); i++) {
		const char *const values[] = {PQgetvalue(v->parts, i, 0),
					      PQgetvalue(v->parts, i, 1)};

		if (v->differs[i] && !statement_value(v->s, "verify_repair", values,
						      ARRAY_LEN(values), count, v->error))
			return false;
	}
	return true;
}

static bool widen_again(struct verify *v)
{
	const char *const values[] = {low_of(v), high_of(v)};
	int patience = RECOUNT_PATIENCE;
	char done[STATEMENT_VALUE_MAX];

	do {
		if (!statement_value(v->s, "verify_repair_wide", values,
				     ARRAY_LEN(values), done, v->error))
			return false;
		if (strcmp(done, "t") == 0)
			return true;
	} while (usage_recount_wait(&patience, v->error));
	return false;
}

static enum usage_verdict run(struct verify *v)
{
	if (!take_range(v) || !compare_all(v))
		return VERIFY_FAILED;
	if (v->differences == 0)
		return VERIFY_EQUAL;
	if (!v->o->repair)
		return VERIFY_DIFFERS;
	if (!mark_differences(v) || !usage_recount_marked(v->s, v->error) ||
	    (v->wide_differ && !widen_again(v)))
		return VERIFY_FAILED;
	tell(v, "counted again");
	if (!compare_all(v))
		return VERIFY_FAILED;
	return v->differences == 0 ? VERIFY_EQUAL : VERIFY_DIFFERS;
}

enum usage_verdict usage_verify(const struct usage_verify_options *o, struct sbuf *error)
{
	struct verify v = {.o = o, .error = error};
	enum usage_verdict verdict = VERIFY_FAILED;

	v.s = pg_sync_open(o->conninfo, "tollgate usage verify", error);
	if (v.s != NULL)
		verdict = run(&v);
	PQclear(v.parts);
	free(v.differs);
	pg_sync_close(&v.s);
	return verdict;
}
