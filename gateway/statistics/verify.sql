-- The statements of `usage verify`, and of what has intervals counted again.

-- $1, $2 as they were asked for; told in UTC, with what is wrong with them.
-- name: verify_range
SELECT f AT TIME ZONE 'UTC', t AT TIME ZONE 'UTC',
	CASE
		WHEN NOT isfinite(f) THEN '--from must be a day or a time'
		WHEN NOT isfinite(t) THEN '--to must be a day or a time'
		WHEN f >= t THEN '--from must be before --to'
	END
FROM (VALUES ($1::timestamptz, $2::timestamptz)) AS v (f, t)

-- (low, high) of each day between $1 and $2, in quarters of an hour.
-- name: verify_parts
SELECT low, high
FROM usage_days() AS d, LATERAL (
	SELECT greatest(d.day, usage_floor($1::timestamp, 900)) AS low,
		least(d.day + 1,
			usage_floor($2::timestamp + interval '899.999999 s', 900)) AS high
) AS part
WHERE low < high
ORDER BY low

-- name: verify_differences
SELECT source, since, token_id, route_id, stored_calls, counted_calls, columns
FROM usage_differences($1, $2)

-- name: verify_wide_differences
SELECT source, since, token_id, route_id, stored_calls, counted_calls, columns
FROM usage_wide_differences($1, $2)

-- name: verify_waiting
SELECT count(DISTINCT since) FROM usage_dirty WHERE since >= $1 AND since < $2

-- name: verify_repair
SELECT usage_repair($1, $2)

-- name: verify_repair_wide
SELECT usage_repair_wide($1, $2)

-- name: recount_clock
SELECT clock_timestamp()

-- name: recount_left
SELECT count(*) FROM usage_dirty WHERE noted_at <= $1

-- One of those that could not be.
-- name: recount_failed
SELECT since || ': ' || sqlstate || ' ' || reason FROM usage_recounted
WHERE reason IS NOT NULL ORDER BY since LIMIT 1

-- How many were counted again; -1: another one holds the lock.
-- name: recount_some
SELECT usage_recount_dirty(32)
