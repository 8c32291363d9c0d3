-- The questions' statements; each answers with one JSON text, or with no row.
--
-- Parameters: $1 from, $2 to, $3 zone, $4 tokens, $5 routes, $6 limit, $7 teams; others
-- are a question's own. Each statement follows on `asked`, one row: the range in UTC,
-- widened to whole quarters of an hour, and what it is restricted to. {name} stands for
-- the part of that name, or for one that questions.c chooses: {from}, {to}, {tokens},
-- {by}, {more}, {join}, {page}, {heard}.

-- `types` is there for the types of parameters that a question does not use.
-- name: asked
types AS (
	SELECT $1::text, $2::text, $5::text[], $6::integer
),
asked AS MATERIALIZED (
	SELECT low, high, $3::text AS zone,
		{tokens} AS tokens,
		usage_route_numbers($5::text[]) AS routes
	FROM usage_range({from}, {to})
)

-- {tokens}: what the answer is restricted to.
-- name: tokens_any
usage_tokens($4::bigint[], $7::bigint[])
-- name: tokens_named
usage_tokens_named($4::bigint[], $7::bigint[], false)
-- name: tokens_and_teams_named
usage_tokens_named($4::bigint[], $7::bigint[], true)

-- {from} and {to}: UTC without zone.
-- name: from_instant
($1::timestamptz AT TIME ZONE 'UTC')
-- name: from_clock
usage_instant($1::timestamp, $3)
-- name: from_default
({to} - interval '24 hours')
-- name: to_instant
($2::timestamptz AT TIME ZONE 'UTC')
-- name: to_clock
usage_instant($2::timestamp, $3)
-- name: to_default
(now() AT TIME ZONE 'UTC')

-- What is told of the range (waiting: intervals of it that are to be counted again, whose
-- changes no number shows yet), of how far calls are stored, and of s, a row of
-- usage_sums.
-- name: range
'from', usage_local(low, zone), 'to', usage_local(high, zone), 'zone', zone,
		'waiting', (SELECT count(DISTINCT since) FROM usage_dirty
			WHERE since >= low AND since < high),
		'as_of', (usage_recorded()).as_of, 'silent_nodes', (usage_recorded()).silent
-- name: errors
(s.errors_ours + s.errors_upstream + s.errors_client)
-- name: counts
'calls', coalesce(s.calls, 0),
		'errors', coalesce({errors}, 0),
		'error_rate', round({errors}::numeric / s.calls, 6),
		'mean_ms', round(s.time_sum::numeric / nullif(s.time_count, 0), 1)
-- name: errors_by
'errors_by', json_build_object('ours', coalesce(s.errors_ours, 0),
			'upstream', coalesce(s.errors_upstream, 0),
			'client', coalesce(s.errors_client, 0))
-- name: bytes
'bytes_in', coalesce(s.bytes_in, 0), 'bytes_out', coalesce(s.bytes_out, 0)
-- name: percentiles
'p50_ms', p.ms[1], 'p95_ms', p.ms[2], 'p99_ms', p.ms[3]
-- name: join_percentiles
LEFT JOIN LATERAL usage_percentiles(s.histogram, s.time_max, 0.5, 0.95, 0.99)
	AS p (ms) ON true
-- name: statuses_object
json_build_object('1xx', coalesce(s.status_1xx, 0), '2xx', coalesce(s.status_2xx, 0),
			'3xx', coalesce(s.status_3xx, 0), '4xx', coalesce(s.status_4xx, 0),
			'5xx', coalesce(s.status_5xx, 0), 'none', coalesce(s.status_none, 0))
-- name: totals_object
json_build_object({counts},
		'success_rate', round(1 - {errors}::numeric / s.calls, 6),
		{errors_by},
		{percentiles}, 'max_ms', s.time_max, 'time_ms', coalesce(s.time_sum, 0),
		'mean_total_ms', round(s.total_sum::numeric / nullif(s.total_count, 0), 1),
		{bytes},
		'statuses', {statuses_object})

