-- The questions' statements; each answers with one JSON text, or with no row.
--
-- Parameters: $1 from, $2 to, $3 zone, $4 tokens, $5 routes, $6 limit; the others are a
-- question's own. Each statement follows on `asked`, one row: the range in UTC, widened
-- to whole quarters of an hour, and what it is restricted to. {name} stands for the part
-- of that name, or for one that questions.c chooses: {from}, {to}, {by}, {more}, {join}.

-- `types` is there for the types of parameters that a question does not use.
-- name: asked
types AS (
	SELECT $1::text, $2::text, $6::integer
),
asked AS MATERIALIZED (
	SELECT low, high, $3::text AS zone, $4::bigint[] AS tokens,
		usage_route_numbers($5::text[]) AS routes
	FROM usage_range({from}, {to})
)

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
-- changes no number shows yet), and of a row of usage_sums, s.
-- name: range
'from', usage_local(low, zone), 'to', usage_local(high, zone), 'zone', zone,
		'waiting', (SELECT count(DISTINCT since) FROM usage_dirty
			WHERE since >= low AND since < high)
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

-- $7 step, $8 the most points, $9 whether with percentiles.
-- name: series
WITH {asked},
cut AS (
	SELECT *, usage_steps(low, high, zone, $7::interval, $8::integer) AS bounds FROM asked
),
sums AS MATERIALIZED (
	SELECT s.*
	FROM cut, LATERAL usage_sums(bounds, tokens, routes,
		with_histogram => $9::boolean, brief => NOT $9::boolean) AS s
)
SELECT json_build_object({range}, 'step', $7::interval, 'points', (
	SELECT json_agg(json_build_object('at', usage_local(b.since, zone),
		{counts},
		{errors_by},
		{bytes}{more}) ORDER BY b.i)
	FROM unnest(bounds[:cardinality(bounds) - 1]) WITH ORDINALITY AS b (since, i)
	LEFT JOIN sums AS s ON s.point = b.i
	{join}))
FROM cut

-- {by}: what it is ranked by.
-- name: by_calls
s.calls
-- name: by_errors
{errors}
-- name: by_time
s.time_sum

-- name: top-tokens
WITH {asked},
ranked AS (
	SELECT s.*, sum({by}) OVER () AS whole
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_token => true, brief => true) AS s
	ORDER BY {by} DESC, s.token_id LIMIT $6::integer
)
SELECT json_build_object({range}, 'tokens', (
	SELECT coalesce(json_agg(json_build_object(
		'id', nullif(s.token_id, 0), 'name', t.name,
		{counts},
		'time_ms', s.time_sum,
		'share', round(({by})::numeric / nullif(whole, 0), 6)
	) ORDER BY {by} DESC, s.token_id), '[]')
	FROM ranked AS s
	LEFT JOIN tokens AS t ON t.id = s.token_id))
FROM asked

-- name: top-routes
WITH {asked},
ranked AS (
	SELECT s.*, sum({by}) OVER () AS whole
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, brief => true) AS s
	ORDER BY {by} DESC, s.route_id LIMIT $6::integer
)
SELECT json_build_object({range}, 'routes', (
	SELECT coalesce(json_agg(json_build_object('route', r.route_path,
		{counts},
		'time_ms', s.time_sum,
		'share', round(({by})::numeric / nullif(whole, 0), 6)
	) ORDER BY {by} DESC, s.route_id), '[]')
	FROM ranked AS s
	LEFT JOIN usage_routes AS r USING (route_id)))
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

-- $7 paths, $8 their prices in millionths.
-- name: cost
WITH {asked},
spent AS (
	SELECT r.route_path, s.calls, v.micro, s.calls::numeric * v.micro AS cost
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, brief => true) AS s
	JOIN usage_routes AS r USING (route_id)
	JOIN unnest($7::text[], $8::bigint[]) AS v (path, micro) ON v.path = r.route_path
)
SELECT json_build_object({range},
	'cost', (SELECT coalesce(trim_scale(sum(cost) / 1000000), 0) FROM spent),
	'routes', (
	SELECT coalesce(json_agg(json_build_object('route', route_path, 'calls', calls,
		'price_per_call', trim_scale(micro / 1000000.0),
		'cost', trim_scale(cost / 1000000.0)) ORDER BY cost DESC, route_path), '[]')
	FROM spent))
