/* The questions' statements.
 *
 * Parameters: $1 from, $2 to, $3 zone, $4 tokens, $5 routes, $6 limit; the others are a
 * question's own. Each statement follows on `asked`, one row: the range in UTC, widened
 * to whole quarters of an hour, and what it is restricted to. */
#include "gateway/statistics/question_sql.h"

#include <stdarg.h>
#include <string.h>

#include "common/check.h"

/* --- what a row of usage_sums, s, tells --- */

#define ERRORS "(s.errors_ours + s.errors_upstream + s.errors_client)"

#define RANGE                                                                            \
	"'from', usage_local(low, zone), 'to', usage_local(high, zone), 'zone', zone"

#define COUNTS                                                                           \
	"'calls', coalesce(s.calls, 0), 'errors', coalesce(" ERRORS ", 0), "             \
	"'error_rate', round(" ERRORS "::numeric / s.calls, 6), "                        \
	"'mean_ms', round(s.time_sum::numeric / nullif(s.time_count, 0), 1)"

#define PERCENTILES "'p50_ms', p.ms[1], 'p95_ms', p.ms[2], 'p99_ms', p.ms[3]"

#define JOIN_PERCENTILES                                                                 \
	" LEFT JOIN LATERAL usage_percentiles(s.histogram, 0.5, 0.95, 0.99) AS p (ms) "  \
	"ON true"

#define SUMMARY                                                                          \
	COUNTS ", 'success_rate', round(1 - " ERRORS "::numeric / s.calls, 6), "         \
	       "'errors_by', json_build_object('ours', coalesce(s.errors_ours, 0), "     \
	       "'upstream', coalesce(s.errors_upstream, 0), "                            \
	       "'client', coalesce(s.errors_client, 0)), " PERCENTILES                   \
	       ", 'max_ms', s.time_max, 'time_ms', coalesce(s.time_sum, 0), "            \
	       "'mean_total_ms', round(s.total_sum::numeric "                            \
	       "/ nullif(s.total_count, 0), 1), "                                        \
	       "'bytes_in', coalesce(s.bytes_in, 0), "                                   \
	       "'bytes_out', coalesce(s.bytes_out, 0)"

#define STATUSES                                                                         \
	"'1xx', coalesce(s.status_1xx, 0), '2xx', coalesce(s.status_2xx, 0), "           \
	"'3xx', coalesce(s.status_3xx, 0), '4xx', coalesce(s.status_4xx, 0), "           \
	"'5xx', coalesce(s.status_5xx, 0), 'none', coalesce(s.status_none, 0)"

#define SUMS(more) "usage_sums(ARRAY[low, high], tokens, routes" more ") AS s"
/* With what rankings need. */
#define BY_TOKEN ", by_token => true, brief => true"
#define BY_ROUTE ", by_route => true, brief => true"

/* --- the statements --- */

/* clang-format off */
static const char totals_sql[] =
	"periods AS (SELECT 'now' AS period, * FROM asked UNION ALL SELECT 'before', "
	"usage_floor((l - (h - l)) AT TIME ZONE zone AT TIME ZONE 'UTC', 900), low, zone, "
	"tokens, routes FROM asked, LATERAL (SELECT low AT TIME ZONE 'UTC' AT TIME ZONE "
	"zone, high AT TIME ZONE 'UTC' AT TIME ZONE zone) AS local (l, h)), told AS "
	"(SELECT period, json_build_object(" RANGE ", 'totals', json_build_object(" SUMMARY
	", 'statuses', json_build_object(" STATUSES "))) AS j FROM periods LEFT JOIN "
	"LATERAL " SUMS(", with_histogram => true") " ON true" JOIN_PERCENTILES
	") SELECT json_build_object('now', (SELECT j FROM told WHERE period = 'now'), "
	"'before', (SELECT j FROM told WHERE period = 'before'))";