-- name: totals
WITH {asked},
periods AS (
	SELECT 'now' AS period, * FROM asked
	UNION ALL
	SELECT 'before',
		CASE WHEN since < low THEN since ELSE low - (high - low) END, low, zone,
		tokens, routes
	FROM asked, LATERAL (
		SELECT low AT TIME ZONE 'UTC' AT TIME ZONE zone,
			high AT TIME ZONE 'UTC' AT TIME ZONE zone
	) AS local (l, h), LATERAL usage_floor(usage_instant(l - (h - l), zone), 900)
		AS start (since)
),
told AS (
	SELECT period, json_build_object({range}, 'totals', {totals_object}) AS j
	FROM periods
	LEFT JOIN LATERAL
		usage_sums(ARRAY[low, high], tokens, routes, with_histogram => true) AS s ON true
	{join_percentiles}
)
SELECT json_build_object(
	'now', (SELECT j FROM told WHERE period = 'now'),
	'before', (SELECT j FROM told WHERE period = 'before'))

-- {more} and {join}: with percentiles, or nothing.
-- name: more_percentiles
, {percentiles}
-- name: nothing

-- $8 step, $9 the most points, $10 whether with percentiles.
-- name: series
WITH {asked},
cut AS (
	SELECT *, usage_steps(low, high, zone, $8::interval, $9::integer) AS bounds FROM asked
),
sums AS MATERIALIZED (
	SELECT s.*
	FROM cut, LATERAL usage_sums(bounds, tokens, routes,
		with_histogram => $10::boolean, brief => NOT $10::boolean) AS s
)
SELECT json_build_object({range}, 'step', usage_step_text($8::interval), 'points', (
	SELECT json_agg(json_build_object('at', usage_local(b.since, zone),
		{counts},
		{errors_by},
		{bytes}{more}) ORDER BY b.i)
	FROM unnest(bounds[:cardinality(bounds) - 1]) WITH ORDINALITY AS b (since, i)
	LEFT JOIN sums AS s ON s.point = b.i
	{join}))
FROM cut

-- {by}: what it is ranked by. $8 paths, $9 their prices in millionths.
-- name: by_calls
s.calls
-- name: by_errors
{errors}
-- name: by_time
s.time_sum
-- name: by_cost
coalesce(s.cost, 0)
-- name: prices
prices AS (
	SELECT route_id, micro
	FROM unnest($8::text[], $9::bigint[]) AS v (path, micro)
	JOIN usage_routes ON route_path = path
)

-- {token_sums}: by what a call costs they must be known by route as well.
-- name: token_sums_plain
token_sums AS MATERIALIZED (
	SELECT s.*, NULL::numeric AS cost
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_token => true, brief => true) AS s
)
-- name: token_sums_cost
token_sums AS MATERIALIZED (
	SELECT s.token_id, sum(s.calls) AS calls, sum(s.errors_ours) AS errors_ours,
		sum(s.errors_upstream) AS errors_upstream,
		sum(s.errors_client) AS errors_client, sum(s.time_count) AS time_count,
		sum(s.time_sum) AS time_sum, sum(s.calls * p.micro::numeric) AS cost
	FROM asked
	CROSS JOIN LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_token => true, by_route => true, brief => true) AS s
	LEFT JOIN prices AS p USING (route_id)
	GROUP BY 1
)
-- name: token_ranks
{token_sums},
token_ranks AS MATERIALIZED (
	SELECT *, row_number() OVER (ORDER BY {by} DESC, s.token_id) AS place,
		sum({by}) OVER () AS whole
	FROM token_sums AS s
)
-- name: route_ranks
route_ranks AS MATERIALIZED (
	SELECT *, row_number() OVER (ORDER BY {by} DESC, s.route_id) AS place,
		sum({by}) OVER () AS whole
	FROM (SELECT s.*, s.calls * p.micro::numeric AS cost
		FROM route_sums AS s
		LEFT JOIN prices AS p USING (route_id)) AS s
)
-- name: ranked
{counts},
		'time_ms', coalesce(s.time_sum, 0),
		'cost', trim_scale(s.cost / 1000000.0),
		'share', round(({by})::numeric / nullif(s.whole, 0), 6)
