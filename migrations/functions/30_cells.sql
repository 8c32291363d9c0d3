-- What a cell is made of, and pieces of SQL for it (docs/usage-rollups.md).

-- Lower bounds of the histogram's buckets, in milliseconds: exact to 16 ms, then eight
-- buckets an octave; h137 is everything from 524,288 ms on. Version 1. Bucket n counts
-- bounds[n] <= ms < bounds[n + 1]; negative times count as 0. They are computed in
-- gateway/recorder/rollup.c as well.
CREATE OR REPLACE FUNCTION public.usage_bounds() RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT array_agg(ms ORDER BY ms) FROM (
	SELECT n FROM generate_series(0, 15) AS n
	UNION ALL SELECT (8 + sub) * (1 << (octave - 3))
	FROM generate_series(4, 18) AS octave, generate_series(0, 7) AS sub
	UNION ALL SELECT 524288) AS bounds (ms)
$$;

-- The start of the interval of so many seconds (900, 3600, 21600, 86400) that t is in.
CREATE OR REPLACE FUNCTION public.usage_floor(t timestamp, width integer)
	RETURNS timestamp
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT timestamp 'epoch' + floor(extract(epoch FROM t) / width) * width * interval '1 '
	'second'
$$;

-- A row of the usage log, for {count}. Whose an error is, as docs/errors.md groups
-- outcomes; what is neither ours nor the caller's came from the upstream.
CREATE OR REPLACE FUNCTION public.usage_sql_row() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT 'used_at, coalesce(token_id, 0) AS token_id, '
	'route_path, response_status, total_ms, bytes_in, bytes_out, '
	'CASE WHEN response_time_ms < 0 THEN 0 ELSE response_time_ms END AS '
		'response_time_ms, CASE WHEN response_time_ms IS NOT NULL THEN width_bucket('
	'greatest(response_time_ms, 0), ' || quote_literal(public.usage_bounds())
	|| '::integer[]) END AS bucket, '
	'CASE WHEN (response_status >= 400 OR outcome <> ''complete'') IS NOT TRUE THEN NULL '
	|| string_agg(format('WHEN outcome IN (%s) THEN %L ', outcomes, fault), ''
		ORDER BY fault)
	|| 'ELSE ''upstream'' END AS error'
FROM (SELECT fault, string_agg(quote_literal(outcome), ', ' ORDER BY outcome) AS outcomes
	FROM public.usage_outcomes() WHERE fault IN ('client', 'ours')
	GROUP BY fault) AS faults
$$;

-- A sum as cells keep it: what is past a bigint's bounds is at them. Bytes that nobody
-- sent may add up to that. NULL where nothing was added up.
CREATE OR REPLACE FUNCTION public.usage_bounded(n numeric) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN n IS NOT NULL
	THEN least(greatest(n, -9223372036854775807), 9223372036854775807)::bigint END
$$;

-- A cell's columns, as pieces of SQL: (placeholder, text with the histogram, text
-- without).
-- {columns}      their names
-- {definitions}  for CREATE TABLE
-- {sums}         each added up, under its name
-- {plain_sums}   the same, 0 as NULL
-- {answer}       each added up but for time_max, NULL as 0
-- {histogram}    the buckets added up, in an array
-- {negated}      each with its sign changed
-- {merge}        the SET list of ON CONFLICT, where the table's alias is c
-- {count}        the cell of rows of the usage log that {row} prepared
CREATE OR REPLACE FUNCTION public.usage_sql_pieces()
RETURNS TABLE (placeholder text, with_h text, without_h text) LANGUAGE plpgsql AS $body$
DECLARE
	counts text[] := ARRAY(SELECT name FROM public.usage_cell_sums() ORDER BY place);
	-- Sums may be past all bounds, counts are not.
	large text[] := ARRAY(SELECT name FROM public.usage_cell_sums()
		WHERE how LIKE '%bounded(%');
	counted text[] := ARRAY(SELECT how FROM public.usage_cell_sums() ORDER BY place);
	buckets text[] := ARRAY(SELECT 'h' || n FROM generate_series(1, 137) AS n);
	item record;
