/* What people ask of usage, as SQL: each question is one statement, whose answer is one
 * JSON text (docs/usage-questions.md). Read from rollups, but for rows.
 *
 * Pure. Text from outside only ever becomes a parameter. */
#ifndef GATEWAY_STATISTICS_QUESTIONS_H
#define GATEWAY_STATISTICS_QUESTIONS_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

#define QUESTION_TOKENS_MAX 10000
#define QUESTION_ROUTES_MAX 1000
#define QUESTION_POINTS_MAX 1000 /* of a series */
#define QUESTION_TOP_MAX 1000    /* of a ranking */
#define QUESTION_PAGE_MAX 500    /* rows of a page */
#define QUESTION_PARAMS 16

/* X(id, name, what it answers) */
#define QUESTIONS(X)                                                                     \
	X(TOTALS, "totals", "calls, errors, times and bytes, with the period before")    \
	X(SERIES, "series", "the same over time, in steps of a zone's clock")            \
	X(TOP_TOKENS, "top-tokens", "tokens by calls, errors or time")                   \
	X(TOP_ROUTES, "top-routes", "routes by calls, errors or time")                   \
	X(SLOW_ROUTES, "slow-routes", "routes by their 95th percentile")                 \
	X(SLOW_CALLS, "slow-calls", "the slowest single calls")                          \
	X(DISTRIBUTION, "distribution", "how many calls took how long")                  \
	X(STATUSES, "statuses", "calls by status class")                                 \
	X(COST, "cost", "what calls cost, of routes with a price_per_call")              \
	X(TOKEN, "token", "one token: what it is, its totals and routes")                \
	X(ROUTE, "route", "one route: its totals and tokens")                            \
	X(GAPS, "gaps", "calls without a row: dropped, or without a known key")          \
	X(ROWS, "rows", "single calls, page by page, latest first")

#define QUESTION_ENUM(id, name, what) QUESTION_##id,
enum question_kind { QUESTIONS(QUESTION_ENUM) QUESTION_COUNT };

enum question_order { BY_CALLS, BY_ERRORS, BY_TIME };

struct question_price {
	const char *path;
	uint64_t micro; /* per call, in millionths */
};

/* NULL and 0 stand for what is not restricted, or for the default. */
struct question {
	enum question_kind kind;
	/* "2026-11-24", "2026-11-24T12:30", with seconds; a time of the zone's clock, or
	 * with Z or an offset behind it. Default: now, and 24 hours before `to`. */
	const char *from, *to;
	const char *zone; /* IANA name; default UTC */
	const char *step; /* series: 15m, 2h, 1d, 1w, 1mo, 1y; default 1h */
	const int64_t *tokens;
	size_t n_tokens;
	bool all_tokens; /* true: not restricted; false with n_tokens 0: none */
	const char *const *routes;
	size_t n_routes;
	enum question_order by; /* rankings */
	unsigned limit;         /* rankings: default 10; rows: 50 */
	bool percentiles;       /* series: with p50, p95, p99, which costs more */
	/* rows */
	int status_low, status_high; /* of response_status */
	const char *method;
	int32_t min_ms;
	const char *after; /* "next" of the page before */
	/* cost */
	const struct question_price *prices;
	size_t n_prices;
};

/* False: there is no such question. */
bool question_named(const char *name, enum question_kind *kind);
const char *question_name(enum question_kind kind);
const char *question_summary(enum question_kind kind);

/* A statement and its parameters, as pg_query takes them (common/pg.h). values borrow
 * from the question where it has them as text. */
struct question_text {
	const char *sql;
	const char *values[QUESTION_PARAMS];
	int n_values;
	char *owned[QUESTION_PARAMS + 1];
	int n_owned;
};

/* False: error (appended to) names the field and what it must be. question_text_fini
 * after either. A time zone that there is none of, an empty range or too many points is
 * PostgreSQL's to find: it answers with SQLSTATE class 22, and its message is for the one
 * who asked. */
bool question_build(const struct question *q, struct question_text *t,
		    struct sbuf *error);
void question_text_fini(struct question_text *t);

/* The JSON text; p is NULL where there is none: no such token. Lives as long as the
 * result. */
struct str question_answer(const PGresult *result);

#endif