static const char series_sql[] =
	"cut AS (SELECT *, usage_steps(low, high, zone, $7::interval, $8::integer) AS "
	"bounds FROM asked), sums AS MATERIALIZED (SELECT s.* FROM cut, LATERAL "
	"usage_sums(bounds, tokens, routes, with_histogram => $9::boolean, brief => NOT "
	"$9::boolean) AS s) SELECT json_build_object(" RANGE ", 'step', $7, 'points', (SELECT "
	"json_agg(json_build_object('at', usage_local(b.since, zone), " COUNTS
	", 'errors_by', json_build_object('ours', coalesce(s.errors_ours, 0), 'upstream', "
	"coalesce(s.errors_upstream, 0), 'client', coalesce(s.errors_client, 0)), "
	"'bytes_in', coalesce(s.bytes_in, 0), 'bytes_out', coalesce(s.bytes_out, "
	"0){more}) ORDER BY b.i) FROM unnest(bounds[:cardinality(bounds) - 1]) WITH "
	"ORDINALITY AS b (since, i) LEFT JOIN sums AS s ON s.point = b.i{join})) FROM cut";

/* {by}: what it is ranked by, of s. */
static const char top_tokens_sql[] =
	"ranked AS (SELECT s.*, sum({by}) OVER () AS whole FROM asked, LATERAL "
	SUMS(BY_TOKEN) " ORDER BY {by} DESC, s.token_id LIMIT $6::integer) "
		       "SELECT json_build_object(" RANGE ", 'tokens', (SELECT "
	"coalesce(json_agg(json_build_object('id', nullif(s.token_id, 0), 'name', t.name, "
	COUNTS ", 'time_ms', s.time_sum, 'share', round(({by})::numeric / nullif(whole, "
	"0), 6)) ORDER BY {by} DESC, s.token_id), '[]') FROM ranked AS s LEFT JOIN tokens "
	"AS t ON t.id = s.token_id)) FROM asked";

static const char top_routes_sql[] =
	"ranked AS (SELECT s.*, sum({by}) OVER () AS whole FROM asked, LATERAL "
	SUMS(BY_ROUTE) " ORDER BY {by} DESC, s.route_id LIMIT $6::integer) "
		       "SELECT json_build_object(" RANGE ", 'routes', (SELECT "
	"coalesce(json_agg(json_build_object('route', r.route_path, " COUNTS
	", 'time_ms', s.time_sum, 'share', round(({by})::numeric / nullif(whole, 0), 6)) "
	"ORDER BY {by} DESC, s.route_id), '[]') FROM ranked AS s LEFT JOIN usage_routes "
	"AS r USING (route_id))) FROM asked";

static const char slow_routes_sql[] =
	"ranked AS (SELECT r.route_path, s.*, p.ms FROM asked CROSS JOIN LATERAL "
	SUMS(", by_route => true, with_histogram => true") JOIN_PERCENTILES
	" LEFT JOIN usage_routes AS r ON r.route_id = s.route_id WHERE s.time_count > 0 "
	"ORDER BY p.ms[2] DESC, s.time_sum DESC, s.route_id LIMIT $6::integer) SELECT "
	"json_build_object(" RANGE ", 'routes', (SELECT "
	"coalesce(json_agg(json_build_object('route', s.route_path, " COUNTS
	", 'p50_ms', s.ms[1], 'p95_ms', s.ms[2], 'p99_ms', s.ms[3], 'max_ms', s.time_max) "
	"ORDER BY s.ms[2] DESC, s.time_sum DESC, s.route_id), '[]') FROM ranked AS s)) "
	"FROM asked";

static const char slow_calls_sql[] =
	"SELECT json_build_object(" RANGE ", 'calls', usage_slowest(low, high, tokens, "
	"$5::text[], $6::integer)) FROM asked";

static const char distribution_sql[] =
	"SELECT json_build_object(" RANGE ", 'buckets', (SELECT "
	"coalesce(json_agg(json_build_object('from_ms', (usage_bounds())[b.i], "
	"'below_ms', (usage_bounds())[b.i + 1], 'calls', b.calls) ORDER BY b.i), '[]') "
	"FROM " SUMS(", with_histogram => true") ", unnest(s.histogram) WITH ORDINALITY AS "
						 "b (calls, i) WHERE b.calls > 0)) FROM asked";

static const char statuses_sql[] =
	"SELECT json_build_object(" RANGE ", 'calls', coalesce(s.calls, 0), 'statuses', "
	"json_build_object(" STATUSES ")) FROM asked LEFT JOIN LATERAL " SUMS("")
	" ON true";