-- name: rest
SELECT count(*) AS n, sum(calls) AS calls, sum(errors_ours) AS errors_ours,
			sum(errors_upstream) AS errors_upstream,
			sum(errors_client) AS errors_client, sum(time_count) AS time_count,
			sum(time_sum) AS time_sum, sum(cost) AS cost, max(whole) AS whole
-- name: ranked_tokens
(
		SELECT coalesce(json_agg(json_build_object(
			'id', nullif(s.token_id, 0), 'name', t.name, {ranked}) ORDER BY place), '[]')
		FROM token_ranks AS s
		LEFT JOIN tokens AS t ON t.id = s.token_id
		WHERE place <= $6::integer)
-- name: other_tokens
(
		SELECT json_build_object('tokens', s.n, {ranked})
		FROM ({rest} FROM token_ranks WHERE place > $6::integer) AS s
		WHERE s.n > 0)
-- name: ranked_routes
(
		SELECT coalesce(json_agg(json_build_object('route', r.route_path, {ranked})
			ORDER BY place), '[]')
		FROM route_ranks AS s
		LEFT JOIN usage_routes AS r USING (route_id)
		WHERE place <= $6::integer)
-- name: other_routes
(
		SELECT json_build_object('routes', s.n, {ranked})
		FROM ({rest} FROM route_ranks WHERE place > $6::integer) AS s
		WHERE s.n > 0)

-- name: top-tokens
WITH {asked},
{prices},
{token_ranks}
SELECT json_build_object({range}, 'tokens', {ranked_tokens}, 'others', {other_tokens})
FROM asked

-- name: top-routes
WITH {asked},
{prices},
route_sums AS MATERIALIZED (
	SELECT s.*
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, brief => true) AS s
),
{route_ranks}
SELECT json_build_object({range}, 'routes', {ranked_routes}, 'others', {other_routes})
FROM asked

-- name: slow-routes
WITH {asked},
ranked AS (
	SELECT r.route_path, s.*, p.ms
	FROM asked
	CROSS JOIN LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, with_histogram => true) AS s
	{join_percentiles}
	LEFT JOIN usage_routes AS r ON r.route_id = s.route_id
	WHERE s.time_count > 0
	ORDER BY p.ms[2] DESC, s.time_sum DESC, s.route_id LIMIT $6::integer
)
SELECT json_build_object({range}, 'routes', (
	SELECT coalesce(json_agg(json_build_object('route', s.route_path,
		{counts},
		'p50_ms', s.ms[1], 'p95_ms', s.ms[2], 'p99_ms', s.ms[3], 'max_ms', s.time_max
	) ORDER BY s.ms[2] DESC, s.time_sum DESC, s.route_id), '[]')
	FROM ranked AS s))
FROM asked

-- name: slow-calls
WITH {asked}
SELECT json_build_object({range},
	'calls', usage_slowest(low, high, tokens, $5::text[], $6::integer))
FROM asked

-- name: distribution
WITH {asked}
SELECT json_build_object({range}, 'buckets', (
	SELECT coalesce(json_agg(json_build_object('from_ms', (usage_bounds())[b.i],
		'below_ms', (usage_bounds())[b.i + 1], 'calls', b.calls) ORDER BY b.i), '[]')
	FROM usage_sums(ARRAY[low, high], tokens, routes, with_histogram => true) AS s,
		unnest(s.histogram) WITH ORDINALITY AS b (calls, i)
	WHERE b.calls > 0))
FROM asked

-- name: statuses
WITH {asked}
SELECT json_build_object({range},
	'calls', coalesce(s.calls, 0), 'statuses', {statuses_object})
