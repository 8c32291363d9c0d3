-- Cells of 8 and of 64 days, so that a long range is as few cells as a short one; and what questions
-- about all tokens read, side by side.
--
-- Runs once, as tollgate_owner, inside a transaction. docs/adr/0007-rollups.md has the figures.

DO $tables$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY '{usage_8days,usage_64days}'::text[] LOOP
		EXECUTE public.usage_sql(format('CREATE TABLE public.%I (token_id bigint NOT NULL, '
			'route_id integer NOT NULL, since timestamp NOT NULL, {definitions}, '
			'PRIMARY KEY (token_id, since, route_id))', name));
		EXECUTE format('CREATE INDEX %I ON public.%I (route_id, since)',
			name || '_route_since', name);
		EXECUTE format('GRANT SELECT ON public.%I TO tollgate', name);
	END LOOP;
	-- Narrow cells stand token by token, so that one interval of all tokens is all over the table.
	-- What rankings read of them is in an index by time as well. Index-only scans need a vacuum:
	-- after about a day's cells. IS TRUE keeps those who ask for some tokens away from it: nothing
	-- but the same words has this index in mind.
	FOREACH name IN ARRAY '{usage_15min,usage_hour,usage_6hours}'::text[] LOOP
		EXECUTE format('CREATE INDEX %I ON public.%I (since) INCLUDE (token_id, calls, '
			'errors_ours, errors_upstream, errors_client, time_count, time_sum, bytes_in, '
			'bytes_out) WHERE route_id = -1 AND (token_id >= 0) IS TRUE',
			name || '_tokens', name);
		-- Where a zone's days begin: the same time of many days.
		EXECUTE format('CREATE INDEX %I ON public.%I (token_id, (since::time), since) INCLUDE '
			'(calls, errors_ours, errors_upstream, errors_client, time_count, time_sum, '
			'bytes_in, bytes_out) WHERE route_id = -1', name || '_clock', name);
		EXECUTE format('ALTER TABLE public.%I SET (autovacuum_vacuum_insert_scale_factor = 0, '
			'autovacuum_vacuum_insert_threshold = 20000)', name);
	END LOOP;
END
$tables$;

