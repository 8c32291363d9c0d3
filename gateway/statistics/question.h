/* A question about usage: what it asks, and of what. Pure. */
#ifndef GATEWAY_STATISTICS_QUESTION_H
#define GATEWAY_STATISTICS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUESTION_TOKENS_MAX 10000
#define QUESTION_ROUTES_MAX 1000
#define QUESTION_TEAMS_MAX 10000
#define QUESTION_POINTS_MAX 1000      /* of a series */
#define QUESTION_WHOLE_POINTS_MAX 300 /* of `stats`, `token` and `route` */
#define QUESTION_TOP_MAX 1000         /* of a ranking */
#define QUESTION_PAGE_MAX 500         /* rows of a page */

/* X(id, name, what it answers) */
#define QUESTIONS(X)                                                                     \
	X(STATS, "stats",                                                                \
	  "all that a page shows: totals, series, rankings, slow calls, gaps")           \
	X(TOTALS, "totals", "calls, errors, times and bytes, with the period before")    \
	X(SERIES, "series", "the same over time, in steps of a zone's clock")            \
	X(TOP_TOKENS, "top-tokens", "tokens by calls, errors, time or cost")             \
	X(TOP_ROUTES, "top-routes", "routes by calls, errors, time or cost")             \
	X(SLOW_ROUTES, "slow-routes", "routes by their 95th percentile")                 \
	X(SLOW_CALLS, "slow-calls", "the slowest single calls")                          \
	X(DISTRIBUTION, "distribution", "how many calls took how long")                  \
	X(STATUSES, "statuses", "calls by status class")                                 \
	X(COST, "cost", "what calls cost, of routes with a price_per_call")              \
	X(TOKEN, "token", "one token: what it is, and all that its page shows")          \
	X(ROUTE, "route", "one route: all that its page shows")                          \
	X(GAPS, "gaps", "calls without a row: dropped, or without a known key")          \
	X(ROWS, "rows", "single calls, page by page, latest first")                      \
	X(ROW, "row", "one call, by its request id")

#define QUESTION_ENUM(id, name, what) QUESTION_##id,
enum question_kind { QUESTIONS(QUESTION_ENUM) QUESTION_COUNT };

enum question_order { BY_CALLS, BY_ERRORS, BY_TIME, BY_COST };
enum question_compare { COMPARE_PREVIOUS, COMPARE_WEEK_BEFORE, COMPARE_NONE };
/* Ids that no token and no team has add nothing; or they are refused (SQLSTATE TG400,
 * COLUMN token or team), and so are tokens that are of none of the teams. */
enum question_names { NAMES_ANY, NAMES_TOKENS, NAMES_TOKENS_AND_TEAMS };

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
	/* Series: 15m, 2h, 1d, 1w, 1mo, 1y; default 1h. Stats, token and route: by the
	 * range. */
	const char *step;
	const int64_t *tokens;
	size_t n_tokens;
	bool all_tokens; /* true: not restricted; false with n_tokens 0: none */
	/* Only tokens of these teams, as they are when it is asked; of `tokens`, where
	 * these are restricted too. False with n_teams 0: not restricted; true: none. */
	const int64_t *teams;
	size_t n_teams;
	bool in_teams;
	enum question_names names;
	const char *const *routes;
	size_t n_routes;
	enum question_order by;        /* rankings */
	unsigned limit;                /* rankings: default 10; rows: 50 */
	bool percentiles;              /* series: with p50, p95, p99, which costs more */
	enum question_compare compare; /* stats, token, route */
	bool heard_of;                 /* route: no answer where it was never called */
	/* stats, token, route: single calls are told only of these teams' tokens */
	const int64_t *rows_teams;
	size_t n_rows_teams;
	bool rows_in_teams;
	/* rows */
	int status_low, status_high; /* of response_status */
	const char *method;
	int32_t min_ms;
	const char *after; /* "next" of the page before */
	const char *outcome;
	const char *address; /* of the caller, or a network: 192.0.2.0/24 */
	/* Then the answer is {items, next}, and next is a link: this text and the
	 * parameters from, to and after ("/logs?status=500"). */
	const char *link;
	/* row: one that the gateway made, which tells when (UUIDv7) */
	const char *request_id;
	/* cost, and rankings by it */
	const struct question_price *prices;
	size_t n_prices;
};

/* False: there is no such question. */
bool question_named(const char *name, enum question_kind *kind);
const char *question_name(enum question_kind kind);
const char *question_summary(enum question_kind kind);

#endif