FROM asked
LEFT JOIN LATERAL usage_sums(ARRAY[low, high], tokens, routes) AS s ON true

-- $8 paths, $9 their prices in millionths.
-- name: cost
WITH {asked},
spent AS (
	SELECT r.route_path, s.calls, v.micro, s.calls::numeric * v.micro AS cost
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, brief => true) AS s
	JOIN usage_routes AS r USING (route_id)
	JOIN unnest($8::text[], $9::bigint[]) AS v (path, micro) ON v.path = r.route_path
)
SELECT json_build_object({range},
	'cost', (SELECT coalesce(trim_scale(sum(cost) / 1000000), 0) FROM spent),
	'routes', (
	SELECT coalesce(json_agg(json_build_object('route', route_path, 'calls', calls,
		'price_per_call', trim_scale(micro / 1000000.0),
		'cost', trim_scale(cost / 1000000.0)) ORDER BY cost DESC, route_path), '[]')
	FROM spent))
FROM asked

-- Nobody without a known key belongs to a team: of some tokens there are no refusals.
-- name: gaps_parts
dropped AS (
	SELECT g.*
	FROM asked, usage_gaps AS g
	WHERE g.minute >= low AND g.minute < high
		AND (tokens IS NULL OR g.token_id = ANY (tokens))
		AND ($5::text[] IS NULL OR g.route_path = ANY ($5::text[]))
),
refused AS (
	SELECT r.*
	FROM asked, usage_strangers AS r
	WHERE r.minute >= low AND r.minute < high
		AND tokens IS NULL
		AND ($5::text[] IS NULL OR r.route_path = ANY ($5::text[]))
),
by_token AS (
	SELECT token_id, route_path, sum(dropped) AS n, min(minute) AS since,
		max(minute) AS until
	FROM dropped GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT $6::integer
),
by_reason AS (
	SELECT route_path, reason, network, sum(requests) AS n, min(minute) AS since,
		max(minute) AS until
	FROM refused GROUP BY 1, 2, 3 ORDER BY n DESC, 1, 2, 3 LIMIT $6::integer
)
-- name: gaps_fields
'dropped', (SELECT coalesce(sum(dropped), 0) FROM dropped),
	'gaps', (
		SELECT coalesce(json_agg(json_build_object('id', g.token_id, 'name', t.name,
			'route', g.route_path, 'dropped', g.n,
			'first_at', usage_local(g.since, 'UTC'),
			'last_at', usage_local(g.until, 'UTC')
		) ORDER BY g.n DESC, g.token_id, g.route_path), '[]')
		FROM by_token AS g
		LEFT JOIN tokens AS t ON t.id = g.token_id),
	'refused', (SELECT coalesce(sum(requests), 0) FROM refused),
	'refusals', (
		SELECT coalesce(json_agg(json_build_object('route', route_path,
			'reason', reason, 'network', network::text, 'requests', n,
			'first_at', usage_local(since, 'UTC'),
			'last_at', usage_local(until, 'UTC')
		) ORDER BY n DESC, route_path, reason, network), '[]')
		FROM by_reason)

-- name: gaps
WITH {asked},
{gaps_parts}
SELECT json_build_object({range}, {gaps_fields})
FROM asked