BEGIN
	-- first, a list with `each` or `large` of the counts, last; then a list with `bucket`
	-- of the histogram.
	FOR item IN SELECT * FROM (VALUES
		('{columns}', 'calls, ', '%s', '%s', ', time_max', '%s'),
		('{definitions}', 'calls bigint NOT NULL, ', '%s bigint', '%s bigint',
			', time_max integer', '%s integer'),
		('{sums}', 'sum(calls)::bigint AS calls, ', 'sum(%1$s)::bigint AS %1$s',
			'public.usage_bounded(sum(%1$s)) AS %1$s', ', max(time_max) AS time_max',
			'sum(%1$s) AS %1$s'),
		('{plain_sums}', 'sum(calls)::bigint AS calls, ',
			'nullif(sum(%1$s), 0)::bigint AS %1$s',
			'nullif(public.usage_bounded(sum(%1$s)), 0) AS %1$s',
			', max(time_max) AS time_max', 'nullif(sum(%1$s), 0)::bigint AS %1$s'),
		('{answer}', 'sum(calls)::bigint, ', 'coalesce(sum(%s), 0)::bigint',
			'public.usage_bounded(coalesce(sum(%s), 0))', '', NULL),
		('{negated}', '-calls, ', '-%s', '-%s', ', NULL::integer', '-%s'),
		('{merge}', 'calls = c.calls + excluded.calls, ',
			'%1$s = coalesce(c.%1$s + excluded.%1$s, c.%1$s, excluded.%1$s)',
			'%1$s = coalesce(public.usage_bounded(c.%1$s::numeric + excluded.%1$s), '
			'c.%1$s, excluded.%1$s)',
			', time_max = greatest(c.time_max, excluded.time_max)',
			'%1$s = coalesce(c.%1$s + excluded.%1$s, c.%1$s, excluded.%1$s)'))
		AS v (name, first, each, large, last, bucket)
	LOOP
		placeholder := item.name;
		without_h := item.first || (SELECT string_agg(format(CASE WHEN c = ANY (large)
			THEN item.large ELSE item.each END, c), ', ')
			FROM unnest(counts) AS c) || item.last;
		with_h := without_h || coalesce((SELECT string_agg(', ' || format(item.bucket, b),
			'')
			FROM unnest(buckets) AS b), '');
		RETURN NEXT;
	END LOOP;
	placeholder := '{histogram}';
	without_h := 'NULL::bigint[]';
	with_h := 'ARRAY[' || (SELECT string_agg('coalesce(sum(' || b || '), 0)::bigint', ', '
		'')
		FROM unnest(buckets) AS b) || ']';
	RETURN NEXT;
	placeholder := '{count}';
	without_h := 'count(*) AS calls, ' || (SELECT string_agg(format('nullif(%s, 0) AS %s',
			x, c), ', ') FROM unnest(counted, counts) AS v (x, c))
		|| ', max(response_time_ms) AS time_max';
	with_h := without_h || (SELECT string_agg(format(
			', nullif(count(*) FILTER (WHERE bucket = %s), 0) AS h%1$s', n), '')
		FROM generate_series(1, 137) AS n);
	RETURN NEXT;
END
$body$;

-- usage_sql(template, with_histogram) puts those pieces into a statement. Its body holds
-- them as they are: to make them in each call took most of a question's time.
DO $generate$
DECLARE
	piece record;
	body text := 'template';
BEGIN
	FOR piece IN SELECT * FROM public.usage_sql_pieces()
			UNION ALL SELECT '{row}', r, r FROM public.usage_sql_row() AS r LOOP
		body := format('replace(%s, %L, CASE WHEN with_histogram THEN %L ELSE %L END)',
			body, piece.placeholder, piece.with_h, piece.without_h);
	END LOOP;
	EXECUTE format('CREATE OR REPLACE FUNCTION public.usage_sql(template text, '
		'with_histogram boolean DEFAULT true) RETURNS text '
		'LANGUAGE plpgsql IMMUTABLE AS %L', 'BEGIN RETURN ' || body || '; END');
END
$generate$;
DROP FUNCTION public.usage_sql_pieces();