static const char cost_sql[] =
	"spent AS (SELECT r.route_path, s.calls, v.micro, s.calls * v.micro AS cost FROM "
	"asked, LATERAL " SUMS(BY_ROUTE) " JOIN usage_routes AS r USING "
					 "(route_id) JOIN unnest($7::text[], $8::bigint[]) AS v (path, micro) ON v.path = "
					 "r.route_path) SELECT json_build_object(" RANGE ", 'cost', (SELECT "
	"coalesce(trim_scale(sum(cost) / 1000000), 0) FROM spent), 'routes', (SELECT "
	"coalesce(json_agg(json_build_object('route', route_path, 'calls', calls, "
	"'price_per_call', trim_scale(micro / 1000000.0), 'cost', trim_scale(cost / "
	"1000000.0)) ORDER BY cost DESC, route_path), '[]') FROM spent)) FROM asked";

/* No row: there is no such token. */
static const char token_sql[] =
	"sums AS MATERIALIZED (SELECT s.* FROM asked, LATERAL "
	SUMS(", with_histogram => true") "), ranked AS (SELECT s.*, r.route_path FROM "
					 "asked CROSS JOIN LATERAL " SUMS(BY_ROUTE) " LEFT JOIN usage_routes AS "
										    "r ON r.route_id = s.route_id ORDER BY s.calls DESC, s.route_id LIMIT "
										    "$6::integer) SELECT json_build_object(" RANGE ", 'token', json_build_object('id', "
	"t.id, 'name', t.name, 'key_start', t.key_start, 'scopes', "
	"string_to_array(nullif(token_scopes_out(t.scopes), ''), ' '), 'created_at', "
	"t.created_at, 'expires_at', t.expires_at, 'last_used', t.last_used, 'revoked', "
	"(SELECT bool_and(k.revoked) FROM token_lookup AS k WHERE k.token_id = t.id)), "
	"'totals', (SELECT json_build_object(" SUMMARY ", 'statuses', json_build_object("
	STATUSES ")) FROM (SELECT) AS one LEFT JOIN sums AS s ON true" JOIN_PERCENTILES
	"), 'routes', (SELECT coalesce(json_agg(json_build_object('route', s.route_path, "
	COUNTS ", 'time_ms', s.time_sum) ORDER BY s.calls DESC, s.route_id), '[]') FROM "
	"ranked AS s)) FROM asked JOIN tokens AS t ON t.id = ANY (tokens)";

static const char route_sql[] =
	"sums AS MATERIALIZED (SELECT s.* FROM asked, LATERAL "
	SUMS(", with_histogram => true") "), ranked AS (SELECT s.* FROM asked, LATERAL "
	SUMS(BY_TOKEN) " ORDER BY s.calls DESC, s.token_id LIMIT $6::integer) "
		       "SELECT json_build_object(" RANGE ", 'route', ($5::text[])[1], 'totals', (SELECT "
	"json_build_object(" SUMMARY ", 'statuses', json_build_object(" STATUSES
	")) FROM (SELECT) AS one LEFT JOIN sums AS s ON true" JOIN_PERCENTILES
	"), 'tokens', (SELECT coalesce(json_agg(json_build_object('id', "
	"nullif(s.token_id, 0), 'name', t.name, " COUNTS ", 'time_ms', s.time_sum) ORDER "
	"BY s.calls DESC, s.token_id), '[]') FROM ranked AS s LEFT JOIN tokens AS t ON "
	"t.id = s.token_id)) FROM asked";

/* Its range is the one that was asked for, to the microsecond. */
static const char rows_sql[] =
	"exact AS (SELECT {from} AS exact_from, {to} AS exact_to) SELECT "
	"usage_rows(exact_from, exact_to, tokens, $5::text[], $7::integer, $8::integer, "
	"$9, $10::integer, $11::timestamp, $12::bigint, $6::integer) FROM asked, exact";