FROM asked

-- name: own_totals
'totals', (
		SELECT {totals_object}
		FROM (SELECT) AS one
		LEFT JOIN sums AS s ON true
		{join_percentiles})

-- No row: there is no such token.
-- name: token
WITH {asked},
sums AS MATERIALIZED (
	SELECT s.*
	FROM asked, LATERAL
		usage_sums(ARRAY[low, high], tokens, routes, with_histogram => true) AS s
),
ranked AS (
	SELECT s.*, r.route_path
	FROM asked
	CROSS JOIN LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_route => true, brief => true) AS s
	LEFT JOIN usage_routes AS r ON r.route_id = s.route_id
	ORDER BY s.calls DESC, s.route_id LIMIT $6::integer
)
SELECT json_build_object({range},
	'token', json_build_object('id', t.id, 'name', t.name, 'key_start', t.key_start,
		'scopes', string_to_array(nullif(token_scopes_out(t.scopes), ''), ' '),
		'created_at', t.created_at, 'expires_at', t.expires_at,
		'last_used', t.last_used,
		'revoked', (
			SELECT bool_and(k.revoked)
			FROM token_lookup AS k WHERE k.token_id = t.id)),
	{own_totals},
	'routes', (
		SELECT coalesce(json_agg(json_build_object('route', s.route_path,
			{counts},
			'time_ms', s.time_sum) ORDER BY s.calls DESC, s.route_id), '[]')
		FROM ranked AS s))
FROM asked
JOIN tokens AS t ON t.id = ANY (tokens)

-- name: route
WITH {asked},
sums AS MATERIALIZED (
	SELECT s.*
	FROM asked, LATERAL
		usage_sums(ARRAY[low, high], tokens, routes, with_histogram => true) AS s
),
ranked AS (
	SELECT s.*
	FROM asked, LATERAL usage_sums(ARRAY[low, high], tokens, routes,
		by_token => true, brief => true) AS s
	ORDER BY s.calls DESC, s.token_id LIMIT $6::integer
)
SELECT json_build_object({range},
	'route', ($5::text[])[1],
	{own_totals},
	'tokens', (
		SELECT coalesce(json_agg(json_build_object(
			'id', nullif(s.token_id, 0), 'name', t.name,
			{counts},
			'time_ms', s.time_sum) ORDER BY s.calls DESC, s.token_id), '[]')
		FROM ranked AS s
		LEFT JOIN tokens AS t ON t.id = s.token_id))
FROM asked

-- Nobody without a known key belongs to a team: of some tokens there are no refusals.
-- name: gaps
WITH {asked},
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
SELECT json_build_object({range},
	'dropped', (SELECT coalesce(sum(dropped), 0) FROM dropped),
	'gaps', (
		SELECT coalesce(json_agg(json_build_object('id', g.token_id, 'name', t.name,
			'route', g.route_path, 'dropped', g.n,
			'first', usage_local(g.since, zone), 'last', usage_local(g.until, zone)
		) ORDER BY g.n DESC, g.token_id, g.route_path), '[]')
		FROM by_token AS g
		LEFT JOIN tokens AS t ON t.id = g.token_id),
	'refused', (SELECT coalesce(sum(requests), 0) FROM refused),
	'refusals', (
		SELECT coalesce(json_agg(json_build_object('route', route_path,
			'reason', reason, 'network', network::text, 'requests', n,
			'first', usage_local(since, zone), 'last', usage_local(until, zone)
		) ORDER BY n DESC, route_path, reason, network), '[]')
		FROM by_reason))
FROM asked

-- Its range is the one that was asked for, to the microsecond. $7 and $8 the least and
-- the highest status, $9 method, $10 the least milliseconds, $11 and $12 time and id of
-- the last row of the page before.
-- name: rows
WITH {asked},
exact AS (
	SELECT {from} AS exact_from, {to} AS exact_to
)
SELECT usage_rows(exact_from, exact_to, tokens, $5::text[], $7::integer, $8::integer, $9,
	$10::integer, $11::timestamp, $12::bigint, $6::integer)
FROM asked, exact
