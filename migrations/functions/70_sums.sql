-- Reading cells: what all statistics are answered from.

CREATE OR REPLACE FUNCTION public.usage_check_bounds(bounds timestamp[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF coalesce(cardinality(bounds), 0) < 2
		OR EXISTS (SELECT FROM unnest(bounds, bounds[2:]) AS b (low, high)
			WHERE low IS NULL OR low >= high OR NOT isfinite(low)
			OR low <> public.usage_floor(low, 900)) THEN
		RAISE EXCEPTION 'bounds must be two or more rising times, '
			'each a whole quarter of an hour, UTC'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
END
$$;
REVOKE ALL ON FUNCTION public.usage_check_bounds(timestamp[]) FROM PUBLIC;

-- A range, in the fewest cells: quarters and hours at its edges, days in the middle.
CREATE OR REPLACE FUNCTION public.usage_pieces(low timestamp, high timestamp)
RETURNS TABLE (source text, piece_low timestamp, piece_high timestamp)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names text[] := ARRAY(SELECT name FROM public.usage_widths() ORDER BY width);
	widths integer[] := ARRAY(SELECT width FROM public.usage_widths() ORDER BY width);
	top integer := 1;
BEGIN
	piece_low := low;
	FOR i IN 1 .. cardinality(widths) - 1 LOOP
		piece_high := public.usage_floor(piece_low + (widths[i + 1] - 1) * interval '1 '
			'second', widths[i + 1]);
		EXIT WHEN piece_high > high;
		source := names[i];
		IF piece_low < piece_high THEN
			RETURN NEXT;
		END IF;
		piece_low := piece_high;
		top := i + 1;
	END LOOP;
	FOR i IN REVERSE top .. 1 LOOP
		piece_high := public.usage_floor(high, widths[i]);
		source := names[i];
		IF piece_low < piece_high THEN
			RETURN NEXT;
		END IF;
		piece_low := piece_high;
	END LOOP;
END
$$;

-- Many points. Reading one width throughout costs least; where a bound falls into a cell,
-- finer cells from that cell's start to the bound belong to the point before it: they are
-- added there and taken off the point after it. Which width, is whichever touches the
-- fewest cells. (Sums can be taken off, a maximum can't.) Finer cells stand at few times
-- of a day, and are sought by those.
CREATE OR REPLACE FUNCTION public.usage_series_parts(bounds timestamp[], keys text,
	filter text, names text, negated text, OUT head text, OUT parts text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
	n integer := cardinality(bounds);
	base record;
	floors timestamp[];
	finer text[];
BEGIN
	SELECT v.*, cost INTO base FROM public.usage_widths() AS v (source, width, finer,
		coarser), LATERAL (SELECT extract(epoch FROM bounds[n] - bounds[1]) / v.width
			+ coalesce(sum(rest / f.width + 3 * (rest >= f.width)::integer), 0)
			FROM public.usage_widths() AS f (source, width, finer, coarser),
				LATERAL (SELECT extract(epoch FROM b)::bigint % least(v.width,
				f.coarser) AS rest
					FROM unnest(bounds) AS b) AS rests
			WHERE f.width < v.width) AS c (cost)
		WHERE v.width <= 86400 ORDER BY cost, v.width DESC LIMIT 1;
	floors := ARRAY(SELECT public.usage_floor(b, base.width)
		FROM unnest(bounds) WITH ORDINALITY AS u (b, i) ORDER BY i);
	head := '';
	parts := ARRAY[format('SELECT width_bucket(since, %L::timestamp[]) AS point, %s%s '
		'FROM public.%I WHERE %s AND since >= %L AND since < %L', floors, keys, names,
		base.source, filter, floors[1], floors[n])];
	finer := ARRAY(SELECT format('SELECT bound, %s%s FROM unnest(%L::integer[], '
			'%L::timestamp[]) AS e (bound, starts) JOIN public.%I ON since = starts '
			'WHERE %s AND since::time = ANY (%L::time[]) AND since >= %L AND since <= %L',
				keys, names,
			array_agg(i), array_agg(starts), source, filter,
				array_agg(DISTINCT starts::time),
			min(starts), max(starts))
		FROM public.usage_widths() AS v (source, width, finer, coarser),
		unnest(bounds) WITH ORDINALITY AS u (b, i),
		LATERAL generate_series(public.usage_floor(b, least(base.width, coarser)),
			public.usage_floor(b, width) - interval '1 second',
			width * interval '1 second') AS starts
		WHERE width < base.width GROUP BY source);
	IF cardinality(finer) > 0 THEN
		head := 'WITH edge_cells AS MATERIALIZED (' || array_to_string(finer, ' '
			'UNION ALL ')
			|| ') ';
		parts := parts || format('SELECT bound - 1 AS point, %s%s FROM edge_cells '
			'WHERE bound > 1', keys, names)
			|| format('SELECT bound, %s%s FROM edge_cells WHERE bound < %s', keys,
			negated, n);
	END IF;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_series_parts(timestamp[], text, text, text, text)
	FROM PUBLIC;

-- What usage_sums reads of cells, takes off again at edges, and answers: in the words of
-- usage_sql.
CREATE OR REPLACE FUNCTION public.usage_sums_columns(brief boolean, with_max boolean,
	OUT names text, OUT negated text, OUT answer text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT brief THEN
		names := '{columns}';
		negated := '{negated}';
		answer := '{answer}, ' || CASE WHEN with_max THEN 'max(time_max)'
			ELSE 'NULL::integer' END || ', {histogram}';
		RETURN;
	END IF;
	names := 'calls, errors_ours, errors_upstream, errors_client, time_count, time_sum, '
		'bytes_in, bytes_out';
	negated := '-' || replace(names, ', ', ', -');
	answer := 'sum(calls)::bigint, coalesce(sum(errors_ours), 0)::bigint, '
		'coalesce(sum(errors_upstream), 0)::bigint, coalesce(sum(errors_client), '
		'0)::bigint'
		|| repeat(', NULL::bigint', 6) || ', coalesce(sum(time_count), 0)::bigint, '
		'public.usage_bounded(coalesce(sum(time_sum), 0)), NULL::bigint, NULL::bigint, '
		'public.usage_bounded(coalesce(sum(bytes_in), 0)), '
		'public.usage_bounded(coalesce(sum(bytes_out), 0)), '
		'NULL::integer, NULL::bigint[]';
END
$$;
REVOKE ALL ON FUNCTION public.usage_sums_columns(boolean, boolean) FROM PUBLIC;

-- What is not in whole days yet: the cells of usage_open, and deltas.
CREATE OR REPLACE FUNCTION public.usage_sums_fresh(bounds timestamp[], wanted text,
	token_filter text, route_filter text, some_tokens boolean, some_routes boolean)
RETURNS text[] LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT ARRAY[
	format('SELECT %s FROM public.usage_open WHERE %s AND %s AND since >= %L '
	'AND since < %L',
		wanted, token_filter, route_filter, bounds[1], bounds[cardinality(bounds)]),
	format('SELECT %s FROM (SELECT since, token_id, coalesce(r.route_id, 0) AS route_id, '
		'{columns} FROM public.usage_deltas LEFT JOIN public.usage_routes AS r '
		'USING (route_path)) AS d WHERE %s AND %s AND since >= %L AND since < %L', wanted,
		CASE WHEN some_tokens THEN token_filter ELSE 'true' END,
		CASE WHEN some_routes THEN route_filter ELSE 'true' END,
		bounds[1], bounds[cardinality(bounds)])]
$$;
REVOKE ALL ON FUNCTION public.usage_sums_fresh(timestamp[], text, text, text, boolean,
	boolean) FROM PUBLIC;

-- The cells that add up to an answer, in PostgreSQL's hands: between each two neighbours
-- of `bounds` (UTC, whole quarters of an hour, rising) is one point, numbered from 1.
--   tokens, routes     only these; NULL: all
--   by_token, by_route a row for each of them; false: together, and the column is NULL
--   with_histogram     false: histogram is NULL, and the answer comes faster
--   brief              only calls, errors_*, time_count, time_sum, bytes_*; faster still
-- time_max is NULL where bounds are more than two: see above. One snapshot, whoever
-- calls. All cells are added up in one go, since planning some 150 sums takes longer than
-- making them; by hashing, since a sort would carry every cell's columns.
CREATE OR REPLACE FUNCTION public.usage_sums(bounds timestamp[],
	tokens bigint[] DEFAULT NULL,
	routes integer[] DEFAULT NULL, by_token boolean DEFAULT false,
	by_route boolean DEFAULT false, with_histogram boolean DEFAULT false,
	brief boolean DEFAULT false)
RETURNS TABLE (point integer, token_id bigint, route_id integer, calls bigint,
	errors_ours bigint, errors_upstream bigint, errors_client bigint, status_1xx bigint,
	status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint,
	status_none bigint, time_count bigint, time_sum bigint, total_count bigint,
	total_sum bigint, bytes_in bigint, bytes_out bigint, time_max integer,
	histogram bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	SET jit = off
SET max_parallel_workers_per_gather = 0 SET enable_sort = off AS $body$
#variable_conflict use_column
DECLARE
	n integer := cardinality(bounds);
	token_filter text := CASE WHEN tokens IS NOT NULL THEN 'token_id = ANY ($2)'
		WHEN by_token THEN '(token_id >= 0) IS TRUE' ELSE 'token_id = -1' END;
	route_filter text := CASE WHEN routes IS NOT NULL THEN 'route_id = ANY ($3)'
		WHEN by_route THEN 'route_id >= 0' ELSE 'route_id = -1' END;
	-- What there is a row for each of; a constant among them would cost a step per cell.
	keys text := CASE WHEN by_token THEN 'token_id, ' ELSE '' END
		|| CASE WHEN by_route THEN 'route_id, ' ELSE '' END;
	place text := CASE WHEN n > 2 THEN 'width_bucket(since, $1) AS point, ' ELSE '' END;
	grouping_by text := rtrim(CASE WHEN n > 2 THEN 'point, ' ELSE '' END || keys, ', ');
	names text;
	negated text;
	answer text;
	head text := '';
	parts text[];
BEGIN
	PERFORM public.usage_check_bounds(bounds);
	SELECT * INTO names, negated, answer FROM public.usage_sums_columns(brief, n = 2);
	IF n = 2 THEN
		SELECT array_agg(format('SELECT %s%s FROM public.%I WHERE %s AND %s '
			'AND since >= %L AND since < %L', keys, names, source, token_filter,
			route_filter, piece_low, piece_high)) INTO parts
			FROM public.usage_pieces(bounds[1], bounds[2]);
	ELSE
		SELECT * INTO head, parts FROM public.usage_series_parts(bounds, keys,
			token_filter || ' AND ' || route_filter, names, negated);
	END IF;
	parts := parts || public.usage_sums_fresh(bounds, place || keys || names,
		token_filter, route_filter, tokens IS NOT NULL, routes IS NOT NULL);
	RETURN QUERY EXECUTE public.usage_sql(format('%sSELECT * FROM (SELECT %s, %s, %s, %s '
		'FROM (%s) AS cells %s HAVING sum(calls) <> 0 OFFSET 0) AS sums ORDER BY 1, 2, 3',
		head, CASE WHEN n > 2 THEN 'point' ELSE '1 AS point' END,
		CASE WHEN by_token THEN 'token_id' ELSE 'NULL::bigint AS token_id' END,
		CASE WHEN by_route THEN 'route_id' ELSE 'NULL::integer AS route_id' END, answer,
		array_to_string(parts, ' UNION ALL '), CASE
			WHEN grouping_by <> '' THEN 'GROUP BY '
		|| grouping_by ELSE '' END), with_histogram) USING bounds, tokens, routes;
END
$body$;
REVOKE ALL ON FUNCTION public.usage_sums(timestamp[], bigint[], integer[], boolean,
	boolean, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_sums(timestamp[], bigint[], integer[], boolean,
	boolean, boolean, boolean) TO tollgate;