/* Nobody without a known key belongs to a team: of some tokens there are no refusals. */
static const char gaps_sql[] =
	"dropped AS (SELECT g.* FROM asked, usage_gaps AS g WHERE g.minute >= low AND "
	"g.minute < high AND (tokens IS NULL OR g.token_id = ANY (tokens)) AND "
	"($5::text[] IS NULL OR g.route_path = ANY ($5::text[]))), refused AS (SELECT "
	"r.* FROM asked, usage_strangers AS r WHERE r.minute >= low AND r.minute < high "
	"AND tokens IS NULL AND ($5::text[] IS NULL OR r.route_path = ANY "
	"($5::text[]))), by_token AS (SELECT token_id, route_path, sum(dropped) AS n, "
	"min(minute) AS since, max(minute) AS until FROM dropped GROUP BY 1, 2 ORDER BY "
	"n DESC, 1, 2 LIMIT $6::integer), by_reason AS (SELECT route_path, reason, "
	"network, sum(requests) AS n, min(minute) AS since, max(minute) AS until FROM "
	"refused GROUP BY 1, 2, 3 ORDER BY n DESC, 1, 2, 3 LIMIT $6::integer) SELECT "
	"json_build_object(" RANGE ", 'dropped', (SELECT coalesce(sum(dropped), 0) "
	"FROM dropped), 'gaps', (SELECT coalesce(json_agg(json_build_object('id', "
	"g.token_id, 'name', t.name, 'route', g.route_path, 'dropped', g.n, 'first', "
	"usage_local(g.since, zone), 'last', usage_local(g.until, zone)) ORDER BY g.n DESC, "
	"g.token_id, g.route_path), '[]') FROM by_token AS g LEFT JOIN tokens AS t ON t.id = "
	"g.token_id), 'refused', (SELECT coalesce(sum(requests), 0) FROM refused), "
	"'refusals', (SELECT coalesce(json_agg(json_build_object('route', route_path, "
	"'reason', reason, 'network', network::text, 'requests', n, 'first', "
	"usage_local(since, zone), 'last', usage_local(until, zone)) ORDER BY n DESC, "
	"route_path, reason, network), '[]') FROM by_reason)) FROM asked";
/* clang-format on */

/* Appends a statement in which each {name} is replaced; names and values in turn, NULL at
 * the end. Values are ours: text from outside is a parameter. */
static void put_statement(struct sbuf *sql, const char *statement, ...)
	__attribute__((sentinel));

static void put_statement(struct sbuf *sql, const char *statement, ...)
{
	sbuf_str(sql, strncmp(statement, "SELECT", 6) == 0 ? STR(" ") : STR(", "));
	for (const char *brace; (brace = strchr(statement, '{')) != NULL;) {
		const char *name, *value = NULL;
		va_list ap;

		va_start(ap, statement);
		while ((name = va_arg(ap, const char *)) != NULL) {
			value = va_arg(ap, const char *);
			if (strncmp(brace, name, strlen(name)) == 0)
				break;
		}
		va_end(ap);
		CHECK(name != NULL);
		sbuf_add(sql, statement, (size_t)(brace - statement));
		sbuf_str(sql, str_of(value));
		statement = brace + strlen(name);
	}
	sbuf_str(sql, str_of(statement));
}

void question_statement(struct sbuf *sql, const struct question *q, const char *from_sql,
			const char *to_sql)
{
	static const char *const statements[QUESTION_COUNT] = {
		[QUESTION_TOTALS] = totals_sql,
		[QUESTION_SERIES] = series_sql,
		[QUESTION_TOP_TOKENS] = top_tokens_sql,
		[QUESTION_TOP_ROUTES] = top_routes_sql,
		[QUESTION_SLOW_ROUTES] = slow_routes_sql,
		[QUESTION_SLOW_CALLS] = slow_calls_sql,
		[QUESTION_DISTRIBUTION] = distribution_sql,
		[QUESTION_STATUSES] = statuses_sql,
		[QUESTION_COST] = cost_sql,
		[QUESTION_TOKEN] = token_sql,
		[QUESTION_ROUTE] = route_sql,
		[QUESTION_GAPS] = gaps_sql,
		[QUESTION_ROWS] = rows_sql,
	};
	static const char *const by[] = {
		[BY_CALLS] = "s.calls",
		[BY_ERRORS] = ERRORS,
		[BY_TIME] = "s.time_sum",
	};

	put_statement(sql, statements[q->kind], "{by}", by[q->by], "{more}",
		      q->percentiles ? ", " PERCENTILES : "", "{join}",
		      q->percentiles ? JOIN_PERCENTILES : "", "{from}", from_sql, "{to}",
		      to_sql, NULL);
}