-- What a page shows whole. $8 paths, $9 their prices in millionths, $10 step (NULL: by
-- the range), $11 the most points, $12 what it is compared with, $13 the teams whose
-- single calls may be told (NULL: all that are asked about). Each set of cells is read
-- once.
-- name: whole_parts
{prices},
cut AS MATERIALIZED (
	SELECT *, usage_steps(low, high, zone, step, $11::integer) AS bounds
	FROM (SELECT *, coalesce($10::interval, usage_step(low, high)) AS step
		FROM asked) AS chosen
),
compared AS MATERIALIZED (
	SELECT cut.zone, cut.tokens, cut.routes, shifted, shifted[1] AS since,
		shifted[cardinality(shifted)] AS until,
		ARRAY(SELECT DISTINCT b FROM unnest(shifted) AS b ORDER BY b) AS bounds
	FROM cut, LATERAL usage_compared(bounds, zone, $12::text) AS shifted
	WHERE shifted IS NOT NULL
),
sums AS MATERIALIZED (
	SELECT s.*
	FROM asked, LATERAL
		usage_sums(ARRAY[low, high], tokens, routes, with_histogram => true) AS s
),
sums_before AS MATERIALIZED (
	SELECT s.*
	FROM compared, LATERAL
		usage_sums(ARRAY[since, until], tokens, routes, with_histogram => true) AS s
),
points AS MATERIALIZED (
	SELECT s.*, p.ms
	FROM cut
	CROSS JOIN LATERAL usage_sums(bounds, tokens, routes, with_histogram => true) AS s
	{join_percentiles}
),
points_before AS MATERIALIZED (
	SELECT s.*
	FROM compared, LATERAL usage_sums(bounds, tokens, routes, brief => true) AS s
),
waiting AS MATERIALIZED (
	SELECT DISTINCT d.since, width_bucket(d.since, bounds) AS point
	FROM cut, usage_dirty AS d
	WHERE d.since >= low AND d.since < high
),
{gaps_parts}
-- name: route_parts
route_sums AS MATERIALIZED (
	SELECT s.*
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, with_histogram => true) AS s
),
{route_ranks}
-- name: own_totals
(
		SELECT {totals_object}
		FROM (SELECT) AS one
		LEFT JOIN sums AS s ON true
		{join_percentiles})
-- name: before_object
(
		SELECT json_build_object(
			'from', usage_local(c.since, c.zone), 'to', usage_local(c.until, c.zone),
			'totals', {totals_object},
			'points', (
				SELECT json_agg(json_build_object('at', usage_local(b.since, c.zone),
					{counts}) ORDER BY b.i)
				FROM unnest(c.shifted[:cardinality(c.shifted) - 1], c.shifted[2:])
					WITH ORDINALITY AS b (since, until, i)
				LEFT JOIN points_before AS s ON b.since < b.until
					AND s.point = array_position(c.bounds, b.since)))
		FROM compared AS c
		LEFT JOIN sums_before AS s ON true
		{join_percentiles})
-- name: points_object
(
		SELECT json_agg(json_build_object(
			'at', usage_local(b.since, zone), 'until', usage_local(b.until, zone),
			'complete', b.until <= (now() AT TIME ZONE 'UTC')
				AND NOT EXISTS (SELECT FROM waiting AS w WHERE w.point = b.i),
			{counts},
			{errors_by},
			{bytes},
			'p50_ms', s.ms[1], 'p95_ms', s.ms[2], 'p99_ms', s.ms[3],
			'statuses', {statuses_object}) ORDER BY b.i)
		FROM unnest(bounds[:cardinality(bounds) - 1], bounds[2:])
			WITH ORDINALITY AS b (since, until, i)
		LEFT JOIN points AS s ON s.point = b.i)
-- name: whole_fields
'uncounted', (
		SELECT coalesce(json_agg(usage_local(since, zone) ORDER BY since), '[]')
		FROM (SELECT since FROM waiting ORDER BY since LIMIT 100) AS w),
	'first_call_at', usage_local(first_at, 'UTC'),
	'last_call_at', usage_local(last_at, 'UTC'),
	'total_calls', (SELECT coalesce(sum(calls), 0) FROM sums),
	'errors', (SELECT coalesce(sum({errors}), 0) FROM sums AS s),
	'success_rate', (SELECT round(1 - {errors}::numeric / s.calls, 6) FROM sums AS s),
	'totals', {own_totals},
	'before', {before_object},
	'step', usage_step_text(step),
	'points', {points_object},
	'slow_calls', usage_slowest(low, high, usage_tokens(tokens, $13::bigint[]),
		$5::text[], $6::integer),
	{gaps_fields}