-- Makes the wide cells anew that these days are in.
CREATE FUNCTION public.usage_widen(days timestamp[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	routes integer[] := public.usage_route_ids();
	step record;
BEGIN
	FOR step IN SELECT made, width, source, array_agg(DISTINCT public.usage_floor(d, width))
				AS since
			FROM (VALUES ('usage_8days', 691200, 'usage_day'),
				('usage_64days', 5529600, 'usage_8days')) AS v (made, width, source),
			unnest(days) AS d GROUP BY 1, 2, 3 ORDER BY width LOOP
		EXECUTE format('DELETE FROM public.%I WHERE route_id = ANY ($1) AND since = ANY ($2)',
			step.made) USING routes, step.since;
		EXECUTE public.usage_sql(format($$INSERT INTO public.%I
			(token_id, route_id, since, {columns})
			SELECT token_id, route_id, w.since, {sums} FROM unnest($2) AS w (since)
			JOIN public.%I AS c ON route_id = ANY ($1) AND c.since >= w.since
				AND c.since < w.since + $3
			GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3$$, step.made, step.source))
			USING routes, step.since, step.width * interval '1 second';
	END LOOP;
END
$body$;

SELECT public.usage_widen(array_agg(DISTINCT since)) FROM public.usage_day
	WHERE token_id = -1 AND route_id = -1 HAVING count(*) > 0;

-- As in 0004, and the wide cells.
CREATE OR REPLACE FUNCTION public.usage_unpack(which timestamp[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	routes integer[] := public.usage_route_ids();
	step record;
BEGIN
	IF NOT EXISTS (SELECT FROM public.usage_day
			WHERE route_id = ANY (routes) AND since = date_trunc('day', which[1]))
		AND NOT EXISTS (SELECT FROM public.usage_15min
			WHERE route_id = ANY (routes) AND since = ANY (which)) THEN
		RETURN;
	END IF;
	DELETE FROM public.usage_15min WHERE route_id = ANY (routes) AND since = ANY (which);
	FOR step IN SELECT made, width, source, array_agg(DISTINCT public.usage_floor(w, width))
				AS since
			FROM (VALUES ('usage_hour', 3600, 'usage_15min'),
				('usage_6hours', 21600, 'usage_hour'),
				('usage_day', 86400, 'usage_6hours')) AS v (made, width, source),
			unnest(which) AS w GROUP BY 1, 2, 3 ORDER BY width LOOP
		EXECUTE format('DELETE FROM public.%I WHERE route_id = ANY ($1) AND since = ANY ($2)',
			step.made) USING routes, step.since;
		EXECUTE public.usage_sql(format($$INSERT INTO public.%I
			(token_id, route_id, since, {columns})
			SELECT token_id, route_id, w.since, {sums} FROM unnest($2) AS w (since)
			JOIN public.%I AS c ON route_id = ANY ($1) AND c.since >= w.since
				AND c.since < w.since + $3
			GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3$$, step.made, step.source))
			USING routes, step.since, step.width * interval '1 second';
	END LOOP;
	PERFORM public.usage_widen(ARRAY[which[1]]);
END
$body$;

-- As in 0004, and the wide cells; in shorter steps.
CREATE OR REPLACE FUNCTION public.usage_pack(most integer DEFAULT 50,
	until timestamp DEFAULT date_trunc('day', now() AT TIME ZONE 'UTC' - interval '10 minutes'))
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
DECLARE
	day timestamp;
	tokens bigint[];
	routes integer[];
	n integer;
	statement text;
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN -1;
	END IF;
	SELECT date_trunc('day', min(since)) INTO day FROM public.usage_open AS o
		WHERE route_id = -1 AND since < until
		AND NOT EXISTS (SELECT FROM public.usage_dirty AS d
			WHERE date_trunc('day', d.since) = date_trunc('day', o.since));
	IF day IS NULL THEN
		RETURN 0;
	END IF;
	SELECT array_agg(token_id), array_agg(route_id) INTO tokens, routes FROM (
		SELECT DISTINCT route_id <> -1 AS is_pair, token_id, route_id FROM public.usage_open
		WHERE route_id = ANY (public.usage_route_ids()) AND since >= day
		AND since < day + interval '1 day' ORDER BY 1, 2, 3 LIMIT most) AS series;
	SELECT 'WITH gone AS (DELETE FROM public.usage_open AS c '
			'USING unnest($2, $3) AS s (token_id, route_id) WHERE c.token_id = s.token_id '
			'AND c.route_id = s.route_id AND c.since >= $1 '
			'AND c.since < $1 + interval ''1 day'' RETURNING c.*), '
		|| string_agg(format('%1$s AS (INSERT INTO public.%1$s AS c (token_id, route_id, '
			'since, {columns}) SELECT token_id, route_id, public.usage_floor(since, %2$s), '
			'{sums} FROM gone GROUP BY 1, 2, 3 ORDER BY route_id <> -1, 1, 2, 3 '
			'ON CONFLICT (token_id, route_id, since) DO UPDATE SET {merge})', made, width),
			', ')
		|| 'SELECT count(*) FROM gone' INTO statement
		FROM (VALUES ('usage_15min', 900), ('usage_hour', 3600), ('usage_6hours', 21600),
			('usage_day', 86400), ('usage_8days', 691200), ('usage_64days', 5529600))
			AS v (made, width);
	EXECUTE public.usage_sql(statement) INTO n USING day, tokens, routes;
	RETURN n;
END
$body$;

-- As in 0004, and the wide cells.
CREATE OR REPLACE FUNCTION public.usage_pieces(low timestamp, high timestamp)
RETURNS TABLE (source text, piece_low timestamp, piece_high timestamp)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	names text[] := '{usage_15min,usage_hour,usage_6hours,usage_day,usage_8days,usage_64days}';
	widths integer[] := '{900,3600,21600,86400,691200,5529600}';
	top integer := 1;
BEGIN
	piece_low := low;
	FOR i IN 1 .. cardinality(widths) - 1 LOOP
		piece_high := public.usage_floor(piece_low + (widths[i + 1] - 1) * interval '1 second',
			widths[i + 1]);
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

-- Many points. Reading one width throughout costs least; where a bound falls into a cell, finer
-- cells from that cell's start to the bound belong to the point before it: they are added there
-- and taken off the point after it. Which width, is whichever touches the fewest cells. (Sums can
-- be taken off, a maximum can't.) Finer cells stand at few times of a day, and are sought by those.
CREATE OR REPLACE FUNCTION public.usage_series_parts(bounds timestamp[], keys text, filter text,
	names text, negated text, OUT head text, OUT parts text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
	n integer := cardinality(bounds);
	base record;
	floors timestamp[];
	finer text[];
BEGIN
	SELECT v.*, cost INTO base FROM (VALUES ('usage_15min', 900), ('usage_hour', 3600),
			('usage_6hours', 21600), ('usage_day', 86400)) AS v (source, width),
		LATERAL (SELECT extract(epoch FROM bounds[n] - bounds[1]) / width + sum(
				coalesce(i / 21600 + 3 * (i >= 21600)::integer, 0)
				+ h / 3600 + 3 * (h >= 3600)::integer + q / 900 + 3 * (q > 0)::integer)
			FROM (SELECT CASE WHEN width > 21600 THEN s % width ELSE 0 END AS i,
				CASE WHEN width > 3600 THEN s % least(width, 21600) ELSE 0 END AS h,
				CASE WHEN width > 900 THEN s % least(width, 3600) ELSE 0 END AS q
				FROM (SELECT extract(epoch FROM b)::bigint AS s
					FROM unnest(bounds) AS b) AS seconds) AS rest) AS c (cost)
		ORDER BY cost, width DESC LIMIT 1;
	floors := ARRAY(SELECT public.usage_floor(b, base.width)
		FROM unnest(bounds) WITH ORDINALITY AS u (b, i) ORDER BY i);
	head := '';
	parts := ARRAY[format('SELECT width_bucket(since, %L::timestamp[]) AS point, %s, %s '
		'FROM public.%I WHERE %s AND since >= %L AND since < %L', floors, keys, names,
		base.source, filter, floors[1], floors[n])];
	finer := ARRAY(SELECT format('SELECT bound, %s, %s FROM unnest(%L::integer[], '
			'%L::timestamp[]) AS e (bound, starts) JOIN public.%I ON since = starts WHERE %s '
			'AND since::time = ANY (%L::time[]) AND since >= %L AND since <= %L', keys, names,
			array_agg(i), array_agg(starts), source, filter, array_agg(DISTINCT starts::time),
			min(starts), max(starts))
		FROM (VALUES ('usage_15min', 900, 3600), ('usage_hour', 3600, 21600),
			('usage_6hours', 21600, 86400)) AS v (source, width, coarser),
		unnest(bounds) WITH ORDINALITY AS u (b, i),
		LATERAL generate_series(public.usage_floor(b, least(base.width, coarser)),
			public.usage_floor(b, width) - interval '1 second',
			width * interval '1 second') AS starts
		WHERE width < base.width GROUP BY source);
	IF cardinality(finer) > 0 THEN
		head := 'WITH edge_cells AS MATERIALIZED (' || array_to_string(finer, ' UNION ALL ')
			|| ') ';
		parts := parts || format('SELECT bound - 1 AS point, token_id, route_id, %s '
			'FROM edge_cells WHERE bound > 1', names)
			|| format('SELECT bound, token_id, route_id, %s FROM edge_cells '
			'WHERE bound < %s', negated, n);
	END IF;
END
$body$;

-- The cells that add up to an answer, in PostgreSQL's hands: between each two neighbours of
-- `bounds` (UTC, whole quarters of an hour, rising) is one point, numbered from 1.
--   tokens, routes     only these; NULL: all
--   by_token, by_route a row for each of them; false: together, and the column is NULL
--   with_histogram     false: histogram is NULL, and the answer comes faster
--   brief              only calls, errors_*, time_count, time_sum and bytes_*, faster still
-- time_max is NULL where bounds are more than two: see above. One snapshot, whoever calls.
-- All cells are added up in one go, since planning some 150 sums takes longer than making them;
-- by hashing, since a sort would carry every cell's columns.
CREATE OR REPLACE FUNCTION public.usage_sums(bounds timestamp[], tokens bigint[] DEFAULT NULL,
	routes integer[] DEFAULT NULL, by_token boolean DEFAULT false,
	by_route boolean DEFAULT false, with_histogram boolean DEFAULT false,
	brief boolean DEFAULT false)
RETURNS TABLE (point integer, token_id bigint, route_id integer, calls bigint,
	errors_ours bigint, errors_upstream bigint, errors_client bigint, status_1xx bigint,
	status_2xx bigint, status_3xx bigint, status_4xx bigint, status_5xx bigint,
	status_none bigint, time_count bigint, time_sum bigint, total_count bigint,
	total_sum bigint, bytes_in bigint, bytes_out bigint, time_max integer,
	histogram bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 SET enable_sort = off AS $body$
#variable_conflict use_column
DECLARE
	n integer := cardinality(bounds);
	token_filter text := CASE WHEN tokens IS NOT NULL THEN 'token_id = ANY ($2)'
		WHEN by_token THEN '(token_id >= 0) IS TRUE' ELSE 'token_id = -1' END;
	route_filter text := CASE WHEN routes IS NOT NULL THEN 'route_id = ANY ($3)'
		WHEN by_route THEN 'route_id >= 0' ELSE 'route_id = -1' END;
	keys text := CASE WHEN by_token THEN 'token_id, ' ELSE 'NULL::bigint AS token_id, ' END
		|| CASE WHEN by_route THEN 'route_id' ELSE 'NULL::integer AS route_id' END;
	place text := CASE WHEN n > 2 THEN 'width_bucket(since, $1)' ELSE '1' END;
	grouping_by text := array_to_string(ARRAY[CASE WHEN n > 2 THEN 'point' END,
		CASE WHEN by_token THEN 'token_id' END, CASE WHEN by_route THEN 'route_id' END], ', ');
	names text := '{columns}';
	negated text := '{negated}';
	answer text := '{answer}, ' || CASE WHEN n > 2 THEN 'NULL::integer' ELSE 'max(time_max)' END
		|| ', {histogram}';
	head text := '';
	parts text[];
BEGIN
	IF n IS NULL OR n < 2 OR EXISTS (SELECT FROM unnest(bounds, bounds[2:]) AS b (low, high)
			WHERE low IS NULL OR low >= high OR NOT isfinite(low)
			OR low <> public.usage_floor(low, 900)) THEN
		RAISE EXCEPTION 'bounds must be two or more rising times, each a whole quarter of an '
			'hour, UTC' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF brief THEN
		names := 'calls, errors_ours, errors_upstream, errors_client, time_count, time_sum, '
			'bytes_in, bytes_out';
		negated := '-calls, -errors_ours, -errors_upstream, -errors_client, -time_count, '
			'-time_sum, -bytes_in, -bytes_out';
		answer := 'sum(calls)::bigint, coalesce(sum(errors_ours), 0)::bigint, '
			'coalesce(sum(errors_upstream), 0)::bigint, coalesce(sum(errors_client), 0)::bigint'
			|| repeat(', NULL::bigint', 6) || ', coalesce(sum(time_count), 0)::bigint, '
			'coalesce(sum(time_sum), 0)::bigint, NULL::bigint, NULL::bigint, '
			'coalesce(sum(bytes_in), 0)::bigint, coalesce(sum(bytes_out), 0)::bigint, '
			'NULL::integer, NULL::bigint[]';
	END IF;
	IF n = 2 THEN
		SELECT array_agg(format('SELECT 1 AS point, %s, %s FROM public.%I WHERE %s AND %s '
			'AND since >= %L AND since < %L', keys, names, source, token_filter, route_filter,
			piece_low, piece_high)) INTO parts
			FROM public.usage_pieces(bounds[1], bounds[2]);
	ELSE
		SELECT * INTO head, parts FROM public.usage_series_parts(bounds, keys,
			token_filter || ' AND ' || route_filter, names, negated);
	END IF;
	-- What is not in whole days yet.
	parts := parts || format('SELECT %s AS point, %s, %s FROM public.usage_open WHERE %s '
		'AND %s AND since >= %L AND since < %L', place, keys, names, token_filter,
		route_filter, bounds[1], bounds[n]);
	parts := parts || format('SELECT %s AS point, %s, %s FROM (SELECT since, token_id, '
		'coalesce(r.route_id, 0) AS route_id, {columns} FROM public.usage_deltas '
		'LEFT JOIN public.usage_routes AS r USING (route_path)) AS d WHERE %s AND %s '
		'AND since >= %L AND since < %L', place, keys, names,
		CASE WHEN tokens IS NULL THEN 'true' ELSE token_filter END,
		CASE WHEN routes IS NULL THEN 'true' ELSE route_filter END, bounds[1], bounds[n]);
	RETURN QUERY EXECUTE public.usage_sql(format('%sSELECT * FROM (SELECT %s, %s, %s, %s '
		'FROM (%s) AS cells %s HAVING sum(calls) <> 0 OFFSET 0) AS sums ORDER BY 1, 2, 3', head,
		CASE WHEN n > 2 THEN 'point' ELSE '1 AS point' END,
		CASE WHEN by_token THEN 'token_id' ELSE 'NULL::bigint AS token_id' END,
		CASE WHEN by_route THEN 'route_id' ELSE 'NULL::integer AS route_id' END, answer,
		array_to_string(parts, ' UNION ALL '), CASE WHEN grouping_by <> '' THEN 'GROUP BY '
		|| grouping_by ELSE '' END), with_histogram) USING bounds, tokens, routes;
END
$body$;

-- The wide cells that touch a range and differ from the narrower ones which they were made of, as
-- usage_differences tells of the others.
CREATE FUNCTION public.usage_wide_differences(low timestamp, high timestamp)
RETURNS TABLE (source text, since timestamp, token_id bigint, route_id integer,
	stored_calls bigint, counted_calls bigint, columns text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
SET max_parallel_workers_per_gather = 0 AS $body$
#variable_conflict use_column
DECLARE
	step record;
BEGIN
	FOR step IN SELECT v.*, public.usage_floor(low, width) AS begins FROM (VALUES
			('usage_8days', 691200, 'usage_day'), ('usage_64days', 5529600, 'usage_8days'))
			AS v (name, width, made_of) LOOP
		RETURN QUERY EXECUTE public.usage_sql(format($$
			WITH counted AS (SELECT public.usage_floor(since, %2$s) AS since, token_id, route_id,
					{plain_sums} FROM public.%3$I
				WHERE route_id = ANY ($3) AND since >= $1
					AND since < public.usage_floor($2 + interval '%2$s s', %2$s)
				GROUP BY 1, 2, 3),
			stored AS (SELECT since, token_id, route_id, {plain_sums} FROM public.%1$I
				WHERE route_id = ANY ($3) AND since >= $1 AND since < $2 GROUP BY 1, 2, 3)
			SELECT %1$L, since, token_id, route_id, coalesce(s.calls, 0), coalesce(c.calls, 0),
				(SELECT string_agg(key, ', ' ORDER BY key) FROM (
					SELECT key, value FROM jsonb_each(to_jsonb(s)) EXCEPT
					SELECT key, value FROM jsonb_each(to_jsonb(c))) AS d)
			FROM (SELECT * FROM counted WHERE since < $2 AND calls > 0) AS c
			FULL JOIN stored AS s USING (since, token_id, route_id)
			WHERE c IS DISTINCT FROM s ORDER BY 2, 3, 4$$, step.name, step.width, step.made_of))
			USING step.begins, high, public.usage_route_ids();
	END LOOP;
END
$body$;

-- Makes the wide cells of a range anew; false: the lock is someone else's just now.
CREATE FUNCTION public.usage_repair_wide(low timestamp, high timestamp) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT public.usage_upkeep_lock() THEN
		RETURN false;
	END IF;
	PERFORM public.usage_widen(ARRAY(SELECT generate_series(date_trunc('day', low),
		high - interval '1 second', interval '1 day')));
	RETURN true;
END
$$;

-- Where some of the greatest time_max stand: (token, route, quarter) of the n cells of the series
-- that `filter` names. From the widest cells of the range down: what is among the n greatest of
-- a width, or is of the edges, is looked into in the next.
CREATE FUNCTION public.usage_slowest_cells(low timestamp, high timestamp, filter text,
	tokens bigint[], routes integer[], n integer, OUT cell_tokens bigint[],
	OUT cell_routes integer[], OUT cell_since timestamp[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $body$
DECLARE
	step record;
BEGIN
	FOR step IN SELECT v.*, coalesce((SELECT string_agg(format('SELECT token_id, route_id, since, '
				'time_max FROM public.%I WHERE %s AND since >= %L AND since < %L UNION ALL ',
				source, filter, piece_low, piece_high), '')
				FROM public.usage_pieces(low, high) WHERE source = v.name), '') AS of_range
			FROM (VALUES ('usage_64days', 5529600, 0), ('usage_8days', 691200, 5529600),
				('usage_day', 86400, 691200), ('usage_6hours', 21600, 86400),
				('usage_hour', 3600, 21600), ('usage_15min', 900, 3600))
				AS v (name, width, wider) ORDER BY width DESC LOOP
		EXECUTE format('SELECT array_agg(token_id), array_agg(route_id), array_agg(since) FROM ('
			'SELECT token_id, route_id, since FROM (%s'
			'SELECT c.token_id, c.route_id, c.since, c.time_max FROM unnest($4, $5, $6) '
			'AS k (token_id, route_id, since) JOIN public.%I AS c ON c.token_id = k.token_id '
			'AND c.route_id = k.route_id AND c.since >= k.since '
			'AND c.since < k.since + interval ''%s s'') AS cells '
			'WHERE time_max IS NOT NULL ORDER BY time_max DESC LIMIT $7) AS slowest',
			step.of_range || CASE WHEN step.width = 900 THEN format('SELECT token_id, route_id, '
				'since, time_max FROM public.usage_open WHERE %s AND since >= $1 AND since < $2 '
				'UNION ALL ', filter) ELSE '' END, step.name, step.wider)
			INTO cell_tokens, cell_routes, cell_since
			USING low, high, tokens, cell_tokens, cell_routes, cell_since, n, routes;
	END LOOP;
END
$body$;

-- As in 0008: the n slowest calls of a range, of which there are rows.
CREATE OR REPLACE FUNCTION public.usage_slowest(low timestamp, high timestamp, tokens bigint[],
	paths text[], n integer)
RETURNS json LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off AS $body$
#variable_conflict use_column
DECLARE
	routes integer[] := public.usage_route_numbers(paths);
	since_raw timestamp := greatest(low, (SELECT raw_since FROM public.usage_rollup_state));
	filter text := CASE WHEN tokens IS NULL THEN 'token_id = -1' ELSE 'token_id = ANY ($3)' END
		|| CASE WHEN paths IS NULL THEN ' AND route_id = -1' ELSE ' AND route_id = ANY ($8)' END;
	on_route text;
	found record;
	cell record;
	rows json[] := '{}';
	times integer[] := '{}';
	more json[];
	more_times integer[];
	part regclass;
	threshold integer;
	by_hash boolean;
	counted bigint;
BEGIN
	IF since_raw >= high THEN
		RETURN '[]';
	END IF;
	found := public.usage_slowest_cells(since_raw, high, filter, tokens, routes, n);
	-- From cells of all tokens to a token's: by their slowest routes, since there are fewer.
	FOR cell IN EXECUTE format($$
		WITH slowest AS (SELECT * FROM unnest($1, $2, $3) AS s (token_id, route_id, since)),
		cells AS NOT MATERIALIZED (
			SELECT token_id, route_id, since, time_max, calls FROM public.usage_15min
			UNION ALL SELECT token_id, route_id, since, time_max, calls FROM public.usage_open),
		by_route AS (SELECT c.route_id, c.since FROM slowest AS s JOIN cells AS c
				ON c.token_id = s.token_id AND c.since = s.since
			WHERE s.token_id = -1 AND c.route_id >= 0 AND s.route_id IN (-1, c.route_id)
				AND time_max IS NOT NULL
			GROUP BY 1, 2 ORDER BY max(time_max) DESC LIMIT $4),
		chosen AS (SELECT c.* FROM slowest AS s JOIN cells AS c USING (token_id, route_id, since)
				WHERE s.token_id >= 0
			UNION ALL SELECT c.* FROM by_route AS r JOIN cells AS c USING (route_id, since)
				WHERE c.token_id >= 0
			UNION ALL SELECT token_id, %s, since, time_max, calls FROM public.usage_deltas
				LEFT JOIN public.usage_routes AS r USING (route_path)
				WHERE since >= $5 AND since < $6 AND ($7 IS NULL OR token_id = ANY ($7))
				AND ($8 IS NULL OR route_path = ANY ($8)))
		SELECT token_id, route_id, since, max(time_max) AS time_max, sum(calls)::bigint AS calls,
			(SELECT route_path FROM public.usage_routes AS r WHERE r.route_id = chosen.route_id)
		FROM chosen WHERE time_max IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT $4$$,
		CASE WHEN tokens IS NOT NULL AND paths IS NULL THEN '-1' ELSE 'coalesce(r.route_id, 0)' END)
		USING found.cell_tokens, found.cell_routes, found.cell_since, n, since_raw, high, tokens,
			paths LOOP
		part := public.usage_partition(cell.since::date);
		threshold := CASE WHEN cardinality(times) >= n THEN (SELECT t FROM unnest(times) AS t
			ORDER BY t DESC OFFSET n - 1 LIMIT 1) END;
		EXIT WHEN cell.time_max < threshold;
		CONTINUE WHEN part IS NULL;
		-- Not by the index of routes, which holds a whole day's rows.
		on_route := CASE WHEN cell.route_id > 0
			THEN format(' AND (route_path = %L) IS TRUE', cell.route_path)
			WHEN cell.route_id = 0 THEN ' AND route_path IS NULL' ELSE '' END;
		-- By the token's hash, if that finds all its rows: a former key's may be in no table any more.
		FOREACH by_hash IN ARRAY CASE WHEN cell.calls <= 2000 THEN '{t,f}' ELSE '{f}' END::boolean[]
		LOOP
			EXECUTE format('WITH w AS %sMATERIALIZED (SELECT * FROM %s WHERE used_at >= $1 AND '
				'used_at < $1 + interval ''15 minutes'' AND coalesce(token_id, 0) = $2%s%s) '
				'SELECT %s, array_agg(public.usage_row_json(ROW(l.*)::public.token_usage_logs)), '
				'array_agg(response_time_ms) FROM (SELECT * FROM w WHERE response_time_ms >= $3 '
				'ORDER BY response_time_ms DESC, used_at DESC, id DESC LIMIT $4) AS l',
				CASE WHEN by_hash THEN '' ELSE 'NOT ' END, part, on_route, CASE WHEN by_hash THEN
				' AND token_hash = ANY (ARRAY(SELECT token_hash FROM public.token_keys '
				'WHERE token_id = $2))' ELSE '' END,
				CASE WHEN by_hash THEN '(SELECT count(*) FROM w)' ELSE 'NULL' END)
				INTO counted, more, more_times
				USING cell.since, cell.token_id, coalesce(threshold, 0), n;
			EXIT WHEN counted >= cell.calls;
		END LOOP;
		rows := rows || coalesce(more, '{}');
		times := times || coalesce(more_times, '{}');
	END LOOP;
	RETURN (SELECT coalesce(json_agg(j), '[]') FROM (SELECT j FROM unnest(rows, times)
		AS r (j, ms) ORDER BY ms DESC, j ->> 'used_at' DESC, (j ->> 'id')::bigint DESC
		LIMIT n) AS slowest);
END
$body$;

DROP FUNCTION public.usage_token_condition(regclass, timestamp, timestamp, bigint[], text, bigint);

REVOKE ALL ON FUNCTION public.usage_widen(timestamp[]),
	public.usage_slowest_cells(timestamp, timestamp, text, bigint[], integer[], integer),
	public.usage_wide_differences(timestamp, timestamp),
	public.usage_repair_wide(timestamp, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.usage_wide_differences(timestamp, timestamp),
	public.usage_repair_wide(timestamp, timestamp) TO tollgate;