-- name: token_fields
'top_tokens', {ranked_tokens}, 'other_tokens', {other_tokens}
-- name: route_fields
'top_routes', {ranked_routes}, 'other_routes', {other_routes},
	'cost', (SELECT coalesce(trim_scale(sum(cost) / 1000000), 0) FROM route_ranks),
	'slow_routes', (
		SELECT coalesce(json_agg(json_build_object('route', s.route_path,
			{counts},
			'p50_ms', s.ms[1], 'p95_ms', s.ms[2], 'p99_ms', s.ms[3],
			'max_ms', s.time_max
		) ORDER BY s.ms[2] DESC, s.time_sum DESC, s.route_id), '[]')
		FROM (SELECT r.route_path, s.*, p.ms
			FROM route_sums AS s
			{join_percentiles}
			LEFT JOIN usage_routes AS r ON r.route_id = s.route_id
			WHERE s.time_count > 0
			ORDER BY p.ms[2] DESC, s.time_sum DESC, s.route_id
			LIMIT $6::integer) AS s)

-- name: stats
WITH {asked},
{whole_parts},
{token_ranks},
{route_parts}
SELECT json_build_object({range},
	{whole_fields},
	{token_fields},
	{route_fields})
FROM cut, LATERAL usage_call_times(tokens, $5::text[])

-- No row: there is no such token.
-- name: token
WITH {asked},
{whole_parts},
{route_parts}
SELECT json_build_object({range},
	'token', facts,
	{whole_fields},
	{route_fields})
FROM cut, LATERAL (
	SELECT token_facts(t.id) AS facts
	FROM tokens AS t
	WHERE t.id = ANY (cut.tokens)) AS one,
LATERAL usage_call_times(tokens, $5::text[])

-- No row, with {heard}: it was never called.
-- name: heard_of
WHERE first_at IS NOT NULL
-- name: route
WITH {asked},
{whole_parts},
{token_ranks}
SELECT json_build_object({range},
	'route', ($5::text[])[1],
	{whole_fields},
	{token_fields})
FROM cut, LATERAL usage_call_times(tokens, $5::text[])
{heard}

-- One call: the request's id tells about when it was, $9 to $10. No row: there is none.
-- name: row
WITH {asked}
SELECT usage_row_json(ROW(l.*)::token_usage_logs)
FROM asked, token_usage_logs AS l
WHERE l.used_at >= $9::timestamp AND l.used_at < $10::timestamp AND l.request_id = $8
	AND (tokens IS NULL OR coalesce(l.token_id, 0) = ANY (tokens))
	AND ($5::text[] IS NULL OR l.route_path = ANY ($5::text[]))
ORDER BY l.used_at DESC, l.id DESC LIMIT 1

-- Its range is the one that was asked for, to the microsecond. $8 and $9 the least and
-- the highest status, $10 method, $11 the least milliseconds, $12 and $13 time and id of
-- the last row of the page before, $14 outcome, $15 the caller's network. {page}: as it
-- is, or with a link to the next page, whose range is this one's; $16 that link's start.
-- name: page_plain
page
-- name: page_linked
json_build_object('items', page -> 'rows',
	'next', $16 || CASE WHEN strpos($16, '?') > 0 THEN '&' ELSE '?' END
		|| 'from=' || to_char(exact_from, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
		|| '&to=' || to_char(exact_to, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
		|| '&after=' || (page ->> 'next'))
-- name: rows
WITH {asked},
exact AS (
	SELECT {from} AS exact_from, {to} AS exact_to
)
SELECT {page}
FROM asked, exact, usage_rows(exact_from, exact_to, tokens, $5::text[], $8::integer,
	$9::integer, $10, $11::integer, $12::timestamp, $13::bigint, $6::integer, $14,
	$15::inet) AS page
